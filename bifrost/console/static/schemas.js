// Lists the subjects of the schema registry.

import { fetched, number } from "./page_frame.js";
import { cell, link, listPage } from "./operate.js";

listPage({
  heads: ["Subject", "Type", "#Newest version", "#Id"],
  caption: "Subjects",
  things: "subjects",
  paceMs: 15000,
  words: (each) => [each.subject],
  row: (each) => [
    cell(link(`/schemas/${encodeURIComponent(each.subject)}`, each.subject, 70), "name"), each.type, number(each.version), number(each.id)],
  read: async () => ({ items: (await fetched("/api/schemas")).subjects }),
});
