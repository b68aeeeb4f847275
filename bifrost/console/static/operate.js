// What the pages share that operate the platform: tables, shortened names, sizes, details, and confirmed actions.

import { indented } from "./json_text.js";
import { el, fetched, moveFocus, number, onKeys, showProblem, showState } from "./page_frame.js";

const LONGEST = 46;
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

// A long name keeps its beginning and its end, which distinguish names of one family; its title has all of it.
export function named(tag, name, longest = LONGEST) {
  const half = Math.floor((longest - 1) / 2);
  const isLong = name.length > longest;
  const element = el(tag, "", isLong ? `${name.slice(0, half)}…${name.slice(-half)}` : name);
  if (isLong || name.length > 24) element.title = name;
  return element;
}

export function link(address, name, longest) {
  const found = named("a", name, longest);
  found.href = address;
  return found;
}

export function button(text, className = "quiet", action = null) {
  const found = el("button", className, text);
  found.type = "button";
  if (action) found.addEventListener("click", action);
  return found;
}

export function bytes(count) {
  if (count === null || count === undefined) return "";
  let unit = 0;
  let size = count;
  while (size >= 1024 && unit < UNITS.length - 1) [size, unit] = [size / 1024, unit + 1];
  return `${size >= 100 || unit === 0 ? Math.round(size) : size.toFixed(1)} ${UNITS[unit]}`;
}

export function duration(ms) {
  if (ms === null || ms === undefined) return "";
  if (ms < 0) return "forever";
  const seconds = ms / 1000;
  for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"]]) if (seconds >= size && seconds % size === 0) return `${seconds / size} ${unit}`;
  return seconds >= 3600 ? `${(seconds / 3600).toFixed(1)} h` : `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
}

// Milliseconds since the epoch as a time of this machine, with milliseconds.
export function moment(ms) {
  if (ms === null || ms === undefined || ms < 0) return "";
  const at = new Date(ms);
  const pad = (value, size = 2) => String(value).padStart(size, "0");
  const clock = `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}.${pad(at.getMilliseconds(), 3)}`;
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${clock}`;
}

// `heads` are names; a leading # marks a number. Cells are texts, nodes, or {cell, className}.
export function table(heads, rows, caption) {
  const sheet = el("div", "sheet card");
  sheet.tabIndex = 0; // the keyboard must be able to scroll it
  sheet.setAttribute("role", "region");
  sheet.setAttribute("aria-label", caption);
  const list = el("table");
  list.append(el("caption", "hidden", caption));
  const head = list.createTHead().insertRow();
  for (const name of heads) head.append(Object.assign(el("th", name.startsWith("#") ? "number" : "", name.replace("#", "")), { scope: "col" }));
  const body = list.createTBody();
  for (const row of rows) fill(body.insertRow(), heads, row);
  sheet.append(list);
  return sheet;
}

export function fill(tr, heads, row) {
  row.forEach((value, index) => {
    const td = tr.insertCell();
    const { cell, className } = value && value.className !== undefined && "cell" in value ? value : { cell: value, className: "" };
    td.className = heads[index].startsWith("#") ? "number" : className;
    td.append(cell instanceof Node ? cell : document.createTextNode(cell ?? ""));
  });
}

export const cell = (content, className) => ({ cell: content, className });

export function lines(names, longest) {
  const box = document.createDocumentFragment();
  for (const name of names) box.append(named("span", name, longest ?? 44));
  return cell(box, "many");
}

export function terms(pairs) {
  const list = el("dl");
  for (const [name, value] of pairs) {
    if (value === "" || value === null || value === undefined) continue;
    const description = el("dd");
    description.append(value instanceof Node ? value : String(value));
    list.append(el("dt", "", name), description);
  }
  return list;
}

export function copier(text, what) {
  const found = button("Copy");
  found.dataset.copy = text;
  found.setAttribute("aria-label", `Copy ${what}`);
  return found;
}

const isJson = (value) => ["AVRO", "JSON_SR", "PROTOBUF", "JSON"].includes(value.format) && !value.is_cut;

// A value as JSON within a larger text of JSON: other texts become strings.
export function asJson(value) {
  if (value.format === "null") return "null";
  try {
    if (isJson(value)) return indented(value.text);
  } catch {
    // NaN and Infinity, which Avro permits, are not JSON.
  }
  return JSON.stringify(value.text);
}

export function pretty(value) {
  if (!isJson(value)) return value.text;
  try {
    return indented(value.text);
  } catch {
    return value.text;
  }
}

