// What all pages share: the state of the connection, elements, numbers, times, and keys.

export const el = (tag, className = "", text = "") => Object.assign(document.createElement(tag), { className, textContent: text });

const format = new Intl.NumberFormat();
export const number = (value) => (value === null || value === undefined ? "" : format.format(value));
export const rate = (value) => (value === null || value === undefined ? "" : `${number(value)}/s`);

// `state` is `on`, `off` or empty; `words` describe it.
export function showState(state, words) {
  const shown = document.getElementById("state");
  document.querySelector(".live").className = `live ${state}`;
  // Screen readers announce every assignment, so only assign a change.
  if (shown.textContent !== words) shown.textContent = words;
}

export function showProblem(words) {
  const problem = document.getElementById("problem");
  problem.hidden = !words;
  problem.textContent = words;
}

export async function fetched(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The console does not answer. Retrying.");
  }
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error || answer.statusText);
  return content;
}

// The server writes times in UTC; show them in local time.
export function localTimes(root, parts = { hour: "2-digit", minute: "2-digit", second: "2-digit" }) {
  for (const time of root.querySelectorAll("time")) {
    if (!time.dateTime) continue;
    const at = new Date(time.dateTime);
    const isToday = at.toDateString() === new Date().toDateString();
    time.textContent = isToday ? at.toLocaleTimeString([], parts) : at.toLocaleString([], { month: "short", day: "numeric", ...parts });
    time.title = at.toLocaleString();
  }
}

// Seconds since the epoch as a local time, with the day unless it is today.
export function clock(seconds) {
  const at = new Date(seconds * 1000);
  const isToday = at.toDateString() === new Date().toDateString();
  return isToday ? at.toLocaleTimeString() : at.toLocaleString();
}

export function fragment(html) {
  const incoming = document.createElement("template");
  incoming.innerHTML = html; // the server has escaped it
  return incoming.content;
}

// A command to run, with a button that copies it.
export function command({ say, command: line }) {
  const hint = el("p", "command");
  const copy = el("button", "quiet", "Copy");
  copy.type = "button";
  copy.dataset.copy = line;
  copy.setAttribute("aria-label", `Copy: ${line}`);
  hint.append(el("span", "", say), el("code", "", line), copy);
  return hint;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard?.writeText(button.dataset.copy);
  button.textContent = "Copied";
  window.setTimeout(() => (button.textContent = "Copy"), 1500);
});

// On a narrow screen the links to the pages scroll; the current one must be in sight.
const here = document.querySelector(".pages [aria-current]");
if (here) here.parentElement.scrollLeft = here.offsetLeft - here.parentElement.offsetLeft - 40;

// Moves the focus by `step` among elements, first to the first one.
export function moveFocus(elements, step) {
  const at = elements.indexOf(document.activeElement);
  elements[Math.min(Math.max(at + step, 0), elements.length - 1)]?.focus();
}

// Single keys act only while no text field has the focus.
export function onKeys(actions) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const isTyping = event.target.matches("input, textarea, select");
    if (isTyping && event.key !== "Escape") return;
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action(event);
  });
}

// Who is logged in, and how to leave; a console without a login has neither.
const user = document.cookie.match(/(?:^|; )__Secure-bifrost-user=([^;]*)/)?.[1];
const who = document.querySelector(".who");
if (user && who) {
  who.hidden = false;
  who.querySelector("span").textContent = decodeURIComponent(user);
  who.querySelector("button").addEventListener("click", async () => {
    await fetch("/logout", { method: "POST", redirect: "manual" });
    location.assign("/login");
  });
}
