// The page: runs statements, shows their results, keeps properties and history in this browser.

import { drawn } from "./ksql_answers.js";
import { markError, setNames, setText } from "./ksql_input.js";
import { showQueries } from "./ksql_queries.js";
import { openQueries, showRows } from "./ksql_rows.js";
import { offsetOf, statementAt, wordAt } from "./ksql_text.js";
import { el, fetched, showProblem, showState } from "./page_frame.js";

const NAMES_MS = 60000;
const MAX_RESULTS = 20;
const MAX_HISTORY = 100;
const MAX_LIVE = 4; // a browser has few connections to one host
const RESET = "auto.offset.reset";
const area = document.getElementById("text");
const results = document.getElementById("results");
const announced = document.getElementById("announced");
const reset = document.getElementById("reset");
const views = document.getElementById("views");
const history = document.getElementById("history");
const confirmation = document.getElementById("confirm");

function stored(storage, name, otherwise) {
  try {
    return JSON.parse(storage.getItem(name)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

const properties = stored(sessionStorage, "ksql.properties", {});
const variables = stored(sessionStorage, "ksql.variables", {});

export const post = (path, body) => fetchedWithPlace(path, { method: "POST", body: JSON.stringify(body) });

// As `fetched`, but the error keeps what the server said about its place.
async function fetchedWithPlace(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw Object.assign(new Error(), { error: "The console does not answer." });
  }
  const content = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(), content);
  return content;
}

function newResult(text) {
  const frame = el("section", "card result");
  frame.setAttribute("aria-label", "Result");
  const head = el("header");
  const remove = el("button", "quiet", "Remove");
  remove.type = "button";
  head.append(el("code", "", text), el("time", "", new Date().toLocaleTimeString()), remove);
  const body = el("div");
  frame.append(head, body);
  remove.addEventListener("click", () => {
    for (const each of body.querySelectorAll("[data-stop]")) each.click();
    frame.remove();
    document.getElementById("no-results").hidden = results.children.length > 0;
  });
  results.prepend(frame);
  while (results.children.length > MAX_RESULTS) results.lastElementChild.querySelector("header button").click();
  document.getElementById("no-results").hidden = true;
  return body;
}

function showError(body, words) {
  body.append(el("p", "message bad", words));
  announced.textContent = `Failed: ${words}`;
}

// Underlines what an error in `text` names, if that is what stands at `base`: neither a change since nor a variable
// has moved it.
function underline(error, text, base) {
  if (!error.line) return;
  const at = offsetOf(text, error.line, error.column);
  const end = at + Math.max(1, wordAt(text, at).length);
  if (area.value.startsWith(text.slice(0, end), base)) markError({ start: base + at, end: base + end });
}

function showSet() {
  reset.value = properties[RESET] || "";
  const entries = [
    ...Object.entries(properties).map(([name, value]) => [properties, name, `${name} = ${value}`]),
    ...Object.entries(variables).map(([name, value]) => [variables, name, `\${${name}} = ${value}`]),
  ];
  document.getElementById("set").replaceChildren(...entries.filter(([, name]) => name !== RESET).map(([all, name, words]) => {
    const button = el("button", "", `${words} ×`);
    button.type = "button";
    button.setAttribute("aria-label", `Remove ${words}`);
    button.addEventListener("click", () => assign(all, name, ""));
    const item = el("li");
    item.append(button);
    return item;
  }));
}

function assign(all, name, value) {
  if (value) all[name] = value;
  else delete all[name];
  sessionStorage.setItem("ksql.properties", JSON.stringify(properties));
  sessionStorage.setItem("ksql.variables", JSON.stringify(variables));
  showSet();
}

const local = {
  set: (step) => [properties, step.name, step.value],
  unset: (step) => [properties, step.name, ""],
  define: (step) => [variables, step.name.toUpperCase(), step.value],
  undefine: (step) => [variables, step.name.toUpperCase(), ""],
};

async function runStep(step, text, base) {
  const body = newResult(step.text);
  try {
    if (step.kind in local) {
      assign(...local[step.kind](step));
      body.append(el("p", "message", step.value ? `${step.name} is ${step.value}.` : `${step.name} is not set.`));
    } else if (["push", "pull", "print"].includes(step.kind)) {
      if (openQueries() >= MAX_LIVE) throw Object.assign(new Error(), { error: `Stop one of the ${MAX_LIVE} open queries first.` });
      const rows = showRows(body, step.text, properties, step.kind !== "pull");
      // A push query has no end: what follows must not wait for it.
      if (step.kind === "pull") await rows;
      else rows.catch((error) => failed(error, step, body, text, base));
    } else {
      const { blocks } = await post("/api/ksqldb/statements", { statement: step.text, properties, confirmed: Boolean(step.loses) });
      body.append(...blocks.flatMap(drawn));
      announced.textContent = "Done";
      if (step.kind === "change") readNames();
    }
    return true;
  } catch (error) {
    failed(error, step, body, text, base);
    return false;
  }
}

function failed(error, step, body, text, base) {
  showError(body, error.error || error.message);
  if (base >= 0) underline(error, step.text, base + offsetOf(text, step.line, step.column));
}

function confirmed(steps) {
  const losing = steps.filter((step) => step.loses);
  if (!losing.length) return true;
  document.getElementById("losses").replaceChildren(...losing.map((step) => {
    const item = el("li", "", step.loses);
    item.append(el("code", "", step.text));
    return item;
  }));
  confirmation.returnValue = "no";
  confirmation.showModal();
  return new Promise((resolve) => {
    confirmation.addEventListener("close", () => resolve(confirmation.returnValue === "yes"), { once: true });
  });
}

// Runs statements that begin at an offset of the text area, one after the other, up to the first that fails.
export async function run(text, base = -1) {
  markError(null);
  if (!text.trim()) return;
  let steps;
  try {
    ({ steps } = await post("/api/ksqldb/steps", { text, variables }));
  } catch (error) {
    showError(newResult(text), error.error);
    if (base >= 0) underline(error, text, base);
    return;
  }
  if (!(await confirmed(steps))) return;
  if (base >= 0 && !steps.some((step) => step.has_secrets)) remember(text.trim());
  for (const step of steps) if (!(await runStep(step, text, base))) return;
}

function runHere() {
  const [from, to] = [area.selectionStart, area.selectionEnd];
  if (from !== to) return run(area.value.slice(from, to), from);
  const found = statementAt(area.value, from);
  return run(found.text, found.start);
}

function remember(text) {
  const earlier = stored(localStorage, "ksql.history", []).filter((other) => other !== text);
  localStorage.setItem("ksql.history", JSON.stringify([text, ...earlier].slice(0, MAX_HISTORY)));
}

function showHistory() {
  const found = stored(localStorage, "ksql.history", []);
  document.getElementById("statements").replaceChildren(...found.map((text) => {
    const item = el("li");
    const button = el("button", "quiet", text);
    button.type = "button";
    button.addEventListener("click", () => {
      history.close();
      setText(text);
      area.focus();
      keepText();
    });
    item.append(button);
    return item;
  }));
  if (!found.length) document.getElementById("statements").append(el("li", "", "Statements that ran appear here."));
  history.showModal();
}

async function readNames() {
  try {
    const { names, error } = await fetched("/api/ksqldb/names");
    setNames(names);
    showProblem(error || "");
    showState(error ? "off" : "on", error ? "no ksqlDB" : "live");
  } catch (error) {
    showProblem(error.message);
    showState("off", "not connected");
  }
}

const keepText = () => sessionStorage.setItem("ksql.text", JSON.stringify(area.value));

function choose(name) {
  for (const chip of views.children) chip.setAttribute("aria-pressed", String(chip.dataset.view === name));
  document.getElementById("editor-view").hidden = name !== "editor";
  document.getElementById("queries-view").hidden = name !== "queries";
  window.history.replaceState(null, "", `#${name}`);
  showQueries(name === "queries");
}

views.addEventListener("click", (event) => {
  const chip = event.target.closest(".chip");
  if (chip) choose(chip.dataset.view);
});
document.getElementById("run").addEventListener("click", runHere);
document.getElementById("run-all").addEventListener("click", () => run(area.value, 0));
document.getElementById("open-history").addEventListener("click", showHistory);
document.getElementById("set-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const [name, value] = ["set-name", "set-value"].map((id) => document.getElementById(id));
  if (name.value.trim()) assign(properties, name.value.trim(), value.value);
  event.target.reset();
});
reset.addEventListener("change", () => assign(properties, RESET, reset.value));
area.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  if (event.shiftKey) run(area.value, 0);
  else runHere();
});
area.addEventListener("input", keepText);
window.addEventListener("ksql-run", (event) => {
  choose("editor");
  run(event.detail);
});
setText(stored(sessionStorage, "ksql.text", ""));
showSet();
choose(window.location.hash === "#queries" ? "queries" : "editor");
readNames();
window.setInterval(() => !document.hidden && readNames(), NAMES_MS);
