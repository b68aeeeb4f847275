"""The terminal: results on stdout, progress and errors on stderr."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}
"""Control characters as visible text: what comes out of a topic must not steer the terminal that shows it."""
_STYLES = {"+": "green", "~": "yellow", "!": "red", "-": "red", "?": "magenta", "=": "cyan", "x": "red", ".": "cyan"}


class Screen:
    """Writes results to stdout (only JSON with `as_json`) and progress to stderr.

    On a terminal, a stage (`working`) is one line that moves while the stage lasts; elsewhere, as in a log, each
    progress is a separate line.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self._out = _console(sys.stdout)
        self._err = _console(sys.stderr)
        self._spool: Console | None = None
        self._began = time.monotonic()
        self._status = self._err.status("") if self._err.is_terminal else None
        self._stage = ""

    @property
    def seconds(self) -> float:
        """Seconds since the command began."""
        return time.monotonic() - self._began

    @property
    def is_terminal(self) -> bool:
        """Whether stdout is a terminal."""
        return self._out.is_terminal

    @property
    def width(self) -> int:
        """The columns of stdout."""
        return self._out.width

    def clear(self) -> None:
        """Clear the terminal; nothing when stdout is none."""
        self._out.clear()

    def json(self, content: Any) -> None:
        """Print a result for programs."""
        self._print(json.dumps(content, indent=2, ensure_ascii=False))

    def lines(self, lines: Iterable[str]) -> None:
        """Print result lines; the sign at the start of a plan's line decides its colour."""
        for line in lines:
            is_action = line.startswith("  ") and line[2:3] in _STYLES
            self._print(_text(line, style=_STYLES[line[2]] if is_action else ""))

    def say(self, line: str) -> None:
        """Print one result line."""
        self._print(_text(line))

    def table(self, columns: list[str], rows: list[list[str]]) -> None:
        """Print a table of results; plain columns when stdout is not a terminal."""
        if not self._out.is_terminal:
            widths = [max(len(row[index]) for row in [columns, *rows]) for index in range(len(columns))]
            for row in [columns, *rows]:
                self.say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
            return
        table = Table(*columns)
        for row in rows:
            table.add_row(*(_text(cell) for cell in row))
        self._print(table)

    def spool(self, path: Path | None) -> None:
        """Also write results to a file, from now on; `None` stops that.

        Raises:
            OSError: the file cannot be written.
        """
        if self._spool is not None:
            self._spool.file.close()
        self._spool = None if path is None else _console(path.open("w", encoding="utf-8"))

    def _print(self, content: Text | Table | str) -> None:
        for console in (self._out, self._spool):
            if console is not None:
                console.print(content, markup=False)

    def progress(self, text: str) -> None:
        """Show progress: within a stage on a terminal its moving line, else a line with the seconds since the start."""
        if self._stage and self._status is not None:
            self._status.update(Text(f"{self._stage}: {text}", style="dim", overflow="ellipsis", no_wrap=True))
        else:
            self._err.print(Text(f"[{self.seconds:5.1f} s] {text}", style="dim"))

    def note(self, text: str) -> None:
        """Print a remark that is neither a result nor progress."""
        self._err.print(_text(text, style="dim"))

    @contextmanager
    def working(self, stage: str) -> Iterator[None]:
        """Show one moving line during the block, and in the end how long it took; nothing when stderr is no terminal.

        A stage within a stage only changes the line.
        """
        if self._status is None or self._stage:
            yield
            return
        began = time.monotonic()
        self._stage = stage
        self._status.update(Text(stage, style="dim"))
        try:
            with self._status:
                yield
        finally:
            self._stage = ""
        self.progress(f"{stage}: done in {time.monotonic() - began:.1f} s")

    @property
    def can_ask(self) -> bool:
        """Whether a person can answer: stdin and stderr are a terminal, and stdout is not for a program."""
        return not self.as_json and sys.stdin.isatty() and self._err.is_terminal

    def ask(self, question: str) -> str:
        """Ask on stderr and return the typed answer; empty at the end of the input."""
        if self._status is not None and self._stage:
            self._status.stop()
        self._err.print(_text(question), end=" ")
        answer = sys.stdin.readline().strip()
        if self._status is not None and self._stage:
            self._status.start()
        return answer

    def warn(self, text: str) -> None:
        """Print a warning, which does not stop the command."""
        self._err.print(_text(f"warning: {text}", style="yellow"))

    def error(self, text: str) -> None:
        """Print why the command failed."""
        self._err.print(_text(f"error: {text}", style="red"))


def _text(line: str, style: str = "") -> Text:
    return Text(line.translate(_CONTROLS), style=style)


def _console(file: TextIO) -> Console:
    # Without `soft_wrap`, rich would break lines at the terminal's width, and programs read these lines.
    return Console(file=file, highlight=False, soft_wrap=True)


def flush() -> None:
    """Flush both streams before the process is replaced or ends."""
    sys.stdout.flush()
    sys.stderr.flush()
