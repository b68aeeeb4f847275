// Shows the key figures with their rates, and the programs with what they use.

import { fetched, number } from "./page_frame.js";
import { bytes, cell, duration, keepReading, redraw, table } from "./operate.js";

const PACE_MS = 5000;
const FIGURES = ["", "Figure", "#Now", "#Per second", "Metric"];
const PROGRAMS = ["Program", "State", "#CPU", "#Memory", "#Threads", "#Runs for"];
let before = null;

// A counter that has become smaller belongs to a program that was started again.
function rate(now, earlier, seconds) {
  if (earlier === undefined || earlier === null || now === null || now < earlier || seconds <= 0) return null;
  return (now - earlier) / seconds;
}

function shown(figure) {
  return figure.name.endsWith("_bytes") ? bytes(figure.value) : number(figure.value);
}

function perSecond(value) {
  return value === null ? "" : value >= 100 || value === 0 ? number(Math.round(value)) : value.toFixed(2);
}

function draw(found, atMs) {
  const seconds = before ? (atMs - before.atMs) / 1000 : 0;
  const figures = found.figures.map((each) => {
    const earlier = before?.figures.get(`${each.group} ${each.title}`);
    return [each.group, cell(each.title, "name"), shown(each), each.is_count ? perSecond(rate(each.value, earlier, seconds)) : "", each.name];
  });
  const programs = found.programs.map((each) => {
    const cpu = each.state === "answers" ? rate(each.cpu_s, before?.cpu.get(each.name), seconds) : null;
    return [cell(each.name, "name"), cell(each.state, "tight"), cpu === null ? "" : `${(cpu * 100).toFixed(1)} %`, bytes(each.memory_bytes),
      each.threads ? number(each.threads) : "", each.started_s ? duration(atMs - each.started_s * 1000) : ""];
  });
  redraw(document.getElementById("figures"), table(FIGURES, figures, "Key figures"));
  redraw(document.getElementById("programs"), table(PROGRAMS, programs, "Programs"));
  const answering = found.programs.filter((each) => each.state === "answers").length;
  document.getElementById("count").textContent = `${number(answering)} of ${number(found.programs.length)} programs answer`;
  before = {
    atMs,
    figures: new Map(found.figures.map((each) => [`${each.group} ${each.title}`, each.value])),
    cpu: new Map(found.programs.map((each) => [each.name, each.cpu_s ?? null])),
  };
}

keepReading(async () => draw(await fetched("/api/figures"), Date.now()), PACE_MS);
