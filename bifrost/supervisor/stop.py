"""Stops the embedded platform from another process: the basis of `down`.

It imports none of the components, so that `down` begins quickly.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from bifrost.clients.supervisor import STOP_TIMEOUT_S, ComponentStatus, SupervisorClient
from bifrost.errors import ComponentError
from bifrost.settings import Settings
from bifrost.supervisor.install.maven import Progress
from bifrost.supervisor.ports import write_ports
from bifrost.supervisor.processes.leftovers import kill_leftovers, leftover_pids
from bifrost.supervisor.supervisor_lock import is_supervised


def stop_platform(settings: Settings, *, progress: Progress, before: Callable[[], None] = lambda: None) -> bool:
    """Stop the platform, dependents first, and kill what a killed supervisor left behind; return whether anything ran.

    Args:
        before: is called before anything is stopped or killed, and only if there is something to stop.

    Raises:
        NotReady: it does not stop in time.
        ComponentError: the home cannot be written, or a supervisor neither answers nor ends.
    """
    client = SupervisorClient(settings, timeout_s=STOP_TIMEOUT_S, on_wait=progress)
    if is_supervised(settings, client, progress):
        before()
        progress("stopping the platform")
        client.shutdown(on_status=_StopProgress(progress))
        return True
    if leftover_pids(settings.home):
        before()
    with naming_the_home(settings):
        left = kill_leftovers(settings.home)
        settings.endpoints_file.unlink(missing_ok=True)
    if left:
        progress(f"killed {len(left)} processes that a killed supervisor left behind")
    return bool(left)


class _StopProgress:
    """Reports which components have stopped and which are still stopping, whenever that changes."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._left: frozenset[str] | None = None

    def __call__(self, statuses: Sequence[ComponentStatus]) -> None:
        left = frozenset(status.name for status in statuses if status.state not in ("stopped", "failed", "backoff"))
        stopping = ", ".join(status.name for status in statuses if status.state == "stopping")
        if self._left is not None and self._left != left:
            stopped = ", ".join(status.name for status in statuses if status.name in self._left - left)
            if stopped:
                self._progress(f"stopped {stopped}{f'; waiting for {stopping}' if stopping else ''}")
        elif self._left is None and stopping:
            self._progress(f"waiting for {stopping}")
        self._left = left


def purge(settings: Settings) -> None:
    """Delete what the stopped platform stored: data, logs, run files. Downloads and certificates are kept.

    A platform that was secured stays secured.

    Raises:
        ComponentError: the platform is running.
    """
    if is_supervised(settings, SupervisorClient(settings), lambda _line: None):
        raise ComponentError("platform", "is running; stop it before deleting its data (down --purge)")
    was_secured = settings.is_secured
    for folder in (settings.data, settings.logs, settings.run):
        shutil.rmtree(folder, ignore_errors=True)
    if was_secured:
        # The next platform of this home must not be open without a word.
        write_ports(settings.previous_ports_file, {}, secured=True)


@contextmanager
def naming_the_home(settings: Settings) -> Iterator[None]:
    """Turn errors of the file system into one that names the folder and the setting."""
    try:
        yield
    except OSError as error:
        raise ComponentError("platform", f"cannot use the folder {settings.home} (BIFROST_HOME): {error}") from error
