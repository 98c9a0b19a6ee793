const mixers = new Map(); // player -> stem players, while its stems are open

// Players: one sounds at a time, and its card is the current one.
function onMedia(event) {
  const player = event.target;
  if (event.type === "play" && !player.paused) { // events come late: it may have been paused since
    for (const other of $$("audio")) if (other !== player) other.pause();
    select(cardOf(player));
  }
  if (event.type === "ended" && $("[data-continue]").checked) move(1, true);
  if (player.closest("[aria-current]")) drawPlayhead();
  followStems(player, event.type);
}
onMediaEvents(onMedia);

// Stems: muting the mix and playing its stems along, the mix's own player being the transport.
function openStems(details) {
  const player = playerOf(cardOf(details));
  if (!player) return;
  if (!details.open) return closeStems(player);
  const stems = $$("[data-stem]", details).map((row) => {
    const audio = new Audio();
    for (const link of $$("a", row)) audio.append(Object.assign(document.createElement("source"), { src: link.href, type: link.type }));
    return { row, audio };
  });
  mixers.set(player, stems);
  player.muted = true;
  balance(player);
  followStems(player, player.paused ? "pause" : "playing");
}

function closeStems(player) {
  for (const { audio } of mixers.get(player) ?? []) { audio.pause(); audio.replaceChildren(); audio.load(); }
  if (mixers.delete(player)) player.muted = false;
}

function balance(player) {
  const stems = mixers.get(player) ?? [];
  const soloed = stems.some(({ row }) => $(".solo", row).ariaPressed === "true");
  for (const { row, audio } of stems) {
    audio.muted = soloed ? $(".solo", row).ariaPressed !== "true" : !$("input", row).checked;
    audio.volume = player.volume;
  }
}

function followStems(player, type) {
  if (type === "volumechange" && mixers.has(player)) {
    if (!player.muted) $(".stems", cardOf(player)).open = false; // unmuting the mix leaves the mixer
    balance(player);
  }
  for (const { audio } of mixers.get(player) ?? []) {
    audio.playbackRate = player.playbackRate;
    if (player.paused || player.ended) audio.pause();
    else if (audio.paused) audio.play().catch(() => {});
    const drift = Math.abs(audio.currentTime - player.currentTime);
    if (!audio.seeking && drift > (type === "timeupdate" ? 0.06 : 0.01)) audio.currentTime = player.currentTime;
  }
}
document.addEventListener("toggle", ({ target }) => target.matches(".stems") && openStems(target), true);

// Keys and clicks.
function move(step, play) {
  const shown = cards.filter((card) => card.checkVisibility() && playerOf(card));
  const at = shown.indexOf(current);
  const card = shown[at < 0 ? 0 : at + step];
  if (!card) return;
  if (current) playerOf(current)?.pause();
  select(card);
  card.scrollIntoView({ block: "nearest" });
  if (document.activeElement === document.body || cards.includes(document.activeElement)) card.focus({ preventScroll: true });
  if (play) playerOf(card).play().catch(() => {});
}

onKeys(
  (key) => ({ j: () => move(1, isPlaying()), k: () => move(-1, isPlaying()), l: toggleLoop })[key],
  (key) => ({
    ArrowRight: () => move(1, isPlaying()), ArrowLeft: () => move(-1, isPlaying()),
    " ": () => { if (!current) move(1, true); else if (isPlaying()) playerOf(current).pause(); else playerOf(current)?.play().catch(() => {}); },
  })[key],
);

document.addEventListener("click", ({ target }) => {
  if (target.matches(".solo")) target.ariaPressed = String(target.ariaPressed !== "true");
  if (target.matches(".solo, .stems input")) balance(playerOf(cardOf(target)));
});

begin();
