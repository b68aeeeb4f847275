"""A fault of a running platform, and what breaks and repairs it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from benchmarks.own_platform import OwnPlatform

Step = Callable[[], object]


class Expected(Enum):
    """What must happen to a fault."""

    REPORTED = "reported"
    HEALED = "healed before it counts"
    REPORTED_LATER = "reported when it is over"


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to break one thing.

    `subject` is the kind and name of the event (`connector a`), `watched` the connector, service or component that must
    run again. `command` is what the docs tell people to run when the cause is gone but the thing cannot continue.
    """

    lane: str
    name: str
    subject: str
    watched: str
    break_it: Step
    repair: Step
    expected: Expected = Expected.REPORTED
    command: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The fault in a table."""
        return f"{self.lane}: {self.name}"


def stopped(platform: OwnPlatform, lane: str, component: str) -> Fault:
    """A person stops a component that others need."""
    supervisor = platform.supervisor
    return Fault(
        lane,
        "stopped",
        f"component {component}",
        component,
        lambda: supervisor.stop(component),
        lambda: supervisor.start(component, wait_s=60),
    )


def suspended(platform: OwnPlatform, lane: str, component: str, subject: str) -> Fault:
    """A component hangs: it is suspended, with its children."""
    return Fault(
        lane,
        "hangs",
        subject,
        component,
        lambda: signal_component(platform, component, signal.SIGSTOP),
        lambda: signal_component(platform, component, signal.SIGCONT),
    )


def killed(platform: OwnPlatform, lane: str, component: str, kind: str) -> Fault:
    """A component is killed once; the supervisor starts it again before it counts as failed."""
    return Fault(
        lane,
        "killed",
        f"{kind} {component}",
        component,
        lambda: signal_component(platform, component, signal.SIGKILL),
        lambda: None,
        Expected.HEALED,
    )


def signal_component(platform: OwnPlatform, component: str, number: signal.Signals) -> None:
    """Send a signal to the process group of a component; nothing if it has ended."""
    pid = platform.supervisor.component(component).pid
    if pid is not None:
        try:
            os.killpg(pid, number)
        except ProcessLookupError:
            return
