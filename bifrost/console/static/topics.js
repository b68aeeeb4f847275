// Lists the topics: size, retention, and what writes and reads them.

import { fetched, number } from "./page_frame.js";
import { bytes, cell, duration, lines, link, listPage } from "./operate.js";

const internal = document.getElementById("internal");

function retention(topic) {
  const retention = topic.retention_ms === null ? "broker's default" : duration(topic.retention_ms);
  return topic.cleanup === "compact" ? "compacted" : topic.cleanup.includes("compact") ? `compacted, ${retention}` : retention;
}

listPage({
  heads: ["Topic", "#Records", "#Size", "#Partitions", "Retention", "Written by", "Read by"],
  caption: "Topics",
  things: "topics",
  paceMs: 10000,
  controls: [internal],
  isShown: (topic) => internal.checked || !topic.is_internal,
  words: (topic) => [topic.name],
  row: (topic) => [
    cell(link(`/topics/${encodeURIComponent(topic.name)}`, topic.name), "name"), number(topic.records), bytes(topic.size_bytes), number(topic.partitions),
    cell(retention(topic), "tight"), lines(topic.writers), lines(topic.readers)],
  read: async () => {
    const found = await fetched("/api/topics");
    document.getElementById("updated").textContent = `as of ${new Date(found.at * 1000).toLocaleTimeString()}`;
    return { items: found.topics, problem: found.problems.join("; ") };
  },
});
