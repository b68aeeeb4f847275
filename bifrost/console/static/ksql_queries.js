// The persistent queries with their states, and the picture of the selected one.

import { drawn } from "./ksql_answers.js";
import { el, fetched } from "./page_frame.js";

const PACE_MS = 5000;
const BAD = ["ERROR", "UNRESPONSIVE", "NOT_RUNNING"];
const list = document.getElementById("queries");
const details = document.getElementById("query");
const count = document.querySelector('[data-view="queries"] span');
let isShown = false;
let selected = "";
let drawnAs = "";
let timer = 0;

function acting(words, statement, name) {
  const button = el("button", "quiet", words);
  button.type = "button";
  button.setAttribute("aria-label", `${words} ${name}`);
  button.addEventListener("click", () => window.dispatchEvent(new CustomEvent("ksql-run", { detail: statement })));
  return button;
}

function line(query) {
  const row = el("tr");
  if (query.id === selected) row.setAttribute("aria-current", "true");
  const name = el("button", "name", query.id);
  name.type = "button";
  name.dataset.id = query.id;
  const first = el("td");
  first.append(name);
  const health = BAD.includes(query.state) ? "bad" : query.state === "RUNNING" ? "" : "busy";
  const state = el("td");
  state.append(el("span", `state ${health}`, (query.state || "unknown").toLowerCase()));
  const does = el("td", "does");
  const isPaused = query.state === "PAUSED";
  does.append(acting(isPaused ? "Resume" : "Pause", `${isPaused ? "RESUME" : "PAUSE"} ${query.id};`, query.id), " ",
    acting("Terminate", `TERMINATE ${query.id};`, query.id));
  row.append(first, state, el("td", "", query.sources.join(", ")), el("td", "", query.sinks.join(", ")), does);
  return row;
}

function draw(queries) {
  const content = el("table");
  const head = el("thead");
  const names = el("tr");
  for (const words of ["Query", "State", "Reads", "Writes", "Actions"]) names.append(Object.assign(el("th", "", words), { scope: "col" }));
  head.append(names);
  const body = el("tbody");
  body.append(...queries.map(line));
  content.append(head, body);
  const made = queries.length ? content : el("p", "nothing", "No persistent queries: CREATE STREAM … AS SELECT makes one.");
  if (made.outerHTML === drawnAs) return;
  drawnAs = made.outerHTML;
  const focused = document.activeElement?.dataset?.id;
  list.replaceChildren(made);
  if (focused) list.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

async function explain(id) {
  selected = id;
  details.hidden = false;
  try {
    const answer = await fetch("/api/ksqldb/statements", { method: "POST", body: JSON.stringify({ statement: `EXPLAIN ${id};` }) });
    const content = await answer.json();
    if (!answer.ok) throw new Error(content.error);
    if (selected === id) details.replaceChildren(...content.blocks.flatMap(drawn));
  } catch (error) {
    details.replaceChildren(el("p", "message bad", error.message));
  }
  details.scrollIntoView({ block: "start" });
}

async function read() {
  window.clearTimeout(timer);
  try {
    const { queries } = await fetched("/api/ksqldb/queries");
    count.textContent = queries.length;
    if (isShown) draw(queries.sort((one, other) => one.id.localeCompare(other.id)));
  } catch (error) {
    drawnAs = "";
    if (isShown) list.replaceChildren(el("p", "message bad", error.message));
  }
  if (isShown && !document.hidden) timer = window.setTimeout(read, PACE_MS);
}

export function showQueries(shown) {
  isShown = shown;
  read();
}

list.addEventListener("click", (event) => {
  const opened = event.target.closest("[data-id]");
  if (!opened) return;
  explain(opened.dataset.id);
  drawnAs = "";
  read();
});
document.addEventListener("visibilitychange", () => isShown && !document.hidden && read());
