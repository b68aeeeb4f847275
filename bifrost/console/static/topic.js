// Browses the records of one topic: pages, filters, details, and a live tail. The query is in the page's address.

import { el, fetched, number, onKeys, showProblem, showState } from "./page_frame.js";
import { indented } from "./json_text.js";
import { asJson, button, bytes, cell, copier, fill, moment, pretty, rowKeys, table, terms } from "./operate.js";

const topic = document.body.dataset.name;
const api = `/api/topics/${encodeURIComponent(topic)}`;
const view = document.getElementById("view");
const nothing = document.querySelector(".nothing");
const outcome = document.getElementById("outcome");
const details = document.getElementById("details");
const live = document.getElementById("live");
const [previous, next] = [document.getElementById("previous"), document.getElementById("next")];
const fields = Object.fromEntries(["from", "time", "offset", "partition", "filter", "form", "limit"].map((id) => [id, document.getElementById(id)]));
const HEADS = ["Time", "#Part.", "#Offset", "Key", "Value"];
const MOST_LIVE = 500;
let cursors = [""]; // of the pages up to the one shown
let following = "";
let events = null;
let newestRequest = 0;

function showFields() {
  document.getElementById("time-field").hidden = fields.from.value !== "time";
  document.getElementById("offset-field").hidden = fields.from.value !== "offset";
}

function query() {
  const wanted = new URLSearchParams();
  const from = fields.from.value;
  if (/^\d+[mhd]$/.test(from)) {
    wanted.set("from", "time");
    wanted.set("at", from);
  } else {
    wanted.set("from", from);
    if (from === "time" && fields.time.value) wanted.set("at", new Date(fields.time.value).toISOString());
    if (from === "offset") wanted.set("at", fields.offset.value || "0");
  }
  if (fields.partition.value) wanted.set("partition", fields.partition.value);
  if (fields.filter.value.trim()) wanted.set("filter", fields.filter.value.trim());
  wanted.set("as", fields.form.value);
  wanted.set("limit", fields.limit.value);
  return wanted;
}

function remember() {
  const address = new URL(window.location);
  address.search = "";
  for (const [name, field] of Object.entries(fields)) if (field.value && !field.closest("label").hidden) address.searchParams.set(name, field.value);
  window.history.replaceState(null, "", address);
}

function restore() {
  const given = new URL(window.location).searchParams;
  for (const [name, field] of Object.entries(fields)) {
    if (!given.has(name)) continue;
    if (name === "partition") field.append(new Option(given.get(name), given.get(name)));
    field.value = given.get(name);
    if (!field.value && field.options) field.selectedIndex = 0;
  }
  showFields();
}

function short(value) {
  const text = value.text.length > 300 ? value.text.slice(0, 300) : value.text;
  return el("span", value.format === "null" ? "null" : "", value.format === "null" ? "null" : text);
}

function opener(record) {
  const found = button(number(record.offset), "open", () => show(record));
  found.dataset.id = `${record.partition}@${record.offset}`;
  found.setAttribute("aria-label", `Details of ${topic}-${record.partition}@${record.offset}`);
  return found;
}

const row = (record) => [
  cell(moment(record.time_ms), "tight time"), String(record.partition), opener(record),
  cell(short(record.key), "text narrow"), cell(short(record.value), "text")];

function part(name, value) {
  const head = el("h3");
  head.append(name, el("span", "tag", value.format), el("span", "tag", bytes(value.size)), copier(value.text, name.toLowerCase()));
  const box = [head];
  if (value.problem) box.push(el("p", "cause", value.problem));
  box.push(el("pre", "", pretty(value)));
  if (value.is_cut) box.push(el("p", "note", "The text is longer than what is shown."));
  return box;
}

// Texts, not objects: objects would round numbers beyond 53 bits.
function wholeRecord(record) {
  const place = { topic, partition: record.partition, offset: record.offset, time: record.time_ms >= 0 ? new Date(record.time_ms).toISOString() : null };
  const headers = record.headers.map(([name, value]) => `[${JSON.stringify(name)},${asJson(value)}]`).join(",");
  return indented(`${JSON.stringify(place).slice(0, -1)},"headers":[${headers}],"key":${asJson(record.key)},"value":${asJson(record.value)}}`);
}

async function show(listed) {
  let record = listed;
  const isCut = [listed.key, listed.value, ...listed.headers.map(([, value]) => value)].some((value) => value.is_cut);
  const isForced = fields.form.value !== "auto";
  document.getElementById("details-title").textContent = `${topic}-${listed.partition}@${listed.offset}`;
  if (isCut && !isForced) {
    record = await fetched(`${api}/record?partition=${listed.partition}&offset=${listed.offset}`).catch(() => listed);
  }
  const body = document.getElementById("details-body");
  const copyAll = copier(wholeRecord(record), "the record as JSON");
  copyAll.textContent = "Copy";
  body.replaceChildren(
    terms([["time", moment(record.time_ms)], ["partition", String(record.partition)], ["offset", number(record.offset)]]),
    Object.assign(el("p", "actions"), {}), ...part("Key", record.key), ...part("Value", record.value));
  body.querySelector(".actions").append(el("span", "soft", "Whole record as JSON"), copyAll);
  body.append(el("h3", "", `Headers (${record.headers.length})`));
  if (record.headers.length) {
    body.append(table(["Name", "Value", "Format"], record.headers.map(([name, value]) => [cell(name, "mono"), cell(value.text, "mono"), value.format]), "Headers"));
  }
  details.showModal();
}

