// Lists the topics: size, retention, and what writes and reads them.

import { fetched, moveFocus, number, onKeys } from "./page_frame.js";
import { bytes, cell, duration, keepReading, lines, link, redraw, table } from "./operate.js";

const view = document.getElementById("view");
const filter = document.getElementById("filter");
const internal = document.getElementById("internal");
const HEADS = ["Topic", "#Records", "#Size", "#Partitions", "Retention", "Written by", "Read by"];
const PACE_MS = 10000;
let found = null;

const matches = (topic) => topic.name.toLowerCase().includes(filter.value.trim().toLowerCase()) && (internal.checked || !topic.is_internal);

function retention(topic) {
  const kept = topic.retention_ms === null ? "broker's default" : duration(topic.retention_ms);
  return topic.cleanup === "compact" ? "compacted" : topic.cleanup.includes("compact") ? `compacted, ${kept}` : kept;
}

function draw() {
  const topics = found.topics.filter(matches);
  const rows = topics.map((topic) => [
    cell(link(`/topics/${encodeURIComponent(topic.name)}`, topic.name), "name"), number(topic.records), bytes(topic.size_bytes), number(topic.partitions),
    cell(retention(topic), "tight"), lines(topic.writers), lines(topic.readers)]);
  redraw(view, ...(rows.length ? [table(HEADS, rows, "Topics")] : []));
  document.querySelector(".nothing").hidden = rows.length > 0;
  document.getElementById("count").textContent = `${number(topics.length)} of ${number(found.topics.length)} topics`;
}

keepReading(async () => {
  found = await fetched("/api/topics");
  document.getElementById("updated").textContent = `as of ${new Date(found.at * 1000).toLocaleTimeString()}`;
  draw();
  return found.problems.join("; ");
}, PACE_MS);
for (const control of [filter, internal]) control.addEventListener("input", () => found && draw());
onKeys({
  "/": () => filter.focus(),
  j: () => moveFocus([...view.querySelectorAll("td a")], 1),
  k: () => moveFocus([...view.querySelectorAll("td a")], -1),
  Escape: () => {
    filter.value = "";
    filter.blur();
    if (found) draw();
  },
});
