"""Writes the text of generated functions: lines, indentation, unique names."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from contextlib import contextmanager

# CPython refuses more than 100 levels of indentation and 20 statically nested blocks of loops and try.
_INDENT = "    "


class CodeWriter:
    """Writes one function. `report` is the name of the reporter to which its code reports problems."""

    def __init__(self, header: str, report: str = "") -> None:
        self.lines = [f"def {header}:"]
        self.report = report
        self._depth = 1
        self._taken: set[str] = set()

    def line(self, text: str) -> None:
        """Adds a line at the current depth."""
        self.lines.append(_INDENT * self._depth + text)

    @contextmanager
    def block(self, opening: str) -> Iterator[None]:
        """Adds a line that opens a block and indents what follows; an empty block gets `pass`."""
        self.line(opening)
        self._depth += 1
        written = len(self.lines)
        yield
        if len(self.lines) == written:
            self.line("pass")
        self._depth -= 1

    def name(self, wanted: str) -> str:
        """Returns an unused local name that resembles the wanted one (a column's name, for example)."""
        stem = re.sub(r"[^a-z0-9]+", "_", wanted.lower()).strip("_") or "column"
        if stem[0].isdigit() or keyword.iskeyword(stem):
            stem = f"c_{stem}"
        # The underscore at the end separates locals from every global that generated code refers to.
        name, number = f"{stem}_", 1
        while name in self._taken:
            number += 1
            name = f"{stem}_{number}_"
        self._taken.add(name)
        return name

    def text(self) -> str:
        """Returns the function's source."""
        return "\n".join(self.lines) + "\n"
