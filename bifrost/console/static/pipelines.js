// Shows the graph of each pipeline and tables of their parts, reloaded every few seconds.

import { caption, flow } from "./flow.js";
import { act, button } from "./operate.js";
import { clock, command, el, fetched, moveFocus, number, onKeys, rate, showProblem, showState } from "./page_frame.js";

const view = document.getElementById("view");
const views = document.getElementById("views");
const picker = document.getElementById("pipeline");
const filter = document.getElementById("filter");
const details = document.getElementById("details");
const nothing = document.querySelector(".nothing");
const PACE_MS = 2000;
const REST = "other parts";
const reasons = new Map(); // why the newest record of a dead-letter topic failed, by topic and count
let current = "flow";
let found = null;
let drawn = [];
let timer = 0;

const matches = (text) => text.toLowerCase().includes(filter.value.trim().toLowerCase());
const selected = () => found.pipelines.filter((pipeline) => !picker.value || pipeline.name === picker.value);

function isSelected(id) {
  return !picker.value || selected().some((pipeline) => pipeline.nodes.includes(id));
}

function state(node) {
  return el("span", `state ${node.health || "good"}`, node.state || "running");
}

function opener(id, text) {
  const button = el("button", "", text);
  button.type = "button";
  button.dataset.id = id;
  return button;
}

function link(address, text) {
  return Object.assign(el("a", "", text), { href: address });
}

function pipelineHead(pipeline) {
  const head = el("header");
  head.append(el("h2", `state ${pipeline.health}`, pipeline.name || REST));
  const facts = [pipeline.rate === null ? "" : `${rate(pipeline.rate)} in`, pipeline.lag ? `lag ${number(pipeline.lag)}` : ""];
  head.append(el("span", "facts", facts.filter(Boolean).join(" · ")));
  if (pipeline.faults) {
    const faults = link(`/pipelines?pipeline=${pipeline.name}#faults`, `${number(pipeline.faults)} faults`);
    faults.className = "bad";
    head.append(faults);
  }
  if (found.dashboards.includes(pipeline.name)) head.append(link(`/dashboards/${pipeline.name}`, "Dashboard"));
  if (found.hints[pipeline.name]) head.append(command(found.hints[pipeline.name]));
  return head;
}

// What is broken in a pipeline, and why; empty if nothing is.
function causes(pipeline, nodes) {
  const list = el("ul", "causes");
  for (const node of nodes.filter((each) => each.health === "bad")) {
    const item = el("li");
    item.append(opener(node.id, node.name), ` ${caption(node)}`);
    list.append(item);
  }
  list.append(...found.broken.filter((file) => file.pipeline === pipeline.name).map((file) => el("li", "", file.cause)));
  return list.children.length ? [list] : [];
}

function edgeButton(scroll, side, sign) {
  const button = el("button", `edge ${side}`, sign);
  button.type = "button";
  button.hidden = true;
  button.setAttribute("aria-label", `Scroll ${side}`);
  button.addEventListener("click", () => {
    const step = scroll.clientWidth * 0.8;
    scroll.scrollBy({ left: side === "left" ? -step : step, behavior: "smooth" });
  });
  return button;
}

// Content that may be wider than the page: a button at each edge behind which more of it is hidden.
function scroller(content, name) {
  const frame = el("div", "scroller");
  const scroll = el("div", "scroll");
  scroll.dataset.scroll = name;
  scroll.setAttribute("role", "group");
  scroll.setAttribute("aria-label", name);
  scroll.append(content);
  const [left, right] = [edgeButton(scroll, "left", "\u2039"), edgeButton(scroll, "right", "\u203a")];
  const showEdges = () => {
    const rest = scroll.scrollWidth - scroll.clientWidth;
    scroll.tabIndex = rest > 1 ? 0 : -1; // only what scrolls is worth a stop of the Tab key
    left.hidden = scroll.scrollLeft <= 1;
    right.hidden = scroll.scrollLeft >= rest - 1;
  };
  scroll.addEventListener("scroll", showEdges, { passive: true });
  new ResizeObserver(showEdges).observe(scroll); // also calls it once at the start
  frame.append(left, scroll, right);
  return frame;
}

function flowSection(pipeline, byId) {
  const section = el("section", "flow card");
  section.setAttribute("aria-label", pipeline.name || REST);
  const scroll = scroller(flow(pipeline.nodes, found.edges, byId), `Flow of ${pipeline.name || REST}`);
  section.append(pipelineHead(pipeline), ...causes(pipeline, pipeline.nodes.map((id) => byId.get(id))), scroll);
  return section;
}

