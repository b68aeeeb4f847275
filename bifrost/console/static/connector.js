// Shows one connector: tasks with their traces, the configuration to edit, and offsets.

import { el, fetched, number } from "./page_frame.js";
import { act, button, cell, keepReading, link, posted, redraw, table } from "./operate.js";

const name = document.body.dataset.name;
const api = `/api/connectors/${encodeURIComponent(name)}`;
const [config, verdict] = [document.getElementById("config"), document.getElementById("verdict")];
const HEALTH = { RUNNING: "good", FAILED: "bad" };
const CHANGES = { RUNNING: ["pause", "stop", "restart"], PAUSED: ["resume", "stop"], STOPPED: ["resume"], FAILED: ["restart", "pause", "stop"] };
const PACE_MS = 4000;
const offsets = document.getElementById("offsets-text");
let original = null;
let originalOffsets = null;

const state = (word) => el("span", `state ${HEALTH[word] || "busy"}`, word);
const textOf = (pairs) => Object.entries(pairs).map(([key, value]) => `${key} = ${value.replaceAll("\n", "\\n")}`).join("\n");

// Lines of `key = value`; the first line that is none is an error.
function edited() {
  const pairs = {};
  config.value.split("\n").forEach((line, index) => {
    if (!line.trim() || line.trim().startsWith("#")) return;
    const at = line.indexOf("=");
    if (at < 1) throw new Error(`Line ${index + 1} is not key = value: ${line}`);
    pairs[line.slice(0, at).trim()] = line.slice(at + 1).replace(/^ /, "").replaceAll("\\n", "\n");
  });
  return pairs;
}

function showTasks(found) {
  const rows = found.tasks.map((task) => [String(task.id), cell(state(task.state), "tight"), cell(task.worker, "mono")]);
  const content = rows.length ? [table(["Task", "State", "Worker"], rows, "Tasks")] : [el("p", "note", "No task.")];
  for (const [title, trace] of [["Connector", found.trace], ...found.tasks.map((task) => [`Task ${task.id}`, task.trace])]) {
    if (!trace) continue;
    const more = el("details");
    more.open = true;
    more.append(el("summary", "cause", `${title}: trace`), el("pre", "", trace));
    content.push(more);
  }
  redraw(document.getElementById("tasks"), ...content);
}

function showOffsets(found) {
  const rows = found.offsets.map((entry) => [cell(JSON.stringify(entry.partition), "mono"), cell(JSON.stringify(entry.offset), "mono")]);
  redraw(document.getElementById("offsets"), ...(rows.length ? [table(["Partition", "Offset"], rows, "Offsets")] : [el("p", "note", "No offsets.")]));
  document.getElementById("set-offsets").hidden = found.type !== "source";
  const text = found.offsets_text ? `[\n${found.offsets_text}\n]` : "";
  if (originalOffsets === null || offsets.value === originalOffsets) offsets.value = text;
  originalOffsets = text;
  offsets.rows = Math.min(20, Math.max(4, text.split("\n").length + 1));
  const place = document.getElementById("offset-actions");
  if (place.children.length) return;
  if (found.type === "sink") {
    const group = link(`/groups/${encodeURIComponent(`connect-${name}`)}`, "Lag and reset: its consumer group");
    place.append(group);
  } else {
    place.append(button("Start from the beginning", "quiet", () => run({ action: "offsets.reset", name: `connector:${name}`, to: "earliest" }, "Reset")));
  }
}

function show(found) {
  const facts = [found.type, found.topics.length ? `${found.type === "sink" ? "reads" : "writes"} ` : ""];
  const line = document.createDocumentFragment();
  line.append(state(found.state), ` ${facts[0]}`);
  if (found.topics.length) line.append(" · ", facts[1], ...found.topics.slice(0, 12).flatMap((topic, at) => [at ? ", " : "", link(`/topics/${encodeURIComponent(topic)}`, topic)]));
  if (found.topics.length > 12) line.append(` and ${number(found.topics.length - 12)} more topics`);
  document.getElementById("facts").replaceChildren(line);
  const buttons = (CHANGES[found.state] || ["restart"]).map((change) => button(change, "quiet", () => run({ action: change, name: `connector:${name}` }, change)));
  redraw(document.getElementById("changes"), ...buttons);
  showTasks(found);
  showOffsets(found);
  const text = textOf(found.config);
  if (original === null || config.value === original) config.value = text;
  original = text;
  config.rows = Math.min(30, Math.max(8, text.split("\n").length + 2));
}

async function run(body, word) {
  if (await act(body, word)) again();
}

function showVerdict(problems) {
  const list = el("ul");
  list.append(...problems.map((problem) => {
    const item = el("li", problem.is_error ? "cause" : "soft");
    item.append(...(problem.key ? [el("b", "", problem.key), ` ${problem.text}`] : [problem.text]));
    return item;
  }));
  const errors = problems.filter((problem) => problem.is_error).length;
  const words = errors ? `${number(errors)} error${errors === 1 ? "" : "s"}` : problems.length ? "Connect accepts it, with remarks:" : "Connect accepts it.";
  verdict.replaceChildren(el("p", errors ? "cause" : "", words), ...(problems.length ? [list] : []));
}

document.getElementById("validate").addEventListener("click", async () => {
  verdict.replaceChildren(el("p", "soft", "Validating"));
  try {
    showVerdict((await posted(`${api}/validate`, { config: edited() })).problems);
  } catch (error) {
    verdict.replaceChildren(el("p", "cause", error.message));
  }
});
document.getElementById("save").addEventListener("click", async () => {
  try {
    const body = { action: "connector.configure", name, config: edited() };
    if (!(await act(body, "Save"))) return;
    config.value = original;
    verdict.replaceChildren();
    again();
  } catch (error) {
    verdict.replaceChildren(el("p", "cause", error.message));
  }
});
document.getElementById("restore").addEventListener("click", () => {
  config.value = original || "";
  verdict.replaceChildren();
});
document.getElementById("set").addEventListener("click", async () => {
  if (!(await act({ action: "offsets.set", name: `connector:${name}`, offsets: offsets.value }, "Set"))) return;
  offsets.value = originalOffsets;
  again();
});
document.getElementById("restore-offsets").addEventListener("click", () => {
  offsets.value = originalOffsets || "";
});
const again = keepReading(async () => {
  const found = await fetched(api);
  show(found);
  return found.problems.join("; ");
}, PACE_MS);
