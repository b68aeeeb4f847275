// Lists the logged actions, newest first.

import { el, fetched, onKeys } from "./page_frame.js";
import { cell, keepReading, moment, redraw, table } from "./operate.js";

const view = document.getElementById("view");
const filter = document.getElementById("filter");
const HEADS = ["Time", "Who", "Action", "On", "Outcome", "Result"];
const STATES = { done: "good", failed: "bad", started: "busy" };
const PACE_MS = 5000;
let found = [];

function announced(entry) {
  const box = el("div");
  box.append(entry.outcome === "started" ? "has not ended, or its program ended before it" : entry.result);
  if (entry.lines.length) {
    const more = el("details");
    more.append(el("summary", "soft", "What was announced"), ...entry.lines.map((line) => el("p", "soft", line)));
    box.append(more);
  }
  return box;
}

function draw() {
  const wanted = filter.value.trim().toLowerCase();
  const rows = found.filter((entry) => JSON.stringify(entry).toLowerCase().includes(wanted)).map((entry) => [
    cell(moment(entry.at_s * 1000), "tight time"), entry.who, cell(entry.action, "tight"), cell(entry.thing, "mono"),
    cell(el("span", `state ${STATES[entry.outcome]}`, entry.outcome), "tight"), cell(announced(entry), entry.outcome === "failed" ? "cause result" : "result")]);
  redraw(view, ...(rows.length ? [table(HEADS, rows, "Actions, newest first")] : []));
  document.querySelector(".nothing").hidden = rows.length > 0;
  document.querySelector(".nothing").textContent = found.length ? "Nothing matches." : "Nothing was changed yet.";
}

keepReading(async () => {
  found = (await fetched("/api/actions")).actions;
  draw();
}, PACE_MS);
filter.addEventListener("input", draw);
onKeys({
  "/": () => filter.focus(),
  Escape: () => {
    filter.value = "";
    filter.blur();
    draw();
  },
});
