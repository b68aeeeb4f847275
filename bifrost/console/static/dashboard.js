// Draws a dashboard: loads the layout once and the rows of all panels repeatedly. Data is only ever shown as text.

import { command, el, fetched, moveFocus, number, onKeys, showProblem, showState } from "./page_frame.js";

const pipeline = document.body.dataset.pipeline;
const grid = document.getElementById("panels");
const last = document.getElementById("last");
const pause = document.getElementById("pause");
const hint = document.getElementById("hint");
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const panels = new Map();
const RETRY_MS = 2000;
let layout = null;
let refresh = 0;
let timer = 0;
let asking = null;

function style() {
  const value = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const [text, soft, line] = [value("--text"), value("--soft"), value("--line")];
  const font = 'system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif';
  return {
    background: "transparent",
    font,
    view: { stroke: null },
    axis: {
      labelColor: soft, titleColor: soft, gridColor: line, domainColor: line, tickColor: line, titleFontWeight: 400,
      labelFontSize: 11, titleFontSize: 11,
    },
    axisX: { grid: false },
    legend: { labelColor: text, titleColor: soft, titleFontWeight: 400 },
    text: { color: text },
    style: { label: { fill: text } },
  };
}

function addPanel(panel) {
  const box = el("section", panel.spec ? "panel" : "panel table");
  const { x, y, w, h } = panel.place;
  box.style.gridColumn = `${x + 1} / span ${w}`;
  box.style.gridRow = `${y + 1} / span ${h}`;
  box.tabIndex = 0;
  box.title = panel.description;
  box.setAttribute("aria-label", panel.title);
  const header = el("header");
  const count = el("span");
  header.append(el("h2", "", panel.title), count);
  const body = el("div", "body");
  const content = el("div", panel.spec ? "chart" : "rows");
  if (!panel.spec) {
    content.tabIndex = 0; // the keyboard must be able to scroll it
    content.setAttribute("role", "group");
    content.setAttribute("aria-label", `Rows of ${panel.title}`);
  }
  const note = el("p", "note");
  note.append(el("b"), el("span"));
  if (panel.spec) {
    content.setAttribute("role", "img");
    content.setAttribute("aria-label", `${panel.title}. ${panel.description}`);
  }
  body.append(content, note);
  box.append(header, body);
  grid.append(box);
  panels.set(panel.name, { ...panel, box, count, content, note, view: null, seen: null, rows: null });
}

async function embed(panel) {
  const size = { width: "container", height: "container", autosize: { type: "fit", contains: "padding", resize: true } };
  const known = new Set(Object.keys(panel.rows));
  // Embedding the rows saves drawing scales and axes twice.
  const spec = JSON.parse(JSON.stringify(panel.spec), (_key, value) =>
    value && typeof value === "object" && known.has(value.name) ? { ...value, values: panel.rows[value.name] } : value);
  const result = await vegaEmbed(panel.content, { ...size, ...spec }, {
    ast: true, // the content security policy forbids evaluating text as code
    actions: false,
    renderer: "canvas",
    config: style(),
    defaultStyle: false,
    tooltip: { disableDefaultStyle: true },
  });
  panel.view = result.view;
}

async function draw(panel, found) {
  panel.rows = found.data;
  if (!panel.view) return embed(panel);
  for (const [name, rows] of Object.entries(found.data)) panel.view.data(name, rows);
  await panel.view.runAsync();
}

const heading = (field) => (field.charAt(0) + field.slice(1).toLowerCase()).replaceAll("_", " ");

const isTimeColumn = (column) => /(^|_)(TS|TIME|TIMESTAMP|AT|DATE)$/i.test(column);

function cell(column, value) {
  const td = el("td");
  if (value === null || value === undefined) return td;
  if (column === "STARS" && value >= 0 && value <= 5) {
    td.className = "tight";
    const stars = el("span", "stars", "★".repeat(value));
    stars.setAttribute("role", "img");
    stars.setAttribute("aria-label", `${value} of 5 stars`);
    stars.append(el("s", "", "★".repeat(5 - value)));
    td.append(stars);
  } else if (column.endsWith("_STATUS") || column === "CHANNEL") {
    td.append(el("span", "badge", String(value)));
  } else if (isTimeColumn(column)) {
    return clock(value);
  } else if (typeof value === "number") {
    td.className = "number";
    // Numbers in tables are often ids, so only fractions are formatted.
    td.textContent = Number.isInteger(value) ? String(value) : number(value);
  } else {
    td.textContent = typeof value === "object" ? JSON.stringify(value) : String(value);
    if (/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(td.textContent)) td.className = "tight";
  }
  return td;
}

function clock(value) {
  const at = new Date(value);
  if (Number.isNaN(at.getTime())) return el("td", "tight", String(value ?? ""));
  const isToday = at.toDateString() === new Date().toDateString();
  const td = el("td", "tight", isToday ? at.toLocaleTimeString() : at.toLocaleString());
  td.title = at.toLocaleString();
  return td;
}

