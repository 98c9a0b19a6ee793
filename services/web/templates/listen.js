"use strict";
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const $ = (selector, root = document) => root.querySelector(selector);
const cards = $$(".card");
const margin = Number($("main").dataset.pictureMargin); // share of a picture's width on either side of its sound
const mixers = new Map(); // player -> stem players, while its stems are open
let current = null; // the card that keys act on

document.documentElement.classList.add("js");

// Players: one sounds at a time, and its card is the current one.
const playerOf = (card) => card && $("audio", card);
const cardOf = (node) => node.closest(".card");

function select(card) {
  if (current) current.removeAttribute("aria-current");
  current = card;
  card.setAttribute("aria-current", "true");
  const now = $(".now");
  now.hidden = false;
  now.href = "#" + card.id;
  now.textContent = $("h3", card).textContent;
}

function drawPlayhead() {
  const player = playerOf(current);
  if (!player) return;
  const length = player.duration || Number(player.dataset.seconds);
  const line = $(".picture i", current);
  if (line) line.style.left = `${100 * (margin + (1 - 2 * margin) * (player.currentTime / length))}%`;
  if (!player.paused) requestAnimationFrame(drawPlayhead);
}

function onMedia(event) {
  const player = event.target;
  if (!player.matches?.(".card audio")) return;
  if (event.type === "play" && !player.paused) { // events come late: it may have been paused since
    for (const other of $$("audio")) if (other !== player) other.pause();
    select(cardOf(player));
  }
  if (event.type === "ended" && $("[data-continue]").checked) move(1, true);
  if (player.closest("[aria-current]")) drawPlayhead();
  followStems(player, event.type);
}
for (const type of ["play", "playing", "pause", "seeking", "seeked", "timeupdate", "ratechange", "volumechange", "ended"])
  document.addEventListener(type, onMedia, true);

document.addEventListener("error", ({ target }) => {
  if (target.matches("audio source:last-of-type")) $(".unplayable", cardOf(target)).hidden = false;
  if (target.matches(".picture img")) target.parentElement.hidden = true;
}, true);

function playFrom(card, share) {
  const player = playerOf(card);
  if (!player) return;
  const seek = () => { player.currentTime = share * player.duration; };
  if (player.readyState) seek();
  else player.addEventListener("loadedmetadata", seek, { once: true });
  player.play().catch(() => {});
}

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

// Finding takes: filters and search act on this page; a deep link finds a take on any.
const haystacks = new WeakMap();
function text(card) {
  if (!haystacks.has(card)) haystacks.set(card, `${card.textContent} ${card.dataset.id}`.replace(/\s+/g, " ").toLowerCase());
  return haystacks.get(card);
}

function filter() {
  const words = $(".search input").value.toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = $$("[data-filter]").filter((choice) => choice.value);
  const fits = (card) => wanted.every((choice) => card.dataset[choice.dataset.filter] === choice.value) && words.every((word) => text(card).includes(word));
  for (const card of cards) card.hidden = !fits(card);
  for (const state of $$(".state")) state.hidden = !$(".card:not([hidden])", state);
  const shown = cards.filter((card) => !card.hidden).length;
  $(".count").textContent = shown === cards.length ? `${shown} takes` : `${shown} of ${cards.length} takes`;
  $("[data-none]").hidden = shown > 0;
}

function findLinked() {
  const id = location.hash.match(/^#take-(\w+)$/)?.[1];
  if (!id) return;
  const card = cards.find((card) => card.dataset.id === id) ?? cards.find((card) => card.dataset.id.startsWith(id));
  if (card) {
    if (card.hidden) { $(".tools").reset(); filter(); }
    card.closest(".superseded")?.setAttribute("open", "");
    select(card);
    card.scrollIntoView({ block: "center" });
    return;
  }
  const directory = JSON.parse($("#directory").textContent);
  const page = Object.keys(directory).find((file) => directory[file].some((start) => id.startsWith(start) || start.startsWith(id)));
  if (page) location.replace(page + location.hash);
  else if (/index-\d+\.html$/.test(location.pathname)) location.replace("index.html" + location.hash);
}

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

function toggleLoop() {
  const player = playerOf(current);
  if (!player) return;
  player.loop = !player.loop;
  toast(player.loop ? "Loop on" : "Loop off");
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
  const native = event.target.matches("audio, button, a, summary"); // these have their own use for space and arrows
  const playing = () => !(playerOf(current)?.paused ?? true);
  const act = {
    j: () => move(1, playing()), k: () => move(-1, playing()), l: toggleLoop,
    ...(native ? {} : {
      ArrowRight: () => move(1, playing()), ArrowLeft: () => move(-1, playing()),
      " ": () => { if (!current) move(1, true); else if (playing()) playerOf(current).pause(); else playerOf(current)?.play().catch(() => {}); },
    }),
  }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

document.addEventListener("click", ({ target, clientX }) => {
  const picture = target.closest(".picture");
  if (picture) {
    const { left, width } = picture.getBoundingClientRect();
    const share = ((clientX - left) / width - margin) / (1 - 2 * margin);
    playFrom(cardOf(picture), Math.min(Math.max(share, 0), 0.999));
  }
  if (target.matches(".copy")) copy(target.dataset.copy);
  if (target.matches(".solo")) target.ariaPressed = String(target.ariaPressed !== "true");
  if (target.matches(".solo, .stems input")) balance(playerOf(cardOf(target)));
});

async function copy(value) {
  try {
    await navigator.clipboard.writeText(value);
    toast(`Copied ${value.slice(0, 12)}`);
  } catch {
    window.prompt("Copy:", value);
  }
}

function toast(message) {
  const box = $(".toast");
  box.textContent = message;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { box.textContent = ""; }, 1800);
}

if (cards.length) {
  const tools = $(".tools");
  tools.addEventListener("input", filter);
  tools.addEventListener("submit", (event) => event.preventDefault());
  filter();
}
addEventListener("hashchange", findLinked);
findLinked();
