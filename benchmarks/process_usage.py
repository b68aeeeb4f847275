"""Processor time, threads, memory and open files of a process and its children, as the kernel reports them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Usage:
    """Processor time in seconds since the start, threads, resident bytes and open files of a process tree."""

    cpu_s: float
    threads: int
    resident: int
    open_files: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.cpu_s + other.cpu_s,
            self.threads + other.threads,
            self.resident + other.resident,
            self.open_files + other.open_files,
        )


def usage_of(pid: int) -> Usage:
    """The usage of a process and of its children, time of those that have ended included; zero if it has ended.

    Open files are those that this user may see.
    """
    process = _PROC / str(pid)
    try:
        fields = (process / "stat").read_text().rpartition(")")[2].split()
        children = " ".join(path.read_text() for path in (process / "task").glob("*/children")).split()
    except OSError:
        return Usage(0, 0, 0)
    own = Usage(sum(map(int, fields[11:15])) / _TICKS, int(fields[17]), int(fields[21]) * _PAGE, _open_files(process))
    return sum(map(usage_of, map(int, children)), own)


def _open_files(process: Path) -> int:
    try:
        return len(os.listdir(process / "fd"))
    except OSError:
        return 0
