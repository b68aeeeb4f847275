// The text area: its text is drawn behind it with colours, and names are completed below the cursor.

import { el } from "./page_frame.js";
import { completions, highlighted, inserted } from "./ksql_text.js";

const area = document.getElementById("text");
const shown = document.getElementById("shown");
const list = document.getElementById("names");
const announced = document.getElementById("announced");
let names = [];
let keywords = new Set();
let wrong = null;
let offered = { word: "", found: [] };
let selected = -1;

export function setNames(found) {
  names = found;
  // Many keywords may also be names, such as ID.
  const columns = new Set(found.filter((name) => name.kind === "column").map((name) => name.text));
  keywords = new Set(found.filter((name) => name.kind === "keyword" && !columns.has(name.text)).map((name) => name.text));
  draw();
}

export function setText(text) {
  area.value = text;
  markError(null);
}

// Underlines a part of the text until the text changes; the cursor moves there.
export function markError(range) {
  wrong = range;
  area.toggleAttribute("aria-invalid", Boolean(range));
  if (range) area.setSelectionRange(range.start, range.start);
  draw();
}

function draw() {
  shown.replaceChildren(highlighted(area.value, keywords, wrong));
  shown.scrollTop = area.scrollTop;
}

// Where the cursor is, in pixels from the corner of the text area.
function cursorPlace(offset) {
  const walker = document.createTreeWalker(shown, NodeFilter.SHOW_TEXT);
  let rest = offset;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (rest <= node.length) {
      const range = document.createRange();
      range.setStart(node, rest);
      range.collapse(true);
      const frame = area.getBoundingClientRect();
      const box = range.getClientRects()[0] || range.getBoundingClientRect();
      return { x: box.left - frame.left, y: box.bottom - frame.top };
    }
    rest -= node.length;
  }
  return { x: 0, y: 0 };
}

function close() {
  list.hidden = true;
  selected = -1;
  area.removeAttribute("aria-activedescendant");
}

function offer() {
  const offset = area.selectionStart;
  offered = completions(area.value, offset, names);
  if (!offered.found.length) return close();
  list.replaceChildren(...offered.found.map((name, at) => {
    const item = el("li");
    item.id = `name-${at}`;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", "false");
    const about = name.kind === "column" ? `${name.type} of ${name.of}` : name.kind;
    item.append(el("b", "", name.text), el("span", "", about));
    return item;
  }));
  list.hidden = false;
  list.scrollTop = 0;
  selected = -1;
  const place = cursorPlace(offset - offered.word.length);
  list.style.top = `${place.y + 2}px`;
  list.style.left = `${Math.max(0, Math.min(place.x, area.clientWidth - list.offsetWidth))}px`;
  announced.textContent = `${offered.found.length} completions`;
}

function select(step) {
  const items = [...list.children];
  selected = (selected + step + items.length) % items.length;
  items.forEach((item, at) => item.setAttribute("aria-selected", String(at === selected)));
  items[selected].scrollIntoView({ block: "nearest" });
  area.setAttribute("aria-activedescendant", items[selected].id);
}

function accept(at) {
  const name = offered.found[at];
  const end = area.selectionStart;
  close();
  area.focus();
  area.setSelectionRange(end - offered.word.length, end);
  // Keeps the browser's undo, unlike an assignment.
  const text = inserted(name, offered.word);
  if (!document.execCommand("insertText", false, text)) area.setRangeText(text, end - offered.word.length, end, "end");
  close();
  draw();
}

function changed(event) {
  if (wrong) markError(null);
  else draw();
  const word = area.value.slice(0, area.selectionStart).match(/[\w`@]*$/)[0];
  const isTyping = event.inputType?.startsWith("insert") && event.inputType !== "insertFromPaste";
  const afterPoint = /\w\.$/.test(area.value.slice(0, area.selectionStart));
  if (isTyping && (word.length >= 2 || afterPoint)) offer();
  else if (!list.hidden && word) offer();
  else close();
}

function pressed(event) {
  if ((event.ctrlKey || event.metaKey) && event.key === " ") {
    event.preventDefault();
    return offer();
  }
  if (list.hidden) return undefined;
  const actions = {
    ArrowDown: () => select(1),
    ArrowUp: () => select(selected < 0 ? 0 : -1),
    Tab: () => accept(Math.max(selected, 0)),
    Enter: selected >= 0 && !event.ctrlKey ? () => accept(selected) : null,
    Escape: close,
  };
  const action = actions[event.key];
  if (!action || event.shiftKey) return undefined;
  event.preventDefault();
  event.stopPropagation();
  return action();
}

area.addEventListener("input", changed);
area.addEventListener("keydown", pressed);
area.addEventListener("scroll", () => (shown.scrollTop = area.scrollTop));
area.addEventListener("blur", () => window.setTimeout(() => document.activeElement !== area && close(), 150));
area.addEventListener("click", close);
list.addEventListener("mousedown", (event) => {
  event.preventDefault();
  const item = event.target.closest("li");
  if (item) accept([...list.children].indexOf(item));
});
draw();