function list(panel, found) {
  let body = panel.content.querySelector("tbody");
  if (!body) {
    const head = el("tr");
    head.append(...["Time", ...panel.columns.map(heading)].map((name) => Object.assign(el("th", "", name), { scope: "col" })));
    const table = el("table");
    table.append(el("thead"), el("tbody"));
    table.tHead.append(head);
    panel.content.replaceChildren(table);
    body = table.tBodies[0];
  }
  const shown = new Map([...body.rows].map((row) => [row.dataset.content, row]));
  body.replaceChildren(...found.rows.map((row) => shown.get(content(row)) || newRow(panel, row)));
  panel.seen = true;
}

// A rewritten document is a new row: the sink of a table writes one document per key.
const content = (row) => JSON.stringify([row.id, row.time, row.values]);

function newRow(panel, row) {
  const tr = el("tr", panel.seen ? "new" : "");
  tr.dataset.content = content(row);
  tr.append(clock(row.time), ...panel.columns.map((column, at) => cell(column, row.values[at])));
  return tr;
}

async function show(panel, found) {
  panel.box.classList.toggle("failed", Boolean(found.error));
  panel.box.classList.toggle("bare", !found.error && !found.total);
  panel.note.hidden = !found.error && found.total > 0;
  const range = last.selectedOptions[0].textContent.toLowerCase();
  panel.note.children[0].textContent = found.error ? "This panel cannot be shown" : "No data yet";
  panel.note.children[1].textContent = found.error || `in the ${range}`;
  panel.count.textContent = found.error ? "" : number(found.total);
  if (found.error || !found.total) {
    if (panel.view && !found.error) await draw(panel, found);
    return;
  }
  await (panel.spec ? draw(panel, found) : list(panel, found));
}

async function ask() {
  window.clearTimeout(timer);
  asking?.abort();
  const own = (asking = new AbortController());
  const began = performance.now();
  let pace = RETRY_MS;
  try {
    // Load layout and data in parallel; the layout only once.
    const data = fetched(`/api/dashboards/${pipeline}/data?last=${last.value}`, { signal: own.signal });
    const [found] = await Promise.all([data, prepared()]);
    await Promise.all(Object.entries(found.panels).map(([name, data]) => show(panels.get(name), data)));
    hint.hidden = Object.values(found.panels).some((data) => data.error || data.total);
    if (!performance.getEntriesByName("drawn").length) performance.mark("drawn");
    showProblem("");
    document.getElementById("updated").textContent = `as of ${new Date(found.to).toLocaleTimeString()}`;
    showState(paused() ? "" : "on", paused() ? "paused" : "live");
    pace = refresh;
  } catch (error) {
    if (own.signal.aborted) return;
    showProblem(error.message);
    showState("off", "not connected");
  }
  if (own.signal.aborted || paused() || !pace) return;
  // Slow responses, as for long ranges, lower the pace, so that the search engine is idle in between.
  const took = performance.now() - began;
  timer = window.setTimeout(ask, Math.max(pace - took, took / 2, 100));
}

const paused = () => pause.getAttribute("aria-pressed") === "true" || document.hidden;

function setPaused(on) {
  pause.setAttribute("aria-pressed", String(on));
  pause.textContent = on ? "Resume" : "Pause";
  ask();
}

function remember() {
  const address = new URL(window.location);
  address.searchParams.set("last", last.value);
  window.history.replaceState(null, "", address);
  ask();
}

async function recolour() {
  for (const panel of panels.values()) {
    panel.view?.finalize();
    if (panel.view) await embed(panel);
  }
}

// The range in the address, else the default of the dashboard.
function chooseRange() {
  const wanted = new URL(window.location).searchParams.get("last");
  const known = [...last.options].map((option) => Number(option.value));
  const own = Number(document.body.dataset.last);
  if (known.includes(Number(wanted))) last.value = wanted;
  else last.value = known.find((seconds) => seconds >= own) ?? known.at(-1);
}

function prepared() {
  layout ??= prepare().catch((error) => {
    layout = null;
    throw error;
  });
  return layout;
}

async function prepare() {
  const dashboard = await fetched(`/api/dashboards/${pipeline}`);
  refresh = dashboard.refresh_ms;
  dashboard.panels.forEach(addPanel);
  if (dashboard.hint) hint.replaceChildren(command(dashboard.hint));
}

last.addEventListener("change", remember);
pause.addEventListener("click", () => setPaused(pause.getAttribute("aria-pressed") !== "true"));
dark.addEventListener("change", recolour);
document.addEventListener("visibilitychange", () => !document.hidden && ask());
onKeys({
  p: () => setPaused(pause.getAttribute("aria-pressed") !== "true"),
  t: () => last.focus(),
  j: () => moveFocus([...grid.children], 1),
  k: () => moveFocus([...grid.children], -1),
});
chooseRange();
ask();
