// Draws a part of the graph: every node right of what it reads, and the edges between them.

import { clock, el, number, rate } from "./page_frame.js";

const [WIDTH, HEIGHT, GAP_X, GAP_Y] = [180, 64, 26, 12];

// The text under the name of a node: why it is broken, else its state, rate and lag.
export function caption(node) {
  if (node.error) return node.error;
  const moving = node.rate ? rate(node.rate) : "";
  if (node.kind === "topic") return node.state === "missing" ? "does not exist" : joined(`${number(node.records)} records`, moving);
  if (node.behind_since) return `behind since ${clock(node.behind_since)} · lag ${number(node.lag)}`;
  return joined(node.state || (node.kind === "service" ? "consumer group" : ""), moving, node.lag ? `lag ${number(node.lag)}` : "");
}

const joined = (...words) => words.filter(Boolean).join(" · ");

function ranks(ids, inside) {
  const rank = new Map(ids.map((id) => [id, 0]));
  for (let round = 0, moved = true; moved && round < ids.length; round++) {
    moved = false;
    for (const [from, to] of inside) {
      if (rank.get(to) > rank.get(from) || rank.get(from) + 1 >= ids.length) continue;
      rank.set(to, rank.get(from) + 1);
      moved = true;
    }
  }
  // A node without inputs stands directly before its first reader, not at the far left.
  for (const id of ids) {
    const readers = inside.flatMap(([from, to]) => (from === id ? [rank.get(to)] : []));
    if (readers.length && !inside.some(([, to]) => to === id)) rank.set(id, Math.max(0, Math.min(...readers) - 1));
  }
  return rank;
}

// Sort each column so that nodes are near those they are connected to.
function sortColumns(columns, inside) {
  const at = new Map();
  const order = (column) => column.forEach((id, index) => at.set(id, index - (column.length - 1) / 2));
  const middle = (id) => {
    const near = inside.flatMap(([from, to]) => (from === id ? [at.get(to)] : to === id ? [at.get(from)] : []));
    return near.length ? near.reduce((sum, y) => sum + y, 0) / near.length : at.get(id);
  };
  columns.forEach(order);
  for (let round = 0; round < 6; round++) {
    for (const column of round % 2 ? [...columns].reverse() : columns) {
      const weights = new Map(column.map((id) => [id, middle(id)]));
      column.sort((one, other) => weights.get(one) - weights.get(other));
      order(column);
    }
  }
}

function placed(ids, inside) {
  const rank = ranks(ids, inside);
  const columns = [];
  for (const id of ids) (columns[rank.get(id)] ||= []).push(id);
  const filled = columns.filter(Boolean);
  sortColumns(filled, inside);
  const tallest = Math.max(...filled.map((column) => column.length));
  const place = new Map();
  filled.forEach((column, x) => column.forEach((id, index) => place.set(id, {
    x: x * (WIDTH + GAP_X),
    y: (index + (tallest - column.length) / 2) * (HEIGHT + GAP_Y),
  })));
  return { place, width: filled.length * (WIDTH + GAP_X) - GAP_X, height: tallest * (HEIGHT + GAP_Y) - GAP_Y };
}

function svg(tag, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

// Allow a line break after each part of a long name.
function title(name) {
  const shown = el("b");
  for (const part of name.split(/(?<=[_.-])/)) shown.append(part, document.createElement("wbr"));
  return shown;
}

function box(node, { x, y }) {
  const button = el("button", `node ${node.kind} ${node.health}`);
  button.type = "button";
  button.style.left = `${x}px`;
  button.style.top = `${y}px`;
  button.dataset.id = node.id;
  button.title = `${node.kind} ${node.name}${node.error ? `: ${node.error}` : ""}`;
  button.append(title(node.name), el("span", "", caption(node)));
  return button;
}

function edge(from, to, source, target) {
  const [x1, y1, x2, y2] = [from.x + WIDTH, from.y + HEIGHT / 2, to.x, to.y + HEIGHT / 2];
  const bend = Math.max(20, Math.abs(x2 - x1) / 2);
  const topic = source.kind === "topic" ? source : target;
  const kind = source.health === "bad" || target.health === "bad" ? "bad" : topic.rate > 0 ? "moving" : "";
  return svg("path", { class: kind, d: `M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}` });
}

// The nodes of `ids` and the edges among them.
export function flow(ids, edges, byId) {
  const inside = edges.filter(([from, to]) => ids.includes(from) && ids.includes(to));
  const { place, width, height } = placed(ids, inside);
  const canvas = el("div", "canvas");
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const lines = svg("svg", { width, height, "aria-hidden": "true" });
  for (const [from, to] of inside) lines.append(edge(place.get(from), place.get(to), byId.get(from), byId.get(to)));
  // In reading order, so that Tab moves from left to right.
  const inOrder = [...ids].sort((one, other) => place.get(one).x - place.get(other).x || place.get(one).y - place.get(other).y);
  canvas.append(lines, ...inOrder.map((id) => box(byId.get(id), place.get(id))));
  return canvas;
}
