// Shows the overall state, what the pipelines do, and the newest messages.

import { clock, el, fetched, fragment, localTimes, number, rate, showProblem, showState } from "./page_frame.js";

const messages = document.getElementById("messages");
const most = Number(document.body.dataset.newest);
const PACE_MS = 2000;
let timer = 0;
let drawn = "";

const link = (address, text, className = "") => Object.assign(el("a", className, text), { href: address });
const counted = (count, word) => `${number(count)} ${word}${count === 1 ? "" : "s"}`;

function causes(found) {
  const nodes = found.nodes.filter((node) => node.health === "bad");
  const components = found.components.filter((each) => ["failed", "backoff"].includes(each.state));
  return [
    ...nodes.map((node) => [node.name, node.error || node.state, "/pipelines"]),
    ...components.map((each) => [each.name, each.cause || each.state, "/pipelines#components"]),
    ...found.broken.map((file) => [file.file, file.cause.replace(`${file.file}: `, ""), `/pipelines?pipeline=${file.pipeline}#faults`]),
    ...found.problems.map((problem) => ["", problem, "/pipelines#components"]),
  ];
}

// The readers whose lag does not shrink, and since when.
function backlogs(found) {
  return found.nodes.filter((node) => node.behind_since && node.health !== "bad").map((node) => [
    node.name, `has not kept up since ${clock(node.behind_since)}: ${counted(node.lag, "record")} unread`, "/pipelines"]);
}

// Services are programs; an alert is a file that one of them, `alerts`, carries out; other groups belong to other programs.
function readers(nodes) {
  const of = (role) => nodes.filter((node) => node.role === role);
  const services = new Set([...of("service"), ...of("alert")].map((node) => node.detail));
  return [
    counted(services.size, "service"), of("alert").length ? counted(of("alert").length, "alert") : "",
    of("group").length ? counted(of("group").length, "other reader") : ""].filter(Boolean);
}

function showOverallState(found) {
  const problems = causes(found);
  const behind = backlogs(found);
  const isStarting = found.nodes.some((node) => node.health === "busy" && !node.behind_since);
  const overall = document.getElementById("overall");
  const words = problems.length ? `${counted(problems.length, "part")} in trouble` : behind.length ? `${counted(behind.length, "part")} behind` : isStarting ? "Starting" : found.nodes.length ? "All is well" : "Nothing is deployed yet";
  overall.className = `state ${problems.length ? "bad" : behind.length || isStarting || !found.nodes.length ? "busy" : "good"}`;
  if (overall.textContent !== words) overall.textContent = words;
  const count = (kinds) => found.nodes.filter((node) => kinds.includes(node.kind)).length;
  document.getElementById("counts").textContent = [
    counted(count(["source", "sink"]), "connector"), `${number(count(["query"]))} quer${count(["query"]) === 1 ? "y" : "ies"}`,
    ...readers(found.nodes), counted(found.topics.length, "topic"),
  ].join(" · ");
  document.getElementById("causes").replaceChildren(...[...problems, ...behind].map(([name, cause, address]) => {
    const item = el("li");
    item.append(...(name ? [link(address, name), " "] : []), cause);
    return item;
  }));
}

function pipelineCard(pipeline, found) {
  const card = el("section", "card pipeline");
  const name = el("h3", `state ${pipeline.health}`);
  name.append(link(`/pipelines?pipeline=${pipeline.name}`, pipeline.name));
  const nodes = pipeline.nodes.map((id) => found.nodes.find((node) => node.id === id));
  const kinds = nodes.map((node) => node.kind);
  const count = (...wanted) => kinds.filter((kind) => wanted.includes(kind)).length;
  const parts = [[count("source", "sink"), "connector"], [count("query"), "quer"]]
    .filter(([total]) => total).map(([total, word]) => (word === "quer" ? `${total} quer${total === 1 ? "y" : "ies"}` : counted(total, word)));
  if (count("service")) parts.push(...readers(nodes.filter((node) => node.kind === "service")));
  const links = el("p", "links");
  if (pipeline.faults) links.append(link(`/pipelines?pipeline=${pipeline.name}#faults`, counted(pipeline.faults, "fault"), "bad"));
  if (found.dashboards.includes(pipeline.name)) links.append(link(`/dashboards/${pipeline.name}`, "Dashboard"));
  const speed = el("span", "rate", pipeline.rate === null ? "" : `${rate(pipeline.rate)}${pipeline.lag ? `, lag ${number(pipeline.lag)}` : ""}`);
  card.append(name, speed, el("p", "", parts.join(" · ")), links);
  return card;
}

function showPipelines(found) {
  const cards = found.pipelines.filter((pipeline) => pipeline.name).map((pipeline) => pipelineCard(pipeline, found));
  const text = cards.map((card) => card.outerHTML).join("");
  if (text === drawn) return;
  drawn = text;
  const place = document.getElementById("pipelines");
  const focused = place.contains(document.activeElement) ? document.activeElement.getAttribute("href") : "";
  place.replaceChildren(...cards);
  if (focused) place.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

async function ask() {
  window.clearTimeout(timer);
  try {
    const found = await fetched("/api/pipelines");
    showOverallState(found);
    showPipelines(found);
    showProblem("");
    document.getElementById("updated").textContent = `as of ${new Date(found.at * 1000).toLocaleTimeString()}`;
    showState("on", "live");
  } catch (error) {
    showProblem(error.message);
    showState("off", "not connected");
  }
  if (!document.hidden) timer = window.setTimeout(ask, PACE_MS);
}

function listen() {
  const events = new EventSource(`/events?since=${document.body.dataset.since}`);
  events.addEventListener("messages", (event) => {
    const incoming = fragment(JSON.parse(event.data).html);
    for (const message of incoming.children) message.classList.add("new");
    localTimes(incoming);
    messages.prepend(incoming);
    while (messages.children.length > most) messages.lastElementChild.remove();
  });
  events.addEventListener("cleared", () => messages.replaceChildren());
}

document.addEventListener("visibilitychange", () => !document.hidden && ask());
localTimes(document);
listen();
ask();
