// The text of statements: its parts, the statement at a place, and what may complete a word.

const PART = /(--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|('(?:[^']|'')*(?:'|$))|(`(?:[^`]|``)*(?:`|$))|([A-Za-z_][\w@]*)|(;)|([^A-Za-z_'`;\-/]+|[\s\S])/g;
const KINDS = ["comment", "string", "quoted", "word", "end", "other"];
const BEFORE_SOURCE = new Set(["FROM", "JOIN", "INTO", "DESCRIBE", "STREAM", "TABLE", "EXISTS"]);
const ORDER = ["stream", "table", "function", "type", "query", "topic", "keyword"];
const MAX_SHOWN = 40;

export function* parts(text) {
  for (const found of text.matchAll(PART)) {
    const at = found.slice(1).findIndex((group) => group !== undefined);
    yield { kind: KINDS[at], text: found[0], start: found.index };
  }
}

// The statement around an offset; a place behind the `;` on its line belongs to it.
export function statementAt(text, offset) {
  let start = 0;
  const found = [];
  for (const part of parts(text)) {
    if (part.kind !== "end") continue;
    found.push([start, part.start + 1]);
    start = part.start + 1;
  }
  if (text.slice(start).trim()) found.push([start, text.length]);
  let hit = found.findIndex(([, end]) => offset <= end);
  const isBehind = hit > 0 && /^[^\S\n]*$/.test(text.slice(found[hit][0], offset)) && !/^\S/.test(text.slice(offset));
  if (isBehind) hit -= 1;
  const [from, to] = found[hit] || found.at(-1) || [0, 0];
  const blank = text.slice(from, to).match(/^\s*/)[0].length;
  return { start: from + blank, text: text.slice(from + blank, to) };
}

// The offset of a line and a column, both from 1. The server counts characters, a browser UTF-16 units.
export function offsetOf(text, line, column) {
  const lines = text.split("\n");
  if (line > lines.length) return text.length;
  const before = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  return before + [...lines[line - 1]].slice(0, column - 1).join("").length;
}

export function wordAt(text, offset) {
  return text.slice(offset).match(/^[\w`'"]+/)?.[0] || text.slice(offset, offset + 1);
}

// The text with its keywords, strings and comments marked, and the place of an error underlined.
export function highlighted(text, keywords, wrong) {
  const content = document.createDocumentFragment();
  for (const part of parts(text)) {
    const isKeyword = part.kind === "word" && keywords.has(part.text.toUpperCase());
    const kind = isKeyword ? "keyword" : part.kind;
    for (const [piece, isWrong] of pieces(part, wrong)) {
      const node = document.createElement(isWrong ? "mark" : "span");
      node.className = kind;
      node.textContent = piece;
      content.append(kind === "word" && !isWrong ? document.createTextNode(piece) : node);
    }
  }
  // A last line without text has a height only with a sign on it.
  content.append("\n");
  return content;
}

function pieces(part, wrong) {
  const [from, to] = wrong ? [wrong.start - part.start, wrong.end - part.start] : [0, 0];
  const [first, last] = [Math.max(0, from), Math.min(part.text.length, to)];
  if (!wrong || first >= last) return [[part.text, false]];
  return [[part.text.slice(0, first), false], [part.text.slice(first, last), true], [part.text.slice(last), false]].filter(([piece]) => piece);
}

const plain = (name) => name.replace(/^[`']|[`']$/g, "").toUpperCase();

// Names of streams and tables by the alias that the text gives them.
function aliases(text) {
  const found = new Map();
  for (const [, name, alias] of text.matchAll(/\b(?:FROM|JOIN)\s+(`[^`]+`|\w+)(?:\s+(?:AS\s+)?(?!ON\b|WHERE\b|EMIT\b|GROUP\b|WINDOW\b|JOIN\b|LEFT\b|INNER\b|FULL\b|WITHIN\b|PARTITION\b|LIMIT\b)(\w+))?/gi)) {
    found.set(plain(name), plain(name));
    if (alias) found.set(plain(alias), plain(name));
  }
  return found;
}

// What may stand in place of the word before the cursor: live names first, best first.
export function completions(text, offset, names) {
  const before = text.slice(0, offset);
  const [, owner, word] = before.match(/(?:(`[^`]+`|\w+)\.)?(`?[\w@-]*)$/);
  const { text: statement } = statementAt(text, offset);
  const sources = aliases(statement);
  const begins = plain(word);
  if (owner) {
    const wanted = sources.get(plain(owner)) || plain(owner);
    const columns = names.filter((name) => name.kind === "column" && plain(name.of) === wanted && plain(name.text).startsWith(begins));
    return { word, found: unique(columns) };
  }
  const previous = before.slice(0, before.length - word.length).match(/(\w+)\s+$/)?.[1]?.toUpperCase();
  const used = new Set(sources.values());
  const rank = (name) => {
    if (name.kind === "column") return used.has(plain(name.of)) ? 0 : ORDER.length + 1;
    const at = ORDER.indexOf(name.kind);
    return at < 2 && BEFORE_SOURCE.has(previous) ? -1 : at + 1;
  };
  const fitting = names.filter((name) => plain(name.text).startsWith(begins) && !(word.startsWith("`") && name.kind === "keyword"));
  const sorted = fitting.map((name) => [rank(name), name]).sort(([one, a], [other, b]) => one - other || a.text.localeCompare(b.text));
  return { word, found: unique(sorted.map(([, name]) => name)) };
}

function unique(names) {
  const seen = new Set();
  const isNew = (name) => !seen.has(name.text) && seen.add(name.text);
  return names.filter(isNew).slice(0, MAX_SHOWN);
}

// A keyword in the case of what was typed; a function with its parenthesis.
export function inserted(name, word) {
  if (name.kind === "function") return `${name.text}(`;
  const isLower = word && word === word.toLowerCase();
  return name.kind === "keyword" && isLower ? name.text.toLowerCase() : name.text;
}
