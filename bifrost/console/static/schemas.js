// Lists the subjects of the schema registry.

import { fetched, moveFocus, number, onKeys } from "./page_frame.js";
import { cell, keepReading, link, redraw, table } from "./operate.js";

const view = document.getElementById("view");
const filter = document.getElementById("filter");
const PACE_MS = 15000;
let found = [];

function draw() {
  const shown = found.filter((each) => each.subject.toLowerCase().includes(filter.value.trim().toLowerCase()));
  const rows = shown.map((each) => [cell(link(`/schemas/${encodeURIComponent(each.subject)}`, each.subject, 70), "name"), each.type, number(each.version), number(each.id)]);
  redraw(view, ...(rows.length ? [table(["Subject", "Type", "#Newest version", "#Id"], rows, "Subjects")] : []));
  document.querySelector(".nothing").hidden = rows.length > 0;
  document.getElementById("count").textContent = `${number(shown.length)} of ${number(found.length)} subjects`;
}

keepReading(async () => {
  found = (await fetched("/api/schemas")).subjects;
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
