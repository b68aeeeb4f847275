// Lists the connectors with their states and what can be done with them.

import { el, fetched, moveFocus, number, onKeys } from "./page_frame.js";
import { act, button, cell, keepReading, link, redraw, table } from "./operate.js";

const view = document.getElementById("view");
const filter = document.getElementById("filter");
const HEADS = ["Connector", "State", "Actions", "Tasks", "Kind", "Class", "Cause"];
const HEALTH = { RUNNING: "good", FAILED: "bad" };
const CHANGES = { RUNNING: ["pause", "stop", "restart"], PAUSED: ["resume", "stop"], STOPPED: ["resume"], FAILED: ["restart", "pause", "stop"] };
const PACE_MS = 4000;
let found = [];

const changes = (state) => CHANGES[state] || ["restart"];

// A cause may list all classes that a worker knows; the connector's page has all of it.
const cut = (cause) => (cause.length > 200 ? `${cause.slice(0, 200)}…` : cause);

function actions(connector) {
  const row = el("span", "actions");
  for (const change of changes(connector.state)) {
    const one = button(change, "quiet", async () => {
      if (await act({ action: change, name: `connector:${connector.name}` }, change)) again();
    });
    one.setAttribute("aria-label", `${change} ${connector.name}`);
    row.append(one);
  }
  return row;
}

// How many tasks are in each state, such as "2 RUNNING, 1 FAILED".
function counted(states) {
  return [...new Set(states)].map((state) => `${states.filter((each) => each === state).length}\u00a0${state}`).join(", ");
}

function draw() {
  const shown = found.filter((each) => each.name.toLowerCase().includes(filter.value.trim().toLowerCase()));
  const rows = shown.map((each) => [
    cell(link(`/connectors/${encodeURIComponent(each.name)}`, each.name), "name"), cell(el("span", `state ${HEALTH[each.state] || "busy"}`, each.state), "tight"), actions(each),
    cell(counted(each.tasks.map((task) => task.state)) || "none", "tight"), each.type, each.class,
    cell(cut(each.cause), each.cause ? "cause" : "")]);
  redraw(view, ...(rows.length ? [table(HEADS, rows, "Connectors")] : []));
  document.querySelector(".nothing").hidden = rows.length > 0;
  document.getElementById("count").textContent = `${number(shown.length)} of ${number(found.length)} connectors`;
}

const again = keepReading(async () => {
  found = (await fetched("/api/connectors")).connectors;
  draw();
}, PACE_MS);
filter.addEventListener("input", draw);
onKeys({
  "/": () => filter.focus(),
  j: () => moveFocus([...view.querySelectorAll("td a")], 1),
  k: () => moveFocus([...view.querySelectorAll("td a")], -1),
  Escape: () => {
    filter.value = "";
    filter.blur();
    draw();
  },
});
