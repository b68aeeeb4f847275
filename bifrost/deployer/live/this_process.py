"""Who deploys from this process, and whether another process on this machine still runs."""

from __future__ import annotations

import getpass
import os
import socket
import time
from datetime import UTC, datetime
from pathlib import Path

from bifrost.clients.http import SystemClock
from bifrost.deployer.live.lock_claims import Deployer


def this_deployer(command: str) -> Deployer:
    """This process."""
    pid = os.getpid()
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return Deployer(_user(), socket.gethostname(), pid, now, command, _place(), start_of(pid))


def runs(deployer: Deployer) -> bool | None:
    """Whether a deployer's process still runs; `None` if it is on another machine, or the system does not say."""
    if not deployer.place or not deployer.started or deployer.place != _place():
        return None
    return start_of(deployer.pid) == deployer.started


class BootClock(SystemClock):
    """A clock that also counts while the machine is suspended, where the system can."""

    def monotonic(self) -> float:
        """Seconds since a fixed moment."""
        return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in containers
        return str(os.getuid())


def _place() -> str:
    """The machine since its last start, and the name space of its process ids, which containers have separately."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def start_of(pid: int) -> str:
    """When a process started, in ticks since the machine started; empty if it does not run."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The program's name comes second, in parentheses, and may itself contain spaces and parentheses.
    state, *fields = text.rpartition(")")[2].split()
    return "" if state in "ZX" else fields[18]
