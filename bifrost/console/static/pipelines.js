// Draws what flows: the graph of the pipelines and the lists of their parts, asked for again every few seconds.

const view = document.getElementById("view");
const views = document.getElementById("views");
const filter = document.getElementById("filter");
const problem = document.getElementById("problem");
const details = document.getElementById("details");
const nothing = document.querySelector(".nothing");
const PACE_MS = 2000;
const [WIDTH, HEIGHT, GAP_X, GAP_Y] = [176, 52, 34, 12];
let current = "flow";
let found = null;
let drawn = "";

const el = (tag, className = "", text = "") => Object.assign(document.createElement(tag), { className, textContent: text });
const number = (value) => (value === null || value === undefined ? "" : new Intl.NumberFormat().format(value));
const rate = (value) => (value === null || value === undefined ? "" : `${number(value)}/s`);
const matches = (text) => text.toLowerCase().includes(filter.value.trim().toLowerCase());

function caption(node) {
  if (node.error) return node.error;
  if (node.kind === "topic") {
    return node.state === "missing" ? "does not exist" : [`${number(node.records)} records`, node.rate ? rate(node.rate) : ""].filter(Boolean).join(" · ");
  }
  const lag = node.lag ? `lag ${number(node.lag)}` : "";
  return [node.state || "consumer group", lag].filter(Boolean).join(" · ");
}

// The parts of the graph that hang together, the largest first.
function islands(nodes, edges) {
  const beside = new Map(nodes.map((node) => [node.id, []]));
  for (const [from, to] of edges) {
    beside.get(from)?.push(to);
    beside.get(to)?.push(from);
  }
  const seen = new Set();
  const parts = [];
  for (const node of nodes) {
    if (seen.has(node.id)) continue;
    const part = [];
    const pending = [node.id];
    seen.add(node.id);
    while (pending.length) {
      const id = pending.pop();
      part.push(id);
      for (const next of beside.get(id)) {
        if (seen.has(next)) continue;
        seen.add(next);
        pending.push(next);
      }
    }
    parts.push(new Set(part));
  }
  return parts.sort((one, other) => other.size - one.size);
}

// Every node stands to the right of what it reads; within a column near what it is connected to.
function placed(ids, edges) {
  const inside = edges.filter(([from, to]) => ids.has(from) && ids.has(to));
  const rank = new Map([...ids].map((id) => [id, 0]));
  for (let round = 0; round < ids.size; round++) {
    let moved = false;
    for (const [from, to] of inside) {
      if (rank.get(to) <= rank.get(from) && rank.get(from) + 1 < ids.size) {
        rank.set(to, rank.get(from) + 1);
        moved = true;
      }
    }
    if (!moved) break;
  }
  // What nothing is read into stands just before what reads it, not at the far left.
  for (const id of ids) {
    const readers = inside.flatMap(([from, to]) => (from === id ? [rank.get(to)] : []));
    if (readers.length && !inside.some(([, to]) => to === id)) rank.set(id, Math.max(0, Math.min(...readers) - 1));
  }
  const columns = [];
  for (const id of ids) (columns[rank.get(id)] ||= []).push(id);
  const at = new Map();
  const order = (column) => column.forEach((id, index) => at.set(id, index - (column.length - 1) / 2));
  columns.forEach(order);
  for (let round = 0; round < 6; round++) {
    for (const column of round % 2 ? [...columns].reverse() : columns) {
      const middle = (id) => {
        const near = inside.flatMap(([from, to]) => (from === id ? [at.get(to)] : to === id ? [at.get(from)] : []));
        return near.length ? near.reduce((sum, y) => sum + y, 0) / near.length : at.get(id);
      };
      const weights = new Map(column.map((id) => [id, middle(id)]));
      column.sort((one, other) => weights.get(one) - weights.get(other));
      order(column);
    }
  }
  const tallest = Math.max(...columns.map((column) => column.length));
  const place = new Map();
  columns.forEach((column, x) => column.forEach((id, index) => place.set(id, {
    x: x * (WIDTH + GAP_X),
    y: (index + (tallest - column.length) / 2) * (HEIGHT + GAP_Y),
  })));
  return { place, inside, width: columns.length * (WIDTH + GAP_X) - GAP_X, height: tallest * (HEIGHT + GAP_Y) - GAP_Y };
}

