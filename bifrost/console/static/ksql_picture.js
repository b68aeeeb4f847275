// The steps of an execution plan as a drawing, and the same as a list.

import { el } from "./page_frame.js";

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = 4;
const LONGEST = 22;

function svg(tag, attributes, text = "") {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text) node.textContent = text;
  return node;
}

const short = (text) => (text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text);

function box(step, [width, height]) {
  const group = svg("g", { class: step.kind, transform: `translate(${step.x + MARGIN} ${step.y + MARGIN})` });
  const rounded = step.kind === "source" || step.kind === "sink" ? height / 2 : 8;
  group.append(
    svg("title", {}, [`${step.word}: ${step.caption}`, ...step.columns].join("\n")),
    svg("rect", { width, height, rx: rounded }),
    svg("text", { class: "word", x: width / 2, y: 22 }, step.word),
    svg("text", { x: width / 2, y: 40 }, short(step.caption)),
  );
  return group;
}

// From the bottom of a step to the top of the one that reads it.
function arrow(from, to, [width, height]) {
  const [x1, y1] = [from.x + width / 2 + MARGIN, from.y + height + MARGIN];
  const [x2, y2] = [to.x + width / 2 + MARGIN, to.y + MARGIN];
  const middle = (y1 + y2) / 2;
  const group = svg("g", {});
  group.append(
    svg("path", { d: `M${x1},${y1} C${x1},${middle} ${x2},${middle} ${x2},${y2 - 5}` }),
    svg("path", { class: "head", d: `M${x2 - 4},${y2 - 7} h8 l-4,7 z` }),
  );
  return group;
}

function inWords(step, steps, order) {
  const item = el("li");
  const inputs = step.inputs.map((number) => `step ${order.indexOf(number) + 1}`);
  item.append(el("b", "", step.word), ` ${step.caption}${inputs.length ? `, from ${inputs.join(" and ")}` : ""}`);
  const columns = el("div", "count", step.columns.join(", "));
  item.append(columns);
  return item;
}

// The drawing and, for who cannot see it or wants the columns, the list of its steps.
export function picture({ title, width, height, size, steps, order }) {
  const names = (kind) => steps.filter((step) => step.kind === kind).map((step) => step.caption).join(" and ");
  const [sources, sink] = [names("source"), names("sink")];
  const between = order.map((number) => steps[number]).filter((step) => !["source", "sink"].includes(step.kind)).map((step) => step.word);
  const label = `Execution plan of ${title}: ${[sources, ...between, sink].filter(Boolean).join(", ")}`;
  const image = svg("svg", { width: width + 2 * MARGIN, height: height + 2 * MARGIN, role: "img", "aria-label": label });
  for (const step of steps) for (const number of step.inputs) image.append(arrow(steps[number], step, size));
  image.append(...steps.map((step) => box(step, size)));
  const frame = el("div", "drawing");
  frame.tabIndex = 0;
  frame.setAttribute("role", "group");
  frame.setAttribute("aria-label", "Execution plan");
  frame.append(image);
  const list = el("ol");
  list.append(...order.map((number) => inWords(steps[number], steps, order)));
  const details = el("details");
  details.append(el("summary", "", "Steps as text"), list);
  return [frame, details];
}
