// Shows the versions of one subject, and what differs between two of them, side by side.

import { indented } from "./json_text.js";
import { el, fetched, number, showProblem, showState } from "./page_frame.js";

const subject = document.body.dataset.name;
const [version, other, copy, view] = ["version", "other", "copy", "view"].map((id) => document.getElementById(id));
const MOST_LINES = 3000;
let versions = [];

function linesOf(entry) {
  if (entry.type === "PROTOBUF") return entry.schema.split("\n");
  try {
    return indented(entry.schema).split("\n");
  } catch {
    return entry.schema.split("\n");
  }
}

// The longest common subsequence decides which lines are the same. Returns [left, right] pairs of line numbers or null.
function paired(left, right) {
  const lengths = Array.from({ length: left.length + 1 }, () => new Uint16Array(right.length + 1));
  for (let i = left.length - 1; i >= 0; i -= 1) {
    for (let j = right.length - 1; j >= 0; j -= 1) {
      lengths[i][j] = left[i] === right[j] ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  const pairs = [];
  let [i, j] = [0, 0];
  let [gone, come] = [[], []];
  const flush = () => {
    for (let at = 0; at < Math.max(gone.length, come.length); at += 1) pairs.push([gone[at] ?? null, come[at] ?? null, true]);
    [gone, come] = [[], []];
  };
  while (i < left.length || j < right.length) {
    if (i < left.length && j < right.length && left[i] === right[j]) {
      flush();
      pairs.push([i, j, false]);
      [i, j] = [i + 1, j + 1];
    } else if (j >= right.length || (i < left.length && lengths[i + 1][j] >= lengths[i][j + 1])) {
      gone.push(i);
      i += 1;
    } else {
      come.push(j);
      j += 1;
    }
  }
  flush();
  return pairs;
}

function half(tr, lines, at, mark) {
  const line = tr.insertCell();
  line.className = "line";
  line.textContent = at === null ? "" : at + 1;
  const text = tr.insertCell();
  text.className = at === null ? "code" : `code ${mark}`;
  if (at !== null && mark) text.append(el("span", "hidden", mark === "gone" ? "removed: " : "added: "));
  text.append(at === null ? "" : lines[at]);
}

function drawDifference(before, after) {
  const [left, right] = [linesOf(before), linesOf(after)];
  if (left.length > MOST_LINES || right.length > MOST_LINES) {
    view.replaceChildren(el("p", "note", "These versions are too long to compare here."));
    return;
  }
  const pairs = paired(left, right);
  const sheet = el("div", "sheet card");
  sheet.tabIndex = 0;
  sheet.setAttribute("role", "region");
  sheet.setAttribute("aria-label", "Difference");
  const list = el("table", "difference");
  list.append(el("caption", "hidden", `Version ${before.version} and version ${after.version}, line by line`));
  const columns = el("colgroup");
  columns.append(el("col", "line"), el("col"), el("col", "line"), el("col"));
  list.append(columns);
  const head = list.createTHead().insertRow();
  for (const entry of [before, after]) head.append(Object.assign(el("th", "", `Version ${entry.version}`), { colSpan: 2, scope: "colgroup" }));
  const body = list.createTBody();
  for (const [i, j, differs] of pairs) {
    const tr = body.insertRow();
    half(tr, left, i, differs ? "gone" : "");
    half(tr, right, j, differs ? "come" : "");
  }
  sheet.append(list);
  view.replaceChildren(sheet);
  const count = (index) => pairs.filter((pair) => pair[2] && pair[index] !== null).length;
  document.getElementById("outcome").textContent = count(0) + count(1) ? `${number(count(1))} lines added, ${number(count(0))} removed` : "No difference";
}

function draw() {
  const one = versions.find((entry) => String(entry.version) === version.value);
  const two = versions.find((entry) => String(entry.version) === other.value);
  if (!one) return;
  const text = linesOf(one).join("\n");
  copy.dataset.copy = text;
  copy.setAttribute("aria-label", `Copy version ${one.version}`);
  document.getElementById("outcome").textContent = `id ${one.id} · ${one.type}`;
  if (two && two !== one) {
    drawDifference(...(two.version < one.version ? [two, one] : [one, two]));
    return;
  }
  view.replaceChildren(el("pre", "whole", text));
  if (one.references.length) {
    const list = el("ul");
    list.append(...one.references.map((reference) => el("li", "", reference)));
    view.append(el("h2", "", "Imports"), list);
  }
}

async function read() {
  try {
    const found = await fetched(`/api/schemas/${encodeURIComponent(subject)}`);
    versions = found.versions;
    document.getElementById("facts").textContent = `compatibility ${found.rule} · ${number(found.count)} version${found.count === 1 ? "" : "s"}`
      + (found.count > versions.length ? `, the newest ${number(versions.length)} are shown` : "");
    version.replaceChildren(...versions.map((entry) => new Option(entry.version, entry.version)));
    other.replaceChildren(new Option("none", ""), ...versions.map((entry) => new Option(entry.version, entry.version)));
    if (versions.length > 1) other.value = String(versions[1].version);
    draw();
    showProblem("");
    showState("on", "live");
  } catch (error) {
    showProblem(error.message);
    showState("off", "not read");
  }
}

version.addEventListener("change", draw);
other.addEventListener("change", draw);
read();