function drawFlow() {
  const byId = new Map(found.nodes.map((node) => [node.id, node]));
  const hasMatch = (pipeline) => [pipeline.name, ...pipeline.nodes.map((id) => byId.get(id).name)].some(matches);
  return selected().filter(hasMatch).map((pipeline) => flowSection(pipeline, byId));
}

function table(heads, rows) {
  const sheet = el("div", "sheet card");
  sheet.tabIndex = 0; // the keyboard must be able to scroll it
  sheet.dataset.scroll = current;
  sheet.setAttribute("role", "group");
  sheet.setAttribute("aria-label", `Table of ${current}`);
  const list = el("table");
  const head = list.createTHead().insertRow();
  for (const name of heads) head.append(Object.assign(el("th", name.startsWith("#") ? "number" : "", name.replace("#", "")), { scope: "col" }));
  const body = list.createTBody();
  for (const row of rows) {
    const tr = body.insertRow();
    row.forEach((value, index) => {
      const td = tr.insertCell();
      if (heads[index].startsWith("#")) td.className = "number";
      if (heads[index] === "Cause") td.className = "cause";
      td.append(value instanceof Node ? value : document.createTextNode(value ?? ""));
    });
  }
  sheet.append(list);
  return rows.length ? [sheet] : [];
}

const named = (kinds) => found.nodes.filter((node) => kinds.includes(node.kind) && matches(node.name) && isSelected(node.id));
const topics = () => found.topics.filter((topic) => matches(topic.name) && isSelected(topic.id));
const faults = () => topics().filter((topic) => topic.faults);
const brokenFiles = () => found.broken.filter((file) => matches(file.file) && (!picker.value || picker.value === file.pipeline));
const health = (component) => (["failed", "backoff"].includes(component.state) ? "bad" : ["ready", "running", "stopped"].includes(component.state) ? "good" : "busy");
const backlog = (node) => (node.behind_since ? `has not kept up since ${clock(node.behind_since)}` : "");
const since = (component) => new Date(component.since * 1000).toLocaleString();

const drawing = {
  flow: drawFlow,
  connectors: () => table(["Connector", "Pipeline", "Kind", "State", "Tasks", "#Rate", "#Lag", "Class", "Cause"], named(["source", "sink"]).map((node) => [
    opener(node.id, node.name), node.pipeline, node.kind, state(node), node.tasks.map((task) => `${task.id}\u00a0${task.state}`).join(", ") || "none",
    rate(node.rate), number(node.lag), node.detail, node.error || backlog(node)])),
  queries: () => table(["Writes", "Pipeline", "Query", "State", "#Rate", "#Lag", "Cause"], named(["query"]).map((node) => [
    opener(node.id, node.name), node.pipeline, node.detail, state(node), rate(node.rate), number(node.lag), node.error || backlog(node)])),
  services: () => table(["Service or alert", "Pipeline", "State", "#Rate", "#Lag", "Cause"], named(["service"]).map((node) => [
    opener(node.id, node.name), node.pipeline, state(node), rate(node.rate), number(node.lag), node.error || backlog(node)])),
  topics: () => table(["Topic", "#Partitions", "#Records", "#Rate"], topics().map((topic) => [
    opener(topic.id, topic.name), number(topic.partitions), number(topic.records), rate(topic.rate)])),
  faults: () => [
    ...table(["File that could not be read", "Pipeline", "Cause"], brokenFiles().map((file) => [file.file, file.pipeline, file.cause])),
    ...table(["Dead letters and processing log", "#Records", "#Rate", "Newest"], faults().map((topic) => [
      opener(topic.id, topic.name), number(topic.records), rate(topic.rate), reasons.get(`${topic.name} ${topic.records}`) || ""])),
  ],
  components: () => table(["Component", "State", "Actions", "#Restarts", "Since", "Cause"], found.components.filter((each) => matches(each.name)).map((each) => [
    each.name, state({ state: each.state, health: health(each) }), changes(each.name, each.state), number(each.restarts), since(each), each.cause])),
};

// Why a record failed: Connect, the services and ksqlDB each store the reason in another place.
function reasonOf(record) {
  const reason = record.headers["dlq.reason"] || record.headers["__connect.errors.exception.message"];
  if (reason) return reason;
  try {
    const entry = JSON.parse(record.value);
    const error = entry.message?.deserializationError || entry.message?.recordProcessingError || entry.message;
    return error?.errorMessage || error?.cause?.[0] || "";
  } catch {
    return "";
  }
}

