"""One supervised component with its phase, process and history."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from bifrost.clients.supervisor import ComponentState
from bifrost.supervisor.component import Component


class Child(Protocol):
    """A started process."""

    @property
    def pid(self) -> int:
        """Its process id."""
        ...

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to it and its children."""
        ...

    def failure_line(self, *, last_line_only: bool = False) -> str:
        """The line of its log that best explains why it ended; with `last_line_only` the last line."""
        ...


class Phase(Enum):
    """The internal state of a component; clients see the coarser `ComponentState`."""

    STOPPED = auto()
    WAITING = auto()  # for what it depends on
    PREPARING = auto()
    PROBING = auto()
    FINISHING = auto()
    UP = auto()
    STOPPING = auto()
    BACKOFF = auto()
    FAILED = auto()


_STATES: dict[Phase, ComponentState] = {
    Phase.STOPPED: "stopped",
    Phase.WAITING: "starting",
    Phase.PREPARING: "starting",
    Phase.PROBING: "starting",
    Phase.FINISHING: "starting",
    Phase.UP: "ready",
    Phase.STOPPING: "stopping",
    Phase.BACKOFF: "backoff",
    Phase.FAILED: "failed",
}
_ALIVE = (Phase.PREPARING, Phase.PROBING, Phase.FINISHING, Phase.UP, Phase.STOPPING)


@dataclass(slots=True)
class ManagedComponent:
    """One component and its current state."""

    component: Component
    since: float
    phase: Phase = Phase.STOPPED
    child: Child | None = None
    attempt: int = 0
    restarts: int = 0
    deaths: int = 0  # in a row
    was_up: bool = False  # at least once since it was last requested
    up_at: float | None = None
    due: float | None = None  # when the phase times out: not ready, not stopped, or backed off long enough
    after_stop: Phase = Phase.STOPPED
    cause: str = ""

    @property
    def is_alive(self) -> bool:
        """Whether it has a process, or is about to start one."""
        return self.phase in _ALIVE

    @property
    def state(self) -> ComponentState:
        """The state that clients see."""
        return "running" if self.phase is Phase.UP and self.component.probe is None else _STATES[self.phase]