function draw(records) {
  view.replaceChildren(...(records.length ? [table(HEADS, records.map(row), `Records of ${topic}`)] : []));
  nothing.hidden = records.length > 0;
}

function showPartitions(partitions) {
  const total = partitions.reduce((sum, each) => sum + each.next - each.first, 0);
  if (!fields.partition.value) {
    document.getElementById("facts").textContent = `${number(partitions.length)} partition${partitions.length === 1 ? "" : "s"} · ${number(total)} records`;
    const selected = fields.partition.value;
    fields.partition.replaceChildren(new Option("all", ""), ...partitions.map((each) => new Option(`${each.partition} (${number(each.first)}–${number(each.next)})`, each.partition)));
    fields.partition.value = selected;
  }
}

async function read() {
  stop();
  remember();
  const request = ++newestRequest;
  const wanted = query();
  const cursor = cursors[cursors.length - 1];
  if (cursor) wanted.set("cursor", cursor);
  outcome.textContent = "Reading";
  try {
    const found = await fetched(`${api}/browse?${wanted}`);
    if (request !== newestRequest) return;
    showProblem("");
    showState("on", "live");
    showPartitions(found.partitions);
    draw(found.records);
    following = found.cursor;
    outcome.textContent = `Page ${cursors.length}: ${number(found.records.length)} records` + (fields.filter.value.trim() ? ` of ${number(found.scanned)} read` : "")
      + (found.complete ? "" : ". The limit of one request was reached; Next reads on.");
    nothing.textContent = found.complete ? (fields.filter.value.trim() ? "No record matches." : "No records.") : "Nothing matches so far; Next reads on.";
  } catch (error) {
    if (request !== newestRequest) return;
    outcome.textContent = "";
    following = "";
    showProblem(error.message);
    showState("off", "not read");
  }
  previous.disabled = cursors.length < 2;
  next.disabled = !following;
}

function stop() {
  if (!events) return;
  events.close();
  events = null;
  live.setAttribute("aria-pressed", "false");
  live.textContent = "Follow live";
}

function add(records) {
  if (!records.length) return;
  if (!view.firstElementChild) draw([]);
  if (!view.firstElementChild) view.replaceChildren(table(HEADS, [], `Records of ${topic}`));
  nothing.hidden = true;
  const body = view.querySelector("tbody");
  for (const record of records) {
    const tr = body.insertRow(0);
    fill(tr, HEADS, row(record));
    tr.className = "fresh";
  }
  while (body.rows.length > MOST_LIVE) body.deleteRow(-1);
}

function follow() {
  stop();
  remember();
  newestRequest += 1;
  draw([]);
  nothing.textContent = "Waiting for records.";
  [previous.disabled, next.disabled] = [true, true];
  cursors = [""];
  const wanted = query();
  wanted.delete("from");
  wanted.delete("at");
  events = new EventSource(`${api}/live?${wanted}`);
  live.setAttribute("aria-pressed", "true");
  live.textContent = "Stop";
  outcome.textContent = "Connecting";
  events.onerror = () => {
    showState("off", "not connected");
    if (events.readyState !== EventSource.CLOSED) return;
    stop();
    outcome.textContent = "";
    showProblem(`${topic} cannot be followed: it does not exist, or too many pages follow topics. Read shows more.`);
  };
  events.addEventListener("records", (event) => {
    const update = JSON.parse(event.data);
    showState("on", "live");
    showProblem("");
    outcome.textContent = `Following: ${number(update.seen)} new records` + (update.skipped ? `, ${number(update.skipped)} skipped because they come too fast` : "");
    add(update.records);
  });
  events.addEventListener("ended", (event) => {
    stop();
    outcome.textContent = `Ended: ${JSON.parse(event.data).reason}.`;
  });
}

document.getElementById("query").addEventListener("submit", (event) => {
  event.preventDefault();
  cursors = [""];
  read();
});
fields.from.addEventListener("change", showFields);
for (const name of ["partition", "form", "limit"]) fields[name].addEventListener("change", () => {
  cursors = [""];
  if (events) follow();
  else read();
});
live.addEventListener("click", () => {
  if (!events) return follow();
  stop();
  outcome.textContent = "Stopped.";
});
next.addEventListener("click", () => {
  if (next.disabled) return;
  cursors.push(following);
  read();
});
previous.addEventListener("click", () => {
  if (previous.disabled) return;
  cursors.pop();
  read();
});
onKeys({
  "/": () => fields.filter.focus(),
  n: () => next.click(),
  p: () => previous.click(),
  l: () => live.click(),
  ...rowKeys(view, "button.open"),
  Escape: () => document.activeElement.blur(),
});
restore();
read();
