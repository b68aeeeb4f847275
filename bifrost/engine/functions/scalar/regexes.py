"""Functions of regular expressions."""

from __future__ import annotations

import re

from bifrost.engine.functions.java.regex import java_pattern, java_replacement
from bifrost.engine.functions.library import FunctionError, Library

LIBRARY = Library("REGULAR EXPRESSION")


@LIBRARY.scalar(
    "REGEXP_EXTRACT",
    "pattern STRING, input STRING -> STRING",
    "pattern STRING, input STRING, group INTEGER -> STRING",
    description="Gives what a pattern, or a group of it, first matches.",
)
def extract(pattern: str, value: str, group: int = 0) -> str | None:
    """The first match; null where there is none or no such group."""
    compiled = java_pattern(pattern)
    found = compiled.search(value) if 0 <= group <= compiled.groups else None
    return found[group] if found is not None else None


@LIBRARY.scalar(
    "REGEXP_EXTRACT_ALL",
    "pattern STRING, input STRING -> ARRAY<STRING>",
    "pattern STRING, input STRING, group INTEGER -> ARRAY<STRING>",
    description="Gives all that a pattern, or a group of it, matches.",
)
def extract_all(pattern: str, value: str, group: int = 0) -> list[str | None] | None:
    """All matches in order; null where there is no such group."""
    compiled = java_pattern(pattern)
    if not 0 <= group <= compiled.groups:
        return None
    return [found[group] for found in compiled.finditer(value)]


@LIBRARY.scalar(
    "REGEXP_REPLACE",
    "str STRING, regexp STRING, newStr STRING -> STRING",
    description="Puts a new text in the place of every match of a pattern.",
)
def replace(value: str, pattern: str, new: str) -> str:
    """The text with every match replaced; `$1` stands for what a group matched."""
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
    """The parts between the matches."""
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
