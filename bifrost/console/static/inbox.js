// Keeps the page up to date: new messages arrive as HTML that the server has escaped, counts as data.

import { el, fragment, localTimes, moveFocus, onKeys, showState } from "./page_frame.js";

const list = document.getElementById("messages");
const filter = document.getElementById("filter");
const channels = document.getElementById("channels");
const fresh = document.getElementById("fresh");
const confirmation = document.getElementById("confirm");
const nothing = document.querySelector(".nothing");
const shown = Number(document.body.dataset.shown);
let channel = "";
let unseen = 0;

const visible = () => [...list.children].filter((message) => !message.hidden);

function matches(message) {
  const wanted = filter.value.trim().toLowerCase();
  return (!channel || message.dataset.channel === channel) && (!wanted || message.textContent.toLowerCase().includes(wanted));
}

function applyFilter() {
  for (const message of list.children) message.hidden = !matches(message);
  nothing.hidden = list.children.length === 0 || visible().length > 0;
}

function showFresh(count) {
  unseen = window.scrollY > 40 ? unseen + count : 0;
  fresh.hidden = unseen === 0;
  fresh.textContent = `${unseen} new message${unseen === 1 ? "" : "s"} ↑`;
}

function add(html) {
  const incoming = fragment(html);
  const messages = [...incoming.children];
  localTimes(incoming);
  for (const message of messages) message.classList.add("new");
  const before = list.scrollHeight;
  list.prepend(incoming);
  while (list.children.length > shown) list.lastElementChild.remove();
  applyFilter();
  if (window.scrollY > 40) window.scrollBy(0, list.scrollHeight - before);
  showFresh(messages.length);
}

function chip(name) {
  const button = el("button", "chip", `#${name} `);
  button.type = "button";
  button.dataset.channel = name;
  button.setAttribute("aria-pressed", String(name === channel));
  button.append(el("span"));
  return button;
}

function showCounts(counts) {
  for (const old of [...channels.children]) if (old.dataset.channel && !(old.dataset.channel in counts)) old.remove();
  for (const [name, count] of Object.entries(counts)) {
    let button = [...channels.children].find((known) => known.dataset.channel === name);
    if (!button) channels.append((button = chip(name)));
    button.querySelector("span").textContent = count;
  }
  document.getElementById("total").textContent = Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function choose(name) {
  channel = name;
  for (const button of channels.children) button.setAttribute("aria-pressed", String(button.dataset.channel === name));
  applyFilter();
}

function listen() {
  const events = new EventSource(`/events?since=${document.body.dataset.since}`);
  events.onopen = () => showState("on", "live");
  events.onerror = () => showState("off", "not connected");
  events.addEventListener("messages", (event) => {
    const update = JSON.parse(event.data);
    add(update.html);
    showCounts(update.channels);
  });
  events.addEventListener("cleared", (event) => {
    list.replaceChildren();
    choose("");
    showCounts(JSON.parse(event.data).channels);
    showFresh(0);
  });
}

channels.addEventListener("click", (event) => {
  const button = event.target.closest(".chip");
  if (button) choose(button.dataset.channel);
});
filter.addEventListener("input", applyFilter);
fresh.addEventListener("click", () => window.scrollTo({ top: 0 }));
window.addEventListener("scroll", () => window.scrollY <= 40 && unseen && showFresh(0), { passive: true });
onKeys({
  "/": () => filter.focus(),
  j: () => moveFocus(visible(), 1),
  k: () => moveFocus(visible(), -1),
  Escape: () => {
    filter.value = "";
    filter.blur();
    choose("");
  },
});
document.getElementById("clear").addEventListener("click", () => confirmation.showModal());
confirmation.addEventListener("close", () => confirmation.returnValue === "yes" && fetch("/api/messages", { method: "DELETE" }));
localTimes(document);
listen();
