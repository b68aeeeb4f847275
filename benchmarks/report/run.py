"""Runs one program of the report to its end, or to its deadline."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.report.entry import Aim, Entry, Size
from benchmarks.report.machine import commit
from bifrost.settings import PROJECT

GRACE_S = 180.0
"""A program that is ended has so long to stop its platform and to delete its data."""
_REASON_CHARACTERS = 200
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True)
class Run:
    """One program's run.

    Attributes:
        load: the machine's load average when it began; above about half of the cores, figures are too low.
        exit_code: `None` if it was ended after its deadline, or did not start.
        obstacle: why it did not start.
    """

    entry: Entry
    size: Size
    output: str
    seconds: float
    load: float
    exit_code: int | None
    commit: str = ""
    date: str = ""
    obstacle: str = ""

    @property
    def problem(self) -> str:
        """Why it failed, or empty: its exit code, its deadline, or a figure that its output does not have."""
        if self.obstacle:
            return self.obstacle
        if self.exit_code is None:
            return f"ended after its deadline of {self.entry.deadline_s(self.size) / 60:.0f} minutes"
        if self.exit_code:
            return f"exit code {self.exit_code}: {last_line(self.output)}"
        missing = [aim.what for aim, figure in self.results() if figure is None]
        return f"its output has no figure for: {', '.join(missing)}" if missing else ""

    def results(self) -> Iterator[tuple[Aim, float | None]]:
        """Each aim with the figure that is farthest from it."""
        return ((aim, aim.worst(self.output)) for aim in self.entry.aims)


def not_started(entry: Entry, size: Size, obstacle: str) -> Run:
    """A run that failed before it began."""
    return Run(entry, size, "", 0.0, os.getloadavg()[0], None, commit(), _today(), obstacle)


def run_one(
    entry: Entry,
    size: Size,
    environment: Mapping[str, str],
    output: Path,
    *,
    deadline_s: float | None = None,
    grace_s: float = GRACE_S,
) -> Run:
    """Run a program; its output goes to a file while it runs.

    The process and all that it started and left behind in its group are killed in the end. If this process is
    interrupted, so is the program.
    """
    load, begin = os.getloadavg()[0], time.monotonic()
    limit_s = entry.deadline_s(size) if deadline_s is None else deadline_s
    with output.open("wb") as out:
        process = subprocess.Popen(
            (sys.executable, "-u", "-m", *entry.command(size)),
            cwd=PROJECT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        code: int | None = None
        try:
            code = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            pass  # a run without an exit code has missed its deadline
        finally:
            end(process, grace_s)
    return Run(entry, size, read_output(output), time.monotonic() - begin, load, code, commit(), _today())


def end(process: subprocess.Popen[bytes], grace_s: float) -> None:
    """Ask a process to end, and kill its group after a time."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(grace_s)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def read_output(file: Path) -> str:
    """The text that a program printed, without the colours of a terminal."""
    return _COLOUR.sub("", file.read_text(encoding="utf-8", errors="replace"))


def last_line(output: str) -> str:
    """The last line of an output that says something, shortened."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1][:_REASON_CHARACTERS] if lines else "no output"


def _today() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d")
