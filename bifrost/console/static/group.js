// Shows one consumer group: lag by partition, members, and a form that moves where it reads next.

import { el, fetched, number } from "./page_frame.js";
import { act, cell, duration, keepReading, lines, link, redraw, table } from "./operate.js";

const group = document.body.dataset.name;
const fields = Object.fromEntries(["topic", "to", "time", "offsets"].map((id) => [id, document.getElementById(id)]));
const PACE_MS = 4000;

function show(found) {
  const behind = found.behind_s ? ` · ${duration(found.behind_s * 1000)} behind` : "";
  document.getElementById("facts").textContent = `${found.kind === "group" ? "" : `${found.owner} · `}${found.state} · lag ${number(found.lag)}${behind}`;
  document.getElementById("reset").hidden = found.kind === "query";
  document.getElementById("why").hidden = found.kind !== "query";
  const known = [...fields.topic.options].slice(1).map((option) => option.value);
  if (known.join() !== found.topics.join()) fields.topic.replaceChildren(fields.topic.options[0], ...found.topics.map((topic) => new Option(topic, topic)));
  const rows = found.partitions.map((part) => [
    cell(link(`/topics/${encodeURIComponent(part.topic)}?from=offset&offset=${part.committed}&partition=${part.partition}`, part.topic), "name"), String(part.partition),
    number(part.lag), part.behind_s === null ? "" : part.behind_s ? duration(part.behind_s * 1000) : "0", number(part.committed), number(part.end)]);
  redraw(document.getElementById("partitions"), table(["Topic", "#Partition", "#Lag", "#Behind", "#Next to read", "#End"], rows, "Partitions"));
  const members = found.member_list.map((member) => [cell(member.client_id, "mono"), cell(member.host, "mono"), lines(member.partitions)]);
  redraw(document.getElementById("members"), members.length ? table(["Client", "Host", "Partitions"], members, "Members") : el("p", "note", "No member reads as this group now."));
}

function position() {
  switch (fields.to.value) {
    case "time": return fields.time.value ? new Date(fields.time.value).toISOString() : "";
    case "offsets": return fields.offsets.value.trim();
    default: return fields.to.value;
  }
}

fields.to.addEventListener("change", () => {
  document.getElementById("time-field").hidden = fields.to.value !== "time";
  document.getElementById("offsets-field").hidden = fields.to.value !== "offsets";
});
document.getElementById("reset").addEventListener("submit", async (event) => {
  event.preventDefault();
  const topics = fields.topic.value && fields.to.value !== "offsets" ? [fields.topic.value] : [];
  if (await act({ action: "offsets.reset", name: `group:${group}`, to: position(), topics }, "Reset")) again();
});
const again = keepReading(async () => {
  const found = await fetched(`/api/groups/${encodeURIComponent(group)}`);
  show(found);
  return found.problems.join("; ");
}, PACE_MS);
