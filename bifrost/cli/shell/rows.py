"""Rows of queries as text: aligned in columns of fixed width, so that they can be printed as they come, or vertical."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bifrost.clients.ksqldb_answers import cell

NARROWEST = 5
DEFAULT_WIDTH = 80


@dataclass(frozen=True, slots=True)
class RowLayout:
    """Columns of equal width; `wraps` breaks long values into lines, otherwise they end with `...`."""

    columns: tuple[str, ...]
    width: int
    wraps: bool = True

    def heading(self) -> Iterator[str]:
        """The names of the columns between two rules."""
        rule = "+" + "+".join("-" * self.width for _ in self.columns) + "+"
        yield rule
        yield from self.row(self.columns)
        yield rule

    def row(self, values: Sequence[Any]) -> Iterator[str]:
        """The lines of one row."""
        cells = [self._lines(cell(value)) for value in values]
        for index in range(max(map(len, cells), default=0)):
            parts = (_padded(lines[index] if index < len(lines) else "", self.width) for lines in cells)
            yield "|" + "|".join(parts) + "|"

    def _lines(self, text: str) -> list[str]:
        # A line break inside a value would break the columns.
        text = text.replace("\n", "\\n").replace("\r", "\\r").replace("\t", " ")
        if not self.wraps:
            return [text if _width(text) <= self.width else _cut(text, self.width - 3)[0] + "..."]
        lines = []
        while True:
            line, text = _cut(text, self.width)
            lines.append(line)
            if not text:
                return lines


def layout(columns: Sequence[str], screen_width: int, *, column_width: int = 0, wraps: bool = True) -> RowLayout:
    """Columns that share the width of the screen, or have the given width."""
    shared = (screen_width - len(columns) - 1) // max(1, len(columns))
    return RowLayout(tuple(columns), column_width or max(NARROWEST, shared), wraps)


def vertical(columns: Sequence[str], values: Sequence[Any], number: int) -> Iterator[str]:
    """One row as a line per column, below its number."""
    longest = max(map(len, columns), default=0)
    yield f"-[ RECORD {number} ]".ljust(longest + 20, "-")
    for name, value in zip(columns, values, strict=True):
        yield f"{name:<{longest}} | {cell(value)}"


def _cut(text: str, width: int) -> tuple[str, str]:
    """The part of a text that fits, and the rest; at least one character, so that this comes to an end."""
    used = 0
    for index, sign in enumerate(text):
        used += _width(sign)
        if used > width and index:
            return text[:index], text[index:]
    return text, ""


def _padded(text: str, width: int) -> str:
    return text + " " * max(0, width - _width(text))


def _width(text: str) -> int:
    """The columns that a text takes on a terminal: East Asian signs and emoji take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text
    )
