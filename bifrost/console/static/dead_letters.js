// Lists the dead-letter topics, and the files that the CSV connector rejected.

import { el, fetched, number, onKeys } from "./page_frame.js";
import { cell, keepReading, link, moment, redraw, rowKeys, table } from "./operate.js";

const view = document.getElementById("view");
const PACE_MS = 5000;

function draw(found) {
  const queues = found.queues.map((queue) => [
    cell(link(`/dead-letters/${encodeURIComponent(queue.topic)}`, queue.topic), "name"), queue.owner, number(queue.letters), number(queue.replayed),
    number(queue.letters - queue.replayed), cell(moment(queue.newest_ms), "tight")]);
  const content = queues.length ? [table(["Topic", "Written by", "#Letters", "#Replayed", "#Not replayed", "Newest"], queues, "Dead-letter topics")] : [];
  if (found.files.length) {
    content.push(el("h2", "", "Rejected files"), el("p", "note", `Correct a rejected file and move it to ${found.source}, where the connector reads it again.`));
    content.push(table(["File", "Cause"], found.files.map((file) => [cell(file.file, "mono"), cell(file.cause, "cause")]), "Rejected files"));
  }
  redraw(view, ...content);
  document.querySelector(".nothing").hidden = content.length > 0;
}

keepReading(async () => draw(await fetched("/api/dead-letters")), PACE_MS);
onKeys(rowKeys(view));
