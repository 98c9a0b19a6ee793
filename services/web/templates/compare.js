// Points and their columns. A column remembers which of its takes was listened to last.
const pointOf = (card) => card.closest(".point");
const columnOf = (card) => card.closest(".maker");
const columnsOf = (point) => $$(".maker:not([hidden])", point);
const chosen = new WeakMap(); // column -> card
const playable = (cards) => cards.filter((card) => !card.hidden && playerOf(card));

function cardIn(column) {
  const all = playable($$(".card", column));
  return all.includes(chosen.get(column)) ? chosen.get(column) : all[0];
}

// Loudness: the listener sets one volume, and each player takes its share of it.
let volume = 1;
const shareOf = (player) => volume * Number(cardOf(player).dataset.gain);
function level(player) {
  const share = Math.min(1, shareOf(player));
  if (Math.abs(player.volume - share) > 0.001) player.volume = share;
}

function onVolume(player) {
  if (Math.abs(player.volume - Math.min(1, shareOf(player))) <= 0.001) return;
  volume = Math.min(1, player.volume / Number(cardOf(player).dataset.gain));
  level(player);
}

onMediaEvents(({ target: player, type }) => {
  const card = cardOf(player);
  if (type === "volumechange") return onVolume(player);
  if (type === "play") { level(player); if (card !== current) choose(card); }
  if (type === "playing" && card === current) for (const other of $$("audio")) if (other !== player) other.pause();
  if (type === "play" || type === "pause" || type === "ended") drawDeck();
  if (card === current) { drawPlayhead(); drawTime(); }
});

// Choosing a take, and switching to another one at the same place.
function choose(card) {
  select(card);
  chosen.set(columnOf(card), card);
  drawDeck();
  for (const column of columnsOf(pointOf(card))) { // what one may switch to next is at hand
    const player = playerOf(cardIn(column));
    if (player && player.preload === "none") player.preload = "auto";
  }
}

function switchTo(card) {
  if (!card || card === current) return;
  const from = playerOf(current), to = playerOf(card);
  const at = from?.currentTime ?? 0, playing = isPlaying();
  reveal(card);
  choose(card);
  const samePoint = from && pointOf(cardOf(from)) === pointOf(card);
  seekTo(to, (length) => (samePoint ? (playing ? from.currentTime : at) % length : 0));
  card.scrollIntoView({ block: "nearest", inline: "nearest" });
  if (playing) to.play().catch(() => {}); // the other one falls silent when this one sounds
  else drawTime();
}

function beside(step) {
  if (!current) return switchTo(cardIn($(".maker:not([hidden])")));
  const columns = columnsOf(pointOf(current)), at = columns.indexOf(columnOf(current));
  switchTo(cardIn(columns[(at + step + columns.length) % columns.length]));
}

function nextTake() {
  if (!current) return;
  const all = playable($$(".card", columnOf(current)));
  switchTo(all[(all.indexOf(current) + 1) % all.length]);
}

function nextPoint(step) {
  const points = $$(".point:not([hidden])");
  const point = points[current ? points.indexOf(pointOf(current)) + step : 0];
  if (!point) return;
  const same = current && $(`.maker[data-maker="${columnOf(current).dataset.maker}"]:not([hidden])`, point);
  switchTo(cardIn(same ?? $(".maker:not([hidden])", point)));
  point.scrollIntoView({ block: "start" });
}

const byNumber = (number) => {
  const column = $(`.maker[data-maker="${number}"]:not([hidden])`, current ? pointOf(current) : $(".point:not([hidden])") ?? document);
  if (column) switchTo(cardIn(column));
};

function toggle() {
  if (!current) beside(0);
  const player = playerOf(current);
  if (player?.paused) player.play().catch(() => {});
  else player?.pause();
}

// The deck: what sounds, and every generator that made the same.
const deck = $(".deck");
function drawDeck() {
  if (!current) return;
  deck.hidden = false;
  const buttons = columnsOf(pointOf(current)).map((column) => {
    const button = document.createElement("button");
    const { maker, generator } = column.dataset;
    Object.assign(button, { type: "button", textContent: `${maker} ${generator.split("/").pop()}`, ariaPressed: String(column === columnOf(current)), disabled: !cardIn(column) });
    button.dataset.maker = maker;
    button.title = generator;
    return button;
  });
  const focused = document.activeElement?.closest(".switches button")?.dataset.maker;
  $(".switches").replaceChildren(...buttons);
  if (focused) buttons.find((button) => button.dataset.maker === focused)?.focus();
  $(".toggle").textContent = isPlaying() ? "Pause" : "Play";
}

const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
function drawTime() {
  const player = playerOf(current);
  if (player) $(".time").textContent = `${clock(player.currentTime)} of ${clock(player.duration || Number(player.dataset.seconds))}`;
}

deck.addEventListener("click", ({ target }) => {
  if (target.dataset.maker) byNumber(target.dataset.maker);
  if (target.matches(".toggle")) toggle();
});

onKeys(
  (key) => (/^[1-9]$/.test(key) ? () => byNumber(key) : { j: () => nextPoint(1), k: () => nextPoint(-1), n: nextTake, l: toggleLoop }[key]),
  (key) => ({ ArrowRight: () => beside(1), ArrowLeft: () => beside(-1), " ": toggle })[key],
);

begin();

// Rejected takes are folded away until one asks for them.
$(".tools")?.addEventListener("input", () => {
  const asked = $("[data-filter=outcome]")?.value === "rejected" || $(".search input").value.trim() !== "";
  for (const details of $$(".out")) details.open = asked && !details.hidden;
  if (current) drawDeck();
});