async function askReasons() {
  for (const topic of faults()) {
    const key = `${topic.name} ${topic.records}`;
    if (!topic.records || reasons.has(key)) continue;
    reasons.set(key, "");
    const records = await fetched(`/api/topics/${encodeURIComponent(topic.name)}/records?limit=1`).catch(() => []);
    if (records.length) reasons.set(key, reasonOf(records[0]));
    draw();
  }
}

function showCounts() {
  const total = faults().reduce((sum, topic) => sum + topic.records, 0) + brokenFiles().length;
  const counts = {
    connectors: named(["source", "sink"]).length, queries: named(["query"]).length, services: named(["service"]).length,
    topics: topics().length, faults: number(total), components: found.components.length,
  };
  for (const chip of views.children) {
    chip.setAttribute("aria-pressed", String(chip.dataset.view === current));
    if (counts[chip.dataset.view] !== undefined) chip.querySelector("span").textContent = counts[chip.dataset.view];
  }
}

function showPipelines() {
  const names = found.pipelines.map((pipeline) => pipeline.name).filter(Boolean);
  const known = [...picker.options].slice(1).map((option) => option.value);
  if (names.join() === known.join()) return;
  const wanted = picker.value || new URL(window.location).searchParams.get("pipeline");
  picker.replaceChildren(picker.options[0], ...names.map((name) => new Option(name, name)));
  if (names.includes(wanted)) picker.value = wanted;
}

// Identifies an element across redraws.
function mark(element) {
  const own = element?.dataset?.id || (element?.closest?.(".actions") && element.getAttribute("aria-label")) || element?.dataset?.copy || element?.dataset?.scroll || element?.getAttribute?.("href");
  return own && view.contains(element) ? `${element.closest("section")?.getAttribute("aria-label")} ${own}` : "";
}

// Unchanged parts are left alone, which keeps focus, selection and scroll positions.
function replace(content) {
  const texts = content.map((part) => part.outerHTML);
  const isSameShape = texts.length === view.children.length;
  const focused = mark(document.activeElement);
  content.forEach((part, at) => {
    const old = view.children[at];
    if (!isSameShape || texts[at] === drawn[at]) return;
    const scrolled = old.querySelector(".scroll")?.scrollLeft || 0;
    old.replaceWith(part);
    if (scrolled) part.querySelector(".scroll").scrollLeft = scrolled;
  });
  if (!isSameShape) view.replaceChildren(...content);
  drawn = texts;
  if (focused && mark(document.activeElement) !== focused) {
    [...view.querySelectorAll("a, button, .scroll, .sheet")].find((each) => mark(each) === focused)?.focus({ preventScroll: true });
  }
}

function draw() {
  showPipelines();
  const content = drawing[current]();
  replace(content);
  nothing.hidden = content.length > 0;
  nothing.textContent = filter.value ? "Nothing matches." : current === "faults" ? "No faults." : "Nothing here yet.";
  showCounts();
}

function choose(name) {
  current = name;
  remember();
  if (!found) return;
  draw();
  if (name === "faults") askReasons();
}

function remember() {
  const address = new URL(window.location);
  address.hash = current;
  if (picker.value) address.searchParams.set("pipeline", picker.value);
  else if (found) address.searchParams.delete("pipeline");
  window.history.replaceState(null, "", address);
}

const CHANGES = {
  RUNNING: ["pause", "restart"], PAUSED: ["resume"], STOPPED: ["resume"], FAILED: ["restart"], ERROR: ["restart"],
  running: ["stop", "restart"], ready: ["stop", "restart"], stopped: ["resume"], failed: ["restart"], backoff: ["restart", "stop"],
};

// Buttons that change what has a name, as the commands of that name do; each asks first.
function changes(name, state) {
  const row = el("span", "actions");
  for (const change of CHANGES[state] || []) {
    const one = button(change, "quiet", async () => {
      if (details.open) details.close();
      if (await act({ action: change, name }, change)) ask();
    });
    one.setAttribute("aria-label", `${change} ${name.replace(/^\w+:/, "")}`);
    row.append(one);
  }
  return row;
}

