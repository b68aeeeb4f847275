// Lists the consumer groups with their lags.

import { fetched, number } from "./page_frame.js";
import { cell, duration, lines, link, listPage } from "./operate.js";

listPage({
  heads: ["Group", "#Lag", "#Behind", "Read by", "State", "#Members", "Topics"],
  caption: "Consumer groups",
  things: "groups",
  paceMs: 5000,
  words: (each) => [each.group, each.owner, ...each.topics],
  row: (each) => [
    cell(link(`/groups/${encodeURIComponent(each.group)}`, each.group), "name"), number(each.lag),
    each.behind_s === null ? "" : each.behind_s ? duration(each.behind_s * 1000) : "0", each.kind === "group" ? "" : lines([each.owner]),
    cell(each.state, "tight"), number(each.members), lines(each.topics)],
  read: async () => {
    const found = await fetched("/api/groups");
    return { items: found.groups, problem: found.problems.join("; ") };
  },
});
