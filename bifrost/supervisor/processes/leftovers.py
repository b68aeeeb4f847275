"""Kills what a killed supervisor left behind: processes that carry this home's mark in their environment."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from bifrost.supervisor.processes.child_process import COMPONENT_VARIABLE

KILL_TIMEOUT_S = 10.0
_PROC = Path("/proc")


def leftover_pids(home: Path, *, proc: Path = _PROC) -> list[int]:
    """The pids of processes started as components of this home. The mark distinguishes them from reused pids."""
    wanted = f"{COMPONENT_VARIABLE}={home}::".encode()
    return [pid for pid in _pids(proc) if pid != os.getpid() and _has_variable(proc / str(pid), wanted)]


def kill_leftovers(home: Path) -> list[int]:
    """Kill the leftovers of a home, wait until they have ended, and return their pids."""
    found = leftover_pids(home)
    for pid in found:
        _kill(pid)
    end = time.monotonic() + KILL_TIMEOUT_S
    while time.monotonic() < end and leftover_pids(home):
        time.sleep(0.05)
    return found


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _pids(proc: Path) -> Iterator[int]:
    return (int(entry.name) for entry in proc.iterdir() if entry.name.isdigit())


def _has_variable(process: Path, start: bytes) -> bool:
    try:
        variables = (process / "environ").read_bytes().split(b"\0")
    except OSError:  # ended, or owned by another user
        return False
    return any(variable.startswith(start) for variable in variables)
