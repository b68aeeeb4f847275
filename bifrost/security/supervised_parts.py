"""The parts of the running platform, which a rotation restarts through the supervisor."""

from __future__ import annotations

from pathlib import Path

from bifrost.clients.supervisor import UP, SupervisorClient
from bifrost.errors import ComponentError

READY_S = 300.0
RETRIES = 2
"""A part may fail to start for a reason that passes, such as a port that another program has for a moment."""


class SupervisedParts:
    """Restarts the components of one home."""

    def __init__(self, client: SupervisorClient) -> None:
        self._client = client

    def running(self) -> tuple[str, ...]:
        """The components that run or are starting, in starting order; others read the current files when they start.

        Raises:
            Unreachable: the platform does not run any more.
        """
        return tuple(status.name for status in self._client.status() if status.state in (*UP, "starting"))

    def restart(self, name: str) -> None:
        """Restart a component and wait until it is ready; one that does not start is started again.

        Raises:
            ComponentError: it did not become ready.
            NotReady: it is still starting after 5 minutes.
        """
        status = self._client.restart(name, wait_s=READY_S)
        for _ in range(RETRIES):
            if not status.is_up:
                status = self._client.restart(name, wait_s=READY_S)
        if not status.is_up:
            problem = f"{status.cause or f'is {status.state}'}; `secure rotate` continues the rotation from here"
            raise ComponentError(name, problem, log=Path(status.log))
