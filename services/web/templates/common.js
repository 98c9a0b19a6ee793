"use strict";
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const $ = (selector, root = document) => root.querySelector(selector);
const cards = $$(".card");
const margin = Number($("main").dataset.pictureMargin); // share of a picture's width on either side of its sound
let current = null; // the card that keys act on

document.documentElement.classList.add("js");

const playerOf = (card) => card && $("audio", card);
const cardOf = (node) => node.closest(".card");

function select(card) {
  if (current) current.removeAttribute("aria-current");
  current = card;
  card.setAttribute("aria-current", "true");
  const now = $(".now");
  now.hidden = false;
  now.href = "#" + card.id;
  now.textContent = card.dataset.name ?? $("h3", card).textContent;
}

function drawPlayhead() {
  const player = playerOf(current);
  if (!player) return;
  const length = player.duration || Number(player.dataset.seconds);
  const line = $(".picture i", current);
  if (line) line.style.left = `${100 * (margin + (1 - 2 * margin) * (player.currentTime / length))}%`;
  if (!player.paused) requestAnimationFrame(drawPlayhead);
}

const MEDIA_EVENTS = ["play", "playing", "pause", "seeking", "seeked", "timeupdate", "ratechange", "volumechange", "ended"];
function onMediaEvents(act) {
  for (const type of MEDIA_EVENTS)
    document.addEventListener(type, (event) => event.target.matches?.(".card audio") && act(event), true);
}

document.addEventListener("error", ({ target }) => {
  if (target.matches("audio source:last-of-type")) $(".unplayable", cardOf(target)).hidden = false;
  if (target.matches(".picture img")) target.parentElement.hidden = true;
}, true);

function seekTo(player, seconds) { // at once, or as soon as its length is known
  const seek = () => { player.currentTime = seconds(player.duration); };
  if (player.readyState) seek();
  else player.addEventListener("loadedmetadata", seek, { once: true });
}

function playFrom(card, share) {
  const player = playerOf(card);
  if (!player) return;
  seekTo(player, (length) => share * length);
  player.play().catch(() => {});
}

// Finding takes: filters and search act on this page; a deep link finds a take on any.
const haystacks = new WeakMap();
function text(card) {
  if (!haystacks.has(card)) haystacks.set(card, `${card.textContent} ${card.dataset.id} ${card.dataset.name ?? ""}`.replace(/\s+/g, " ").toLowerCase());
  return haystacks.get(card);
}

function filter() {
  const words = $(".search input").value.toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = $$("[data-filter]").filter((choice) => choice.value);
  const fits = (card) => wanted.every((choice) => card.dataset[choice.dataset.filter] === choice.value) && words.every((word) => text(card).includes(word));
  for (const card of cards) card.hidden = !fits(card);
  for (const group of $$("[data-group]")) group.hidden = !$(".card:not([hidden])", group);
  const shown = cards.filter((card) => !card.hidden).length;
  $(".count").textContent = shown === cards.length ? `${shown} takes` : `${shown} of ${cards.length} takes`;
  $("[data-none]").hidden = shown > 0;
}

function reveal(card) {
  for (let folded = card.closest("details"); folded; folded = folded.parentElement.closest("details")) folded.open = true;
}

function findLinked() {
  const id = location.hash.match(/^#take-(\w+)$/)?.[1];
  if (!id) return;
  const card = cards.find((card) => card.dataset.id === id) ?? cards.find((card) => card.dataset.id.startsWith(id));
  if (card) {
    if (card.hidden) { $(".tools").reset(); filter(); }
    reveal(card);
    select(card);
    card.scrollIntoView({ block: "center" });
    return;
  }
  const directory = JSON.parse($("#directory").textContent), first = $("main").dataset.first;
  const page = Object.keys(directory).find((file) => directory[file].some((start) => id.startsWith(start) || start.startsWith(id)));
  if (page) location.replace(page + location.hash);
  else if (!location.pathname.endsWith("/" + first)) location.replace(first + location.hash);
}

// Keys: `everywhere` act on any element but fields, `elsewhere` not on such as have their own use for the key.
function onKeys(everywhere, elsewhere) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
    const native = event.target.matches("audio, button, a, summary");
    const act = everywhere(event.key) ?? (native ? null : elsewhere(event.key));
    if (!act) return;
    event.preventDefault();
    act();
  });
}

const isPlaying = () => !(playerOf(current)?.paused ?? true);
function toggleLoop() {
  const player = playerOf(current);
  if (!player) return;
  player.loop = !player.loop;
  toast(player.loop ? "Loop on" : "Loop off");
}

document.addEventListener("click", ({ target, clientX }) => {
  const picture = target.closest(".picture");
  if (picture) {
    const { left, width } = picture.getBoundingClientRect();
    const share = ((clientX - left) / width - margin) / (1 - 2 * margin);
    playFrom(cardOf(picture), Math.min(Math.max(share, 0), 0.999));
  }
  if (target.matches(".copy")) copy(target.dataset.copy);
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

function begin() {
  if (cards.length) {
    const tools = $(".tools");
    tools.addEventListener("input", filter);
    tools.addEventListener("submit", (event) => event.preventDefault());
    filter();
  }
  addEventListener("hashchange", findLinked);
  findLinked();
}
