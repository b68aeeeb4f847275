"""Starts worker processes as children of the server."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Callable, Sequence
from typing import Protocol

from bifrost.engine.runtime.job import TaskShare


class SpawnedWorker(Protocol):
    """A child process, as `subprocess.Popen` has it."""

    @property
    def pid(self) -> int:
        """The process id."""

    def poll(self) -> int | None:
        """Returns the exit status, or None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Waits for the end and returns the exit status; raises subprocess.TimeoutExpired."""

    def kill(self) -> None:
        """Kills it."""


Spawn = Callable[[TaskShare, socket.socket], SpawnedWorker]
"""Starts the worker of a share, whose end of the lifeline is the socket; raises OSError."""


def by_command(command: Sequence[str]) -> Spawn:
    """Returns the function that starts a worker by a command, with index, count and a file descriptor appended."""

    def spawn(share: TaskShare, lifeline: socket.socket) -> SpawnedWorker:
        descriptor = lifeline.fileno()
        full = [*command, str(share.index), str(share.count), str(descriptor)]
        return subprocess.Popen(full, stdin=subprocess.DEVNULL, pass_fds=(descriptor,))

    return spawn


def end_text(status: int) -> str:
    """Returns how a process ended, from its exit status."""
    if status >= 0:
        return f"its process has ended with exit status {status}"
    try:
        return f"its process was ended by signal {signal.Signals(-status).name}"
    except ValueError:
        return f"its process was ended by signal {-status}"
