"""What a supervised process is: how it is prepared, run, found ready, restarted and stopped."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from bifrost.backoff import Backoff

RESTART_BACKOFF = Backoff()

SetupStep = Callable[[], None]
"""Work before or after the start; raises `BifrostError` or `OSError` when it cannot be done."""

Probe = Callable[[], str | None]
"""One look at a running process: `None` when it is ready, otherwise what is missing."""


class Restart(Enum):
    """What follows the death of a component that has been up."""

    NEVER = "never"
    ON_FAILURE = "on failure"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Component:
    """One process of the embedded platform.

    It is started when everything in `depends_on` is up, but for what is started on command and was not, and stopped
    before any of that is. Without a `probe` it counts as up as soon as it runs. `user` is the account to run as,
    `None` for the supervisor's own.
    """

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    user: str | None = None
    depends_on: tuple[str, ...] = ()
    prepare: SetupStep | None = None
    probe: Probe | None = None
    after_ready: SetupStep | None = None
    restart: Restart = Restart.ALWAYS
    backoff: Backoff = RESTART_BACKOFF
    stop_signal: signal.Signals = signal.SIGTERM
    grace_s: float = 20.0
    ready_within_s: float = 120.0
    with_platform: bool = True  # False: started on command only


def starting_order(components: tuple[Component, ...]) -> tuple[Component, ...]:
    """The components with every one behind what it depends on; dependencies that are not there do not count."""
    by_name = {component.name: component for component in components}
    ordered: dict[str, Component] = {}

    def visit(component: Component) -> None:
        for name in component.depends_on:
            if name in by_name and name not in ordered:
                visit(by_name[name])
        ordered[component.name] = component

    for component in components:
        if component.name not in ordered:
            visit(component)
    return tuple(ordered.values())