// Redraws a part of the page unless nothing has changed, so that focus and scroll positions stay.
export function redraw(place, ...content) {
  const text = content.map((part) => part.outerHTML ?? part.textContent).join("");
  if (place.drawn === text) return;
  const scrolled = place.querySelector(".sheet")?.scrollLeft || 0;
  const focused = place.contains(document.activeElement) ? document.activeElement : null;
  const mark = focused && (focused.getAttribute("href") || focused.dataset.id || focused.getAttribute("aria-label"));
  place.replaceChildren(...content);
  place.drawn = text;
  if (scrolled) place.querySelector(".sheet").scrollLeft = scrolled;
  if (mark) [...place.querySelectorAll("a, button, [tabindex]")].find((each) => mark === (each.getAttribute("href") || each.dataset.id || each.getAttribute("aria-label")))?.focus({ preventScroll: true });
}

// Calls `read` now and every `paceMs` while the page is visible; returns a function that reads immediately.
export function keepReading(read, paceMs) {
  let timer = 0;
  let running = false;
  async function once() {
    window.clearTimeout(timer);
    if (running) return;
    running = true;
    try {
      showProblem((await read()) || "");
      showState("on", "live");
    } catch (error) {
      showProblem(error.message);
      showState("off", "not connected");
    }
    running = false;
    if (!document.hidden) timer = window.setTimeout(once, paceMs);
  }
  document.addEventListener("visibilitychange", () => !document.hidden && once());
  once();
  return once;
}

// The keys that move the focus over the links, or other elements, of a table.
export const rowKeys = (view, selector = "td a") => ({
  j: () => moveFocus([...view.querySelectorAll(selector)], 1),
  k: () => moveFocus([...view.querySelectorAll(selector)], -1),
});

// Keeps a list on its page: `read` returns {items, problem}, `words` the texts of an item that the filter searches,
// `row` its cells. `controls` are further inputs, which `isShown` looks at. Returns a function that reads immediately.
export function listPage({ heads, caption, things, paceMs, read, words, row, controls = [], isShown = () => true }) {
  const view = document.getElementById("view");
  const filter = document.getElementById("filter");
  let items = null;
  function draw() {
    if (!items) return;
    const wanted = filter.value.trim().toLowerCase();
    const shown = items.filter((each) => isShown(each) && words(each).some((text) => text.toLowerCase().includes(wanted)));
    redraw(view, ...(shown.length ? [table(heads, shown.map(row), caption)] : []));
    document.querySelector(".nothing").hidden = shown.length > 0;
    document.getElementById("count").textContent = `${number(shown.length)} of ${number(items.length)} ${things}`;
  }
  for (const control of [filter, ...controls]) control.addEventListener("input", draw);
  onKeys({
    "/": () => filter.focus(),
    ...rowKeys(view),
    Escape: () => {
      filter.value = "";
      filter.blur();
      draw();
    },
  });
  return keepReading(async () => {
    const found = await read();
    items = found.items;
    draw();
    return found.problem;
  }, paceMs);
}

export const posted = (path, body) => fetched(path, {
  method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
});

// Asks before an action: shows what the server says it would do, and sends back the token of that plan.
// Resolves to true if it was done.
export async function act(body, confirmWord = "Confirm") {
  const dialog = el("dialog");
  dialog.id = "ask";
  dialog.setAttribute("aria-labelledby", "ask-title");
  const [title, list, words] = [el("h2", "", "Looking at what would happen"), el("ul"), el("p")];
  title.id = "ask-title";
  words.setAttribute("role", "status");
  const menu = el("menu");
  const cancel = button("Cancel", "", () => dialog.close());
  menu.append(cancel);
  dialog.append(title, list, words, menu);
  document.body.append(dialog);
  dialog.showModal();
  let isDone = false;
  const closed = new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  try {
    const plan = await posted("/api/actions/plan", body);
    title.textContent = `${plan.action.charAt(0).toUpperCase()}${plan.action.slice(1)}: ${plan.thing}`;
    list.append(...plan.lines.map((line) => el("li", "", line)));
    if (!plan.token) {
      words.textContent = "There is nothing to do.";
      cancel.textContent = "Close";
    } else {
      if (plan.loses) words.textContent = "This cannot be undone.";
      const confirm = button(confirmWord, plan.loses ? "danger" : "primary", async () => {
        [confirm.disabled, cancel.disabled] = [true, true];
        words.textContent = "Working";
        try {
          const answer = await posted("/api/actions/carry-out", { token: plan.token });
          isDone = true;
          dialog.close();
          showDone(answer.result);
        } catch (error) {
          words.textContent = error.message;
          words.className = "cause";
          confirm.remove();
          [cancel.disabled, cancel.textContent] = [false, "Close"];
          cancel.focus();
        }
      });
      menu.append(confirm);
    }
  } catch (error) {
    title.textContent = "Not possible";
    words.textContent = error.message;
    cancel.textContent = "Close";
  }
  await closed;
  dialog.remove();
  return isDone;
}

function showDone(words) {
  let done = document.getElementById("done");
  if (!done) {
    done = el("p");
    done.id = "done";
    done.setAttribute("role", "status");
    document.getElementById("problem").before(done);
  }
  done.textContent = words;
}