function svg(tag, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

function box(node, { x, y }) {
  const button = el("button", `node ${node.kind} ${node.health}`);
  button.type = "button";
  button.style.left = `${x}px`;
  button.style.top = `${y}px`;
  button.dataset.id = node.id;
  button.title = `${node.kind} ${node.name}${node.error ? `: ${node.error}` : ""}`;
  button.append(el("b", "", node.name), el("span", "", caption(node)));
  return button;
}

function flow(part, edges, byId) {
  const { place, inside, width, height } = placed(part, edges);
  const section = el("section", "flow");
  const canvas = el("div", "canvas");
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const lines = svg("svg", { width, height, "aria-hidden": "true" });
  for (const [from, to] of inside) {
    const [one, other] = [place.get(from), place.get(to)];
    const [x1, y1, x2, y2] = [one.x + WIDTH, one.y + HEIGHT / 2, other.x, other.y + HEIGHT / 2];
    const bend = Math.max(24, Math.abs(x2 - x1) / 2);
    const [source, target] = [byId.get(from), byId.get(to)];
    const topic = source.kind === "topic" ? source : target;
    const kind = source.health === "bad" || target.health === "bad" ? "bad" : topic.rate > 0 ? "moving" : "";
    lines.append(svg("path", { class: kind, d: `M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}` }));
  }
  canvas.append(lines, ...[...part].map((id) => box(byId.get(id), place.get(id))));
  section.append(canvas);
  return section;
}

function drawFlow() {
  const byId = new Map(found.nodes.map((node) => [node.id, node]));
  const parts = islands(found.nodes, found.edges).filter((part) => [...part].some((id) => matches(byId.get(id).name)));
  return parts.map((part) => flow(part, found.edges, byId));
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

function table(heads, rows) {
  const sheet = el("div", "sheet");
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

const named = (kinds) => found.nodes.filter((node) => kinds.includes(node.kind) && matches(node.name));
const health = (component) => (["failed", "backoff"].includes(component.state) ? "bad" : ["ready", "running", "stopped"].includes(component.state) ? "good" : "busy");

const drawing = {
  flow: drawFlow,
  connectors: () => table(["Connector", "Kind", "State", "Tasks", "#Lag", "Class", "Cause"], named(["source", "sink"]).map((node) => [
    opener(node.id, node.name), node.kind, state(node), node.tasks.map((task) => `${task.id} ${task.state}`).join(", ") || "none",
    number(node.lag), node.detail, node.error])),
  queries: () => table(["Query", "Writes", "State", "#Lag", "Cause"], named(["query"]).map((node) => [
    opener(node.id, node.detail), node.name, state(node), number(node.lag), node.error])),
  topics: () => table(["Topic", "#Partitions", "#Records", "#Rate"], found.topics.filter((topic) => matches(topic.name)).map((topic) => [
    opener(topic.id, topic.name), number(topic.partitions), number(topic.records), rate(topic.rate)])),
  faults: () => table(["Dead letters and processing log", "#Records", "#Rate"], faults().filter((topic) => matches(topic.name)).map((topic) => [
    opener(topic.id, topic.name), number(topic.records), rate(topic.rate)])),
  components: () => table(["Component", "State", "#Restarts", "Since", "Cause"], found.components.filter((each) => matches(each.name)).map((each) => [
    each.name, state({ state: each.state, health: health(each) }), number(each.restarts), new Date(each.since * 1000).toLocaleString(), each.cause])),
};

const faults = () => found.topics.filter((topic) => topic.faults);

function draw() {
  const content = drawing[current]();
  const text = content.map((part) => part.outerHTML).join("");
  // What has not changed stays as it is: a focus and a selection live through it.
  if (text !== drawn) {
    const focused = document.activeElement?.dataset?.id;
    drawn = text;
    view.replaceChildren(...content);
    if (focused) view.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }
  nothing.hidden = content.length > 0;
  nothing.textContent = filter.value ? "Nothing matches." : "Nothing here yet.";
  const counts = {
    connectors: named(["source", "sink"]).length, queries: named(["query"]).length, topics: found.topics.length,
    faults: number(faults().reduce((sum, topic) => sum + topic.records, 0)), components: found.components.length,
  };
  for (const chip of views.children) {
    chip.setAttribute("aria-pressed", String(chip.dataset.view === current));
    if (counts[chip.dataset.view] !== undefined) chip.querySelector("span").textContent = counts[chip.dataset.view];
  }
}

function choose(name) {
  current = name;
  window.history.replaceState(null, "", `#${name}`);
  if (found) draw();
}

function terms(pairs) {
  const list = el("dl");
  for (const [name, value] of pairs) if (value !== "" && value !== null && value !== undefined) list.append(el("dt", "", name), el("dd", "", String(value)));
  return list;
}

async function showRecords(body, topic) {
  const title = el("h3", "", "Newest records");
  body.append(title);
  const answer = await fetch(`/api/topics/${encodeURIComponent(topic)}/records?limit=10`);
  const records = await answer.json();
  if (!answer.ok) return body.append(el("p", "cause", records.error));
  if (!records.length) return body.append(el("p", "", "None."));
  for (const record of records) {
    const head = `${topic}-${record.partition}@${record.offset}  ${record.timestamp > 0 ? new Date(record.timestamp).toLocaleString() : ""}`;
    const headers = Object.entries(record.headers).map(([name, value]) => `${name}: ${value}`);
    body.append(el("pre", "", [head, record.key ? `key: ${record.key}` : "", ...headers, record.value].filter(Boolean).join("\n")));
  }
}

function open(id) {
  const node = found.nodes.find((each) => each.id === id) || found.topics.find((each) => each.id === id);
  if (!node) return;
  document.getElementById("details-title").textContent = node.name;
  const body = document.getElementById("details-body");
  body.replaceChildren(terms([
    ["kind", node.kind], ["pipeline", node.pipeline], ["state", node.state], ["class or id", node.detail], ["lag", number(node.lag)],
    ["partitions", node.partitions], ["records", number(node.records)], ["rate", rate(node.rate)], ["cause", node.error],
  ]));
  for (const task of node.tasks || []) {
    body.append(el("h3", "", `Task ${task.id}: ${task.state}`));
    if (task.trace) body.append(el("pre", "", task.trace));
  }
  if (node.statement) body.append(el("pre", "", node.statement));
  details.showModal();
  if (node.kind === "topic") showRecords(body, node.name);
}

function showState(className, text) {
  document.querySelector(".live").className = `live ${className}`;
  document.getElementById("state").textContent = text;
}

async function ask() {
  try {
    const answer = await fetch("/api/pipelines");
    if (!answer.ok) throw new Error(answer.statusText);
    found = await answer.json();
    problem.hidden = !found.problems.length;
    problem.textContent = found.problems.join("; ");
    document.getElementById("asked").textContent = `as of ${new Date(found.at * 1000).toLocaleTimeString()}`;
    showState(found.problems.length ? "off" : "on", found.problems.length ? "in part" : "live");
    draw();
  } catch (error) {
    problem.hidden = false;
    problem.textContent = error.message;
    showState("off", "not connected");
  }
  if (!document.hidden) window.setTimeout(ask, PACE_MS);
}

function move(step) {
  const all = [...view.querySelectorAll("[data-id]")];
  const next = all[Math.min(Math.max(all.indexOf(document.activeElement) + step, 0), all.length - 1)];
  next?.focus();
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || details.open) return;
  if (event.key === "Escape") {
    filter.value = "";
    filter.blur();
    draw();
  } else if (event.target === filter) {
    return;
  } else if (event.key === "/") {
    event.preventDefault();
    filter.focus();
  } else if (/^[1-6]$/.test(event.key)) {
    choose(views.children[Number(event.key) - 1].dataset.view);
  } else if (event.key === "j" || event.key === "k") {
    move(event.key === "j" ? 1 : -1);
  }
}

views.addEventListener("click", (event) => {
  const chip = event.target.closest(".chip");
  if (chip) choose(chip.dataset.view);
});
view.addEventListener("click", (event) => {
  const opened = event.target.closest("[data-id]");
  if (opened) open(opened.dataset.id);
});
filter.addEventListener("input", () => found && draw());
document.addEventListener("keydown", onKey);
document.addEventListener("visibilitychange", () => !document.hidden && ask());
function followAddress() {
  const wanted = window.location.hash.slice(1);
  if (wanted in drawing) choose(wanted);
}

window.addEventListener("hashchange", followAddress);
followAddress();
ask();
