"""Java's regular expressions translated to Python's syntax."""

from __future__ import annotations

import re
from functools import lru_cache

from bifrost.engine.functions.library import FunctionError

_CLASSES = {
    "Lower": "a-z",
    "Upper": "A-Z",
    "ASCII": "\\x00-\\x7F",
    "Alpha": "a-zA-Z",
    "Digit": "0-9",
    "Alnum": "a-zA-Z0-9",
    "Punct": re.escape("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
    "Graph": "\\x21-\\x7E",
    "Print": "\\x20-\\x7E",
    "Blank": " \\t",
    "Cntrl": "\\x00-\\x1F\\x7F",
    "XDigit": "0-9a-fA-F",
    "Space": " \\t\\n\\x0B\\f\\r",
    "N": "0-9",
    "Nd": "0-9",
    "L": "a-zA-Z\\u00AA\\u00B5\\u00BA\\u00C0-\\u00D6\\u00D8-\\u00F6\\u00F8-\\u02C1\\u0370-\\u1FFF\\u3040-\\uD7FF",
    "Lu": "A-Z\\u00C0-\\u00D6\\u00D8-\\u00DE\\u0391-\\u03A9\\u0410-\\u042F",
    "Ll": "a-z\\u00DF-\\u00F6\\u00F8-\\u00FF\\u03B1-\\u03C9\\u0430-\\u044F",
}
_CLASSES |= {"IsAlphabetic": _CLASSES["L"], "IsDigit": "0-9", "javaUpperCase": _CLASSES["Lu"]}
_CLASSES |= {"IsLetter": _CLASSES["L"], "javaLowerCase": _CLASSES["Ll"], "P": _CLASSES["Punct"]}
_TOKEN = re.compile(
    r"\\Q(?P<quoted>.*?)(?:\\E|$)|\\(?P<property>[pP])(?:\{\^?(?P<name>\w+)\}|(?P<letter>\w))|\\.|.", re.DOTALL
)
# Python's \Z is Java's \z, the very end; Java's \Z also matches before a last line end.
_ESCAPES = {
    "\\z": "\\Z",
    "\\Z": "(?=\\n?\\Z)",
    "\\h": "[ \\t\\u00A0\\u2000-\\u200A\\u3000]",
    "\\R": "(?:\\r\\n|[\\n-\\r])",
}
_ESCAPES |= {"\\e": "\\x1B", "\\H": "[^ \\t\\u00A0\\u2000-\\u200A\\u3000]"}
_GROUP_NAME = re.compile(r"\(\?<(?![=!])")
_BACK_REFERENCE = re.compile(r"(?<!\\)((?:\\\\)*)\\k<(\w+)>")
_REPLACEMENT = re.compile(r"\\(?P<escaped>.)|\$(?P<number>\d)|\$\{(?P<name>\w+)\}|(?P<plain>[^\\$]+)", re.DOTALL)


@lru_cache(maxsize=1024)
def java_pattern(pattern: str) -> re.Pattern[str]:
    """Compile the pattern; `\\d`, `\\w`, `\\s` match ASCII characters only, as in Java.

    Raises:
        FunctionError: it is not a regular expression, or it uses syntax that Python lacks.
    """
    try:
        return re.compile(_translated(pattern), re.ASCII)
    except (re.error, OverflowError) as error:
        raise FunctionError(f"Invalid regular expression pattern: {pattern}: {error}") from error


def _translated(pattern: str) -> str:
    parts: list[str] = []
    depth = 0
    for token in _TOKEN.finditer(pattern):
        text = token[0]
        if token["quoted"] is not None:
            parts.append(re.escape(token["quoted"]))
        elif token["property"] is not None:
            parts.append(_property(token["name"] or token["letter"], token["property"] == "P", depth))
        elif text.startswith("\\"):
            # Within a class the substitutes, which contain brackets, would mean something else.
            parts.append(text if depth else _ESCAPES.get(text, text))
        else:
            depth = _class_depth(text, depth, parts)
            parts.append(text)
    joined = _GROUP_NAME.sub("(?P<", "".join(parts))
    return _BACK_REFERENCE.sub(r"\1(?P=\2)", joined)


def _class_depth(text: str, depth: int, parts: list[str]) -> int:
    if text == "[":
        return depth + 1
    # A `]` directly after the opening bracket is a member of the class.
    opened = bool(parts) and parts[-1] in ("[", "[^")
    return depth - 1 if text == "]" and depth and not opened else depth


def _property(name: str, negated: bool, depth: int) -> str:
    if name not in _CLASSES:
        raise FunctionError(f"Invalid regular expression pattern: unknown character property name {{{name}}}")
    if depth and negated:
        raise FunctionError(f"Unsupported regular expression: \\P{{{name}}} inside of a class")
    return _CLASSES[name] if depth else f"[{'^' if negated else ''}{_CLASSES[name]}]"


@lru_cache(maxsize=1024)
def java_replacement(text: str) -> str:
    """Translate a replacement text of Java (`$1`, `${name}`, `\\$`) to Python's syntax.

    Raises:
        FunctionError: a `$` or `\\` is incomplete.
    """
    parts: list[str] = []
    place = 0
    for token in _REPLACEMENT.finditer(text):
        if token.start() != place:
            break
        place = token.end()
        literal = token["escaped"] or token["plain"]
        group = token["number"] or token["name"]
        parts.append(f"\\g<{group}>" if group is not None else literal.replace("\\", "\\\\"))
    if place != len(text):
        raise FunctionError(f"Illegal group reference in replacement: {text}")
    return "".join(parts)
