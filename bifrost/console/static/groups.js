// Lists the consumer groups with their lags.

import { fetched, moveFocus, number, onKeys } from "./page_frame.js";
import { cell, duration, keepReading, lines, link, redraw, table } from "./operate.js";

const view = document.getElementById("view");
const filter = document.getElementById("filter");
const HEADS = ["Group", "#Lag", "#Behind", "Read by", "State", "#Members", "Topics"];
const PACE_MS = 5000;
let found = [];

function draw() {
  const wanted = filter.value.trim().toLowerCase();
  const shown = found.filter((each) => [each.group, each.owner, ...each.topics].some((text) => text.toLowerCase().includes(wanted)));
  const rows = shown.map((each) => [
    cell(link(`/groups/${encodeURIComponent(each.group)}`, each.group), "name"), number(each.lag),
    each.behind_s === null ? "" : each.behind_s ? duration(each.behind_s * 1000) : "0", each.kind === "group" ? "" : lines([each.owner]),
    cell(each.state, "tight"), number(each.members), lines(each.topics)]);
  redraw(view, ...(rows.length ? [table(HEADS, rows, "Consumer groups")] : []));
  document.querySelector(".nothing").hidden = rows.length > 0;
  document.getElementById("count").textContent = `${number(shown.length)} of ${number(found.length)} groups`;
}

keepReading(async () => {
  found = (await fetched("/api/groups")).groups;
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