// Where a part is operated, and what can be done with it here.
function operated(node) {
  const row = el("p", "actions");
  switch (node.kind) {
    case "topic": {
      row.append(link(`/topics/${encodeURIComponent(node.name)}`, "Browse its records"));
      if (node.faults && !node.name.endsWith("ksql_processing_log")) row.append(link(`/dead-letters/${encodeURIComponent(node.name)}`, "Replay or drop"));
      break;
    }
    case "source": case "sink":
      row.append(link(`/connectors/${encodeURIComponent(node.name)}`, "Tasks, configuration, offsets"), changes(`connector:${node.name}`, node.state));
      break;
    case "query":
      row.append(changes(`query:${node.detail}`, node.state));
      break;
    case "service":
      if (node.role !== "group") row.append(changes(node.detail.replace("service ", ""), node.state));
      break;
  }
  const group = node.id.startsWith("group:") ? node.id.slice(6) : node.group;
  if (group) row.append(link(`/groups/${encodeURIComponent(group)}`, "Lag and offsets"));
  return row.children.length ? [row] : [];
}

function terms(pairs) {
  const list = el("dl");
  for (const [name, value] of pairs) if (value !== "" && value !== null && value !== undefined) list.append(el("dt", "", name), el("dd", "", String(value)));
  return list;
}

// A long text scrolls, also with the keyboard.
function longText(text) {
  const shown = el("pre", "", text);
  shown.tabIndex = 0;
  return shown;
}

async function showRecords(body, topic) {
  body.append(el("h3", "", "Newest records"));
  try {
    const records = await fetched(`/api/topics/${encodeURIComponent(topic)}/records?limit=10`);
    if (!records.length) body.append(el("p", "", "None."));
    for (const record of records) {
      const head = `${topic}-${record.partition}@${record.offset}  ${record.timestamp > 0 ? new Date(record.timestamp).toLocaleString() : ""}`;
      const headers = Object.entries(record.headers).map(([name, value]) => `${name}: ${value}`);
      body.append(longText([head, record.key ? `key: ${record.key}` : "", ...headers, record.value].filter(Boolean).join("\n")));
    }
  } catch (error) {
    body.append(el("p", "cause", error.message));
  }
}

function open(id) {
  const node = found.nodes.find((each) => each.id === id) || found.topics.find((each) => each.id === id);
  if (!node) return;
  document.getElementById("details-title").textContent = node.name;
  const body = document.getElementById("details-body");
  body.replaceChildren(terms([
    ["kind", node.kind], ["pipeline", node.pipeline], ["state", node.state], ["class or id", node.detail], ["lag", number(node.lag)],
    ["partitions", node.partitions], ["records", number(node.records)], ["rate", rate(node.rate)], ["cause", node.error || backlog(node)],
  ]));
  body.append(...operated(node));
  for (const task of node.tasks || []) {
    body.append(el("h3", "", `Task ${task.id}: ${task.state}`));
    if (task.trace) body.append(longText(task.trace));
  }
  if (node.statement) body.append(longText(node.statement));
  details.showModal();
  if (node.kind === "topic") showRecords(body, node.name);
}

async function ask() {
  window.clearTimeout(timer);
  try {
    found = await fetched("/api/pipelines");
    showProblem(found.problems.join("; "));
    document.getElementById("updated").textContent = `as of ${new Date(found.at * 1000).toLocaleTimeString()}`;
    showState(found.problems.length ? "off" : "on", found.problems.length ? "in part" : "live");
    draw();
    if (current === "faults") askReasons();
  } catch (error) {
    showProblem(error.message);
    showState("off", "not connected");
  }
  if (!document.hidden) timer = window.setTimeout(ask, PACE_MS);
}

function followAddress() {
  const wanted = window.location.hash.slice(1);
  if (wanted in drawing) choose(wanted);
}

views.addEventListener("click", (event) => {
  const chip = event.target.closest(".chip");
  if (chip) choose(chip.dataset.view);
});
view.addEventListener("click", (event) => {
  const opened = event.target.closest("[data-id]");
  if (opened) open(opened.dataset.id);
});
picker.addEventListener("change", () => {
  remember();
  draw();
});
filter.addEventListener("input", () => found && draw());
document.addEventListener("visibilitychange", () => !document.hidden && ask());
window.addEventListener("hashchange", followAddress);
onKeys({
  "/": () => filter.focus(),
  p: () => picker.focus(),
  j: () => moveFocus([...view.querySelectorAll("[data-id]")], 1),
  k: () => moveFocus([...view.querySelectorAll("[data-id]")], -1),
  Escape: () => {
    filter.value = "";
    filter.blur();
    if (found) draw();
  },
  ...Object.fromEntries([...views.children].map((chip, at) => [String(at + 1), () => choose(chip.dataset.view)])),
});
followAddress();
ask();
