// Lists the connectors with their states and what can be done with them.

import { el, fetched } from "./page_frame.js";
import { act, button, cell, link, listPage } from "./operate.js";

const HEALTH = { RUNNING: "good", FAILED: "bad" };
const CHANGES = { RUNNING: ["pause", "stop", "restart"], PAUSED: ["resume", "stop"], STOPPED: ["resume"], FAILED: ["restart", "pause", "stop"] };

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

const again = listPage({
  heads: ["Connector", "State", "Actions", "Tasks", "Kind", "Class", "Cause"],
  caption: "Connectors",
  things: "connectors",
  paceMs: 4000,
  words: (each) => [each.name],
  row: (each) => [
    cell(link(`/connectors/${encodeURIComponent(each.name)}`, each.name), "name"), cell(el("span", `state ${HEALTH[each.state] || "busy"}`, each.state), "tight"), actions(each),
    cell(counted(each.tasks.map((task) => task.state)) || "none", "tight"), each.type, each.class,
    cell(cut(each.cause), each.cause ? "cause" : "")],
  read: async () => ({ items: (await fetched("/api/connectors")).connectors }),
});
