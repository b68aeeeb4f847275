// Shows the letters of one dead-letter topic with their reasons, and replays or drops them.

import { el, fetched, number, onKeys, showProblem, showState } from "./page_frame.js";
import { act, button, cell, copier, moment, named, pretty, rowKeys, table, terms } from "./operate.js";

const topic = document.body.dataset.name;
const view = document.getElementById("view");
const details = document.getElementById("details");
const [all, again, to] = [document.getElementById("all"), document.getElementById("again"), document.getElementById("to")];
const [replay, drop] = [document.getElementById("replay"), document.getElementById("drop")];
const selected = new Set();
const SHOWN = 100;
const OWN = ["__connect.errors.", "dlq."]; // headers whose values are shown as reason, origin and so on

const count = (total) => `${number(total)} letter${total === 1 ? "" : "s"}`;

function showButtons() {
  replay.textContent = selected.size ? `Replay ${count(selected.size)}` : "Replay all";
  drop.textContent = selected.size ? "Drop up to the selected" : "Drop all";
  const boxes = [...view.querySelectorAll("input[type=checkbox]")];
  all.checked = boxes.length > 0 && boxes.every((box) => box.checked);
  all.indeterminate = selected.size > 0 && !all.checked;
}

function choice(letter) {
  const box = Object.assign(el("input"), { type: "checkbox", checked: selected.has(letter.place) });
  box.dataset.place = letter.place;
  box.setAttribute("aria-label", `Select ${letter.letter}`);
  return box;
}

function opener(letter) {
  const found = button(letter.place, "open", () => show(letter));
  found.setAttribute("aria-label", `Details of ${letter.letter}`);
  return found;
}

function part(name, value) {
  const head = el("h3");
  head.append(name, el("span", "tag", value.format), copier(value.text, name.toLowerCase()));
  const box = [head];
  if (value.problem) box.push(el("p", "cause", value.problem));
  box.push(el("pre", "", pretty(value)));
  if (value.is_cut) box.push(el("p", "note", "The text is longer than what is shown; the topic's page has all of it."));
  return box;
}

function show(letter) {
  document.getElementById("details-title").textContent = letter.letter;
  const own = Object.entries(letter.headers).filter(([name]) => !OWN.some((prefix) => name.startsWith(prefix)));
  const body = document.getElementById("details-body");
  body.replaceChildren(
    terms([
      ["reason", el("span", "cause", letter.reason)], ["exception", letter.exception], ["stage", letter.stage], ["class", letter.class],
      ["connector", letter.connector], ["task", letter.task], ["from", letter.origin || "unknown: the headers do not name it"],
      ["time", moment(letter.time_ms)], ["replayed to", letter.replayed_to], ["replayed before", letter.replayed_before.join(", ")],
      ["cut", letter.truncated_bytes ? `the record had ${number(letter.truncated_bytes)} bytes` : ""]]),
    ...part("Key", letter.key), ...part("Value", letter.value));
  if (own.length) body.append(el("h3", "", "Headers"), table(["Name", "Value"], own.map(([name, value]) => [cell(name, "mono"), cell(value.text, "mono")]), "Headers"));
  const row = el("p", "actions");
  row.append(
    button("Replay this letter", "primary", () => run("dead-letters.replay", [letter.place])),
    button("Drop up to this letter", "quiet", () => run("dead-letters.drop", [letter.place])));
  body.append(row);
  details.showModal();
}

function draw(found) {
  const { queue, letters } = found;
  document.getElementById("facts").textContent = `written by ${queue.owner} · ${count(queue.letters)} · ${number(queue.replayed)} replayed`;
  document.getElementById("shown").textContent = queue.letters > letters.length ? `The newest ${number(letters.length)} are shown.` : "";
  const known = new Set(letters.map((letter) => letter.place));
  for (const place of selected) if (!known.has(place)) selected.delete(place);
  const rows = letters.map((letter) => [
    cell(choice(letter), "pick"), cell(moment(letter.time_ms), "tight time"), opener(letter), cell(letter.reason, "cause"), cell(named("span", letter.origin || "unknown"), "tight"),
    letter.replayed_to ? cell(named("span", `to ${letter.replayed_to}`), "tight") : "no"]);
  view.replaceChildren(...(rows.length ? [table(["Select", "Time", "#Letter", "Reason", "From", "Replayed"], rows, `Letters of ${topic}`)] : []));
  document.querySelector(".nothing").hidden = rows.length > 0;
  showButtons();
}

async function read() {
  try {
    draw(await fetched(`/api/dead-letters/${encodeURIComponent(topic)}?limit=${SHOWN}`));
    showProblem("");
    showState("on", "live");
  } catch (error) {
    showProblem(error.message);
    showState("off", "not read");
  }
}

async function run(action, letters) {
  if (details.open) details.close();
  const body = { action, topic, letters };
  if (action === "dead-letters.replay") Object.assign(body, { to: to.value.trim(), again: again.checked });
  if (await act(body, action === "dead-letters.replay" ? "Replay" : "Drop")) {
    selected.clear();
    read();
  }
}

view.addEventListener("change", (event) => {
  const place = event.target.dataset.place;
  if (!place) return;
  if (event.target.checked) selected.add(place);
  else selected.delete(place);
  showButtons();
});
all.addEventListener("change", () => {
  for (const box of view.querySelectorAll("input[type=checkbox]")) {
    box.checked = all.checked;
    if (all.checked) selected.add(box.dataset.place);
    else selected.delete(box.dataset.place);
  }
  showButtons();
});
document.getElementById("actions").addEventListener("submit", (event) => event.preventDefault());
replay.addEventListener("click", () => run("dead-letters.replay", [...selected]));
drop.addEventListener("click", () => run("dead-letters.drop", [...selected]));
onKeys({
  ...rowKeys(view, "button.open"),
  r: () => replay.click(),
});
read();
