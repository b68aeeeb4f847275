"""Regular expression functions."""

from __future__ import annotations

import re

from bifrost.engine.functions.java.regex import java_pattern, java_replacement
from bifrost.engine.functions.library import FunctionError, Library

LIBRARY = Library("REGULAR EXPRESSION")


@LIBRARY.scalar(
    "REGEXP_EXTRACT",
    "pattern STRING, input STRING -> STRING",
    "pattern STRING, input STRING, group INTEGER -> STRING",
    description="Returns the first match of a pattern, or of a group of it.",
)
def extract(pattern: str, value: str, group: int = 0) -> str | None:
    """Return the first match; null if there is none, or no such group."""
    compiled = java_pattern(pattern)
    found = compiled.search(value) if 0 <= group <= compiled.groups else None
    return found[group] if found is not None else None


@LIBRARY.scalar(
    "REGEXP_EXTRACT_ALL",
    "pattern STRING, input STRING -> ARRAY<STRING>",
    "pattern STRING, input STRING, group INTEGER -> ARRAY<STRING>",
    description="Returns all matches of a pattern, or of a group of it.",
)
def extract_all(pattern: str, value: str, group: int = 0) -> list[str | None] | None:
    """Return all matches in order; null if the pattern has no such group."""
    compiled = java_pattern(pattern)
    if not 0 <= group <= compiled.groups:
        return None
    return [found[group] for found in compiled.finditer(value)]


@LIBRARY.scalar(
    "REGEXP_REPLACE",
    "str STRING, regexp STRING, newStr STRING -> STRING",
    description="Replaces every match of a pattern by a text.",
)
def replace(value: str, pattern: str, new: str) -> str:
    """Replace every match; `$1` in the new text refers to a group."""
    try:
        return java_pattern(pattern).sub(java_replacement(new), value)
    except (IndexError, re.error) as error:
        raise FunctionError(f"Invalid group reference in replacement: {new}") from error


@LIBRARY.scalar(
    "REGEXP_SPLIT_TO_ARRAY",
    "string STRING, regexp STRING -> ARRAY<STRING>",
    description="Splits a text at every match of a pattern; an empty one splits it into its characters.",
)
def split_to_array(value: str, pattern: str) -> list[str]:
    """Return the parts between the matches."""
    # Both match before each character, so the text falls into its characters.
    if pattern in ("", "()"):
        return list(value) or [""]
    compiled = java_pattern(pattern)
    if compiled.fullmatch(""):
        raise FunctionError(f"The pattern may not match the empty string: {pattern}")
    parts: list[str] = []
    place = 0
    for found in compiled.finditer(value):
        parts.append(value[place : found.start()])
        place = found.end()
    return [*parts, value[place:]]
