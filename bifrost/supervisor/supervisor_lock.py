"""The lock that a supervisor holds as long as its process lives, also before its control socket exists."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from bifrost.clients.supervisor import SupervisorClient
from bifrost.errors import ComponentError
from bifrost.settings import Settings
from bifrost.supervisor.install.maven import Progress
from bifrost.supervisor.processes.component_logs import log_path

ANSWER_S = 180.0
_POLL_S = 0.1


def is_supervised(settings: Settings, client: SupervisorClient, progress: Progress) -> bool:
    """Whether a supervisor of this home runs; waits while one is starting or ending, and does not answer.

    Such a supervisor must not be taken for a dead one: its components would be killed, and a second one started.

    Raises:
        ComponentError: it neither answers nor ends.
    """
    end = time.monotonic() + ANSWER_S
    is_reported = False
    while not client.is_running():
        if not _is_held(_path(settings)):
            return False
        if time.monotonic() > end:
            problem = f"it runs, but has not answered on its control socket for {ANSWER_S:.0f} s; end its process"
            raise ComponentError("supervisor", problem, log=log_path(settings, "supervisor"))
        if not is_reported:
            progress("a supervisor is starting or ending; waiting for it")
            is_reported = True
        time.sleep(_POLL_S)
    return True


@contextmanager
def lock_for_supervisor(settings: Settings) -> Iterator[TextIO]:
    """The lock as an open file, to be inherited by the supervisor that starts in the block.

    Raises:
        ComponentError: another supervisor holds it.
    """
    with _path(settings).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ComponentError("supervisor", "another one has just started; run the command again") from None
        yield file


def _is_held(path: Path) -> bool:
    with suppress(OSError), path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _path(settings: Settings) -> Path:
    return settings.run / "supervisor.lock"
