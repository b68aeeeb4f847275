// Draws the server's answers: messages, facts, tables, texts, and pictures of execution plans.

import { el } from "./page_frame.js";
import { picture } from "./ksql_picture.js";

// A part that may be wider or longer than its place scrolls, also with the keyboard.
export function scrolling(className, label, content) {
  const frame = el("div", className);
  frame.tabIndex = 0;
  frame.setAttribute("role", "group");
  frame.setAttribute("aria-label", label);
  frame.append(content);
  return frame;
}

export const cellText = (value) => (value === null || value === undefined ? "null" : typeof value === "object" ? JSON.stringify(value) : String(value));

export function row(values, numeric = []) {
  const line = el("tr");
  values.forEach((value, at) => {
    const isNull = value === null || value === undefined;
    line.append(el("td", isNull ? "null" : numeric[at] ? "number" : "", cellText(value)));
  });
  return line;
}

export function table(columns, rows, numeric = []) {
  const whole = el("table");
  const head = el("tr");
  columns.forEach((name, at) => {
    const cell = el("th", numeric[at] ? "number" : "", name);
    cell.scope = "col";
    head.append(cell);
  });
  const body = el("tbody");
  body.append(...rows.map((values) => row(values, numeric)));
  const top = el("thead");
  top.append(head);
  whole.append(top, body);
  return whole;
}

function facts(rows) {
  const list = el("dl", "facts");
  for (const [label, value] of rows) list.append(el("dt", "", label), el("dd", "", value));
  return list;
}

function folded(title, content) {
  const details = el("details");
  details.append(el("summary", "", title), content);
  return details;
}

const drawing = {
  message: ({ text, level }) => [el("p", `message ${level}`, text)],
  facts: ({ rows }) => (rows.length ? [facts(rows)] : []),
  table: ({ title, columns, rows }) => (rows.length ? [scrolling("wide", title || "Answer", table(columns, rows))] : title ? [] : [el("p", "message", "Nothing is listed.")]),
  text: ({ title, text }) => (text ? [folded(title, scrolling("long", title, el("pre", "", text)))] : []),
  picture: (block) => picture(block),
};

// The elements of one block, with its title above.
export function drawn(block) {
  const content = drawing[block.kind](block);
  const isTitled = block.title && content.length && block.kind !== "text";
  const title = block.kind === "picture" ? "Execution plan" : block.title;
  return isTitled ? [el("h3", "", title), ...content] : content;
}
