// Shows a chat live and sends what the user writes. The server has escaped all HTML that arrives here.

import { fragment, localTimes, showProblem, showState } from "./page_frame.js";

const lines = document.getElementById("lines");
const chats = document.getElementById("chats");
const write = document.getElementById("write");
const text = document.getElementById("text");
const minutes = { hour: "2-digit", minute: "2-digit" };
const chat = Number(document.body.dataset.chat);

const toEnd = (behavior) => lines.scrollTo({ top: lines.scrollHeight, behavior });
const atEnd = () => lines.scrollHeight - lines.scrollTop - lines.clientHeight < 80;
let following = true;

function add(html) {
  const incoming = fragment(html);
  for (const line of incoming.children) line.classList.add("new");
  localTimes(incoming, minutes);
  lines.append(incoming);
  if (following) toEnd();
}

function showChats(html) {
  const focused = document.activeElement?.closest(".chat")?.getAttribute("href");
  chats.replaceChildren(fragment(html));
  localTimes(chats, minutes);
  if (focused) [...chats.children].find((each) => each.getAttribute("href") === focused)?.focus({ preventScroll: true });
}

function listen() {
  const events = new EventSource(`/telegram/events?chat=${chat}&since=${document.body.dataset.since}`);
  events.onopen = () => showState("on", "live");
  events.onerror = () => showState("off", "not connected");
  events.addEventListener("lines", (event) => {
    const update = JSON.parse(event.data);
    add(update.html);
    showChats(update.chats);
  });
  events.addEventListener("cleared", () => lines.replaceChildren());
}

async function send(message) {
  const body = JSON.stringify({ chat_id: chat, text: message });
  const answer = await fetch("/api/telegram/messages", {
    method: "POST", headers: { "Content-Type": "application/json" }, body,
  }).catch(() => null);
  const isSent = Boolean(answer && answer.ok);
  showProblem(isSent ? "" : answer ? (await answer.json()).error : "Not sent: the console does not answer.");
  return isSent;
}

async function submit() {
  const message = text.value;
  if (!message.trim()) return;
  text.value = "";
  following = true;
  toEnd();
  if (!(await send(message))) text.value = message;
}

write.addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    submit();
  }
});
document.querySelector(".hints").addEventListener("click", (event) => {
  const hint = event.target.closest(".chip");
  if (!hint) return;
  if (hint.dataset.open) {
    text.value = hint.textContent;
    text.focus();
  } else {
    send(hint.textContent);
  }
});
// Decide at the end of scrolling whether to follow new lines; resizing the window must not stop following.
lines.addEventListener("scrollend", () => (following = atEnd()));
new ResizeObserver(() => following && toEnd("instant")).observe(lines);
localTimes(document, minutes);
toEnd("instant");
listen();
