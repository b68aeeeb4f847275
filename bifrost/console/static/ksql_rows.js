// The rows of a query in a table: as they arrive, bounded, with pause and stop, and saved as CSV or JSON.

import { el, number } from "./page_frame.js";
import { cellText, row, scrolling, table } from "./ksql_answers.js";

const LIVE_ROWS = 500;
const SHOWN_STEP = 500;
const DRAW_MS = 250;
const NUMERIC = /^(INTEGER|BIGINT|DOUBLE|DECIMAL)/;
const open = new Set();

export const openQueries = () => open.size;

function button(text, act) {
  const made = el("button", "quiet", text);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}

function save(name, type, text) {
  const link = el("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
// null becomes an empty field: the text `null` would look like a string.
const field = (value) => (value === null || value === undefined ? "" : quoted(cellText(value)));

export const asCsv = (columns, rows) => [columns.map(quoted), ...rows.map((values) => values.map(field))].map((line) => `${line.join(",")}\r\n`).join("");

export function asJson(columns, rows) {
  const isUnique = new Set(columns).size === columns.length;
  const entries = isUnique ? rows.map((values) => Object.fromEntries(columns.map((name, at) => [name, values[at]]))) : rows;
  return `${JSON.stringify(entries, null, 1)}\n`;
}

// The objects in the lines of an answer, as they arrive.
async function* linesOf(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    const lines = (rest + next.value).split("\n");
    rest = lines.pop();
    for (const line of lines) if (line) yield JSON.parse(line);
  }
}

// One query: `isEndless` rows are shown newest first, and only the newest are kept.
class Rows {
  constructor(frame, isEndless) {
    this.isEndless = isEndless;
    this.rows = [];
    this.total = 0;
    this.undrawn = [];
    this.isPaused = false;
    this.isTruncated = false;
    this.state = "running";
    this.count = el("span", "count");
    this.count.setAttribute("role", "status");
    this.stopper = new AbortController();
    this.pauseButton = button("Pause", () => this.pause());
    this.stopButton = button("Stop", () => this.stop());
    this.stopButton.dataset.stop = "";
    this.more = button("Show more", () => this.showMore());
    this.more.hidden = true;
    this.tools = el("div", "actions");
    this.tools.append(this.count, ...(isEndless ? [this.pauseButton] : []), this.stopButton,
      button("CSV", () => save("rows.csv", "text/csv", asCsv(this.columns, this.saved()))),
      button("JSON", () => save("rows.json", "application/json", asJson(this.columns, this.saved()))));
    this.place = el("div");
    frame.append(this.tools, this.place, this.more);
    this.say();
  }

  start({ columns, types, lines }) {
    this.columns = lines ? ["Record"] : columns;
    this.numeric = lines ? [] : types.map((type) => NUMERIC.test(type));
    this.isLines = Boolean(lines);
    const whole = table(this.columns, [], this.numeric);
    this.body = whole.tBodies[0];
    this.place.replaceChildren(scrolling("wide", "Rows", whole));
  }

  saved() {
    return this.isEndless ? [...this.rows].reverse() : this.rows;
  }

  add(rows) {
    this.total += rows.length;
    const values = this.isLines ? rows.map((line) => [line]) : rows;
    if (!this.isEndless) {
      this.rows.push(...values);
      this.showMore(SHOWN_STEP - this.body.rows.length);
    } else {
      this.rows = [...values.slice(-LIVE_ROWS).reverse(), ...this.rows].slice(0, LIVE_ROWS);
      this.undrawn.push(...values.slice(-LIVE_ROWS));
      if (!this.timer) this.timer = window.setTimeout(() => this.draw(), DRAW_MS);
    }
    this.say();
  }

  draw() {
    this.timer = 0;
    if (this.isPaused || !this.body) return;
    this.body.prepend(...this.undrawn.slice(-LIVE_ROWS).reverse().map((values) => row(values, this.numeric)));
    while (this.body.rows.length > LIVE_ROWS) this.body.lastElementChild.remove();
    this.undrawn = [];
  }

  showMore(count = SHOWN_STEP) {
    const from = this.body.rows.length;
    this.body.append(...this.rows.slice(from, from + Math.max(0, count)).map((values) => row(values, this.numeric)));
    this.more.hidden = this.body.rows.length >= this.rows.length;
  }

  pause() {
    this.isPaused = !this.isPaused;
    this.pauseButton.textContent = this.isPaused ? "Continue" : "Pause";
    this.undrawn = this.undrawn.slice(-LIVE_ROWS);
    this.draw();
    this.say();
  }

  stop() {
    this.state = "stopped";
    this.stopper.abort();
  }

  end(state) {
    if (this.state === "running") this.state = state;
    this.isPaused = false;
    this.draw();
    this.stopButton.hidden = true;
    this.pauseButton.hidden = true;
    this.say();
  }

  say() {
    const rows = `${number(this.total)} row${this.total === 1 ? "" : "s"}`;
    const limit = this.total > this.rows.length ? `, shows the newest ${number(this.rows.length)}` : "";
    const more = this.isTruncated ? ", there are more: LIMIT or WHERE selects which" : "";
    const state = this.isPaused ? "paused" : this.state;
    const words = `${state} · ${rows}${limit}${more}`;
    if (this.count.textContent !== words) this.count.textContent = words;
  }
}

// Runs a query and shows its rows in `frame` until it ends. Leaving the page closes the connection, which ends it.
export async function showRows(frame, statement, properties, isEndless) {
  const shown = new Rows(frame, isEndless);
  open.add(shown);
  try {
    const body = JSON.stringify({ statement, properties });
    const answer = await fetch("/api/ksqldb/rows", { method: "POST", body, signal: shown.stopper.signal });
    if (!answer.ok) throw Object.assign(new Error(), await answer.json());
    for await (const line of linesOf(answer)) {
      if (line.columns || line.lines) shown.start(line);
      if (line.rows) shown.add(line.rows);
      if (line.truncated) shown.isTruncated = true;
      if (line.error) throw Object.assign(new Error(), line);
      if (line.end) shown.end("ended");
    }
    shown.end("the connection ended");
  } catch (error) {
    if (shown.state === "stopped") return shown.end("stopped");
    shown.end("failed");
    throw error;
  } finally {
    open.delete(shown);
    if (!shown.columns) shown.tools.remove();
  }
  return undefined;
}

// A page that the browser keeps for its Back button must not keep its queries.
window.addEventListener("pagehide", () => {
  for (const shown of open) shown.stop();
});
