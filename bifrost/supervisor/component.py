"""A supervised process as data: how to prepare, run, probe, restart and stop it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from bifrost.backoff import Backoff

RESTART_BACKOFF = Backoff()

SetupStep = Callable[[], None]
"""Work before or after the start of a process; raises `BifrostError` or `OSError` if it fails."""

Probe = Callable[[], str | None]
"""Checks a running process once: returns `None` if it is ready, otherwise what is missing."""


class Restart(Enum):
    """Whether a component that was up is started again after its process ends."""

    NEVER = "never"
    ON_FAILURE = "on failure"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Component:
    """One process of the embedded platform.

    It starts once everything in `depends_on` is up, and stops before any of that does. A dependency that starts on
    request only does not count until it is requested. Its first start waits only for `first_start_needs` if that is
    set: an empty platform has no work yet for which the other dependencies are needed.

    Without a `probe` it is up as soon as it runs. `user` is
    the account to run as, `None` for the supervisor's own. `grace_s` is how long it may take to stop before SIGKILL,
    `ready_within_s` how long it may take to become ready.
    """

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    user: str | None = None
    depends_on: tuple[str, ...] = ()
    first_start_needs: tuple[str, ...] | None = None
    prepare: SetupStep | None = None
    probe: Probe | None = None
    after_ready: SetupStep | None = None
    restart: Restart = Restart.ALWAYS
    backoff: Backoff = RESTART_BACKOFF
    stop_signal: signal.Signals = signal.SIGTERM
    grace_s: float = 20.0
    ready_within_s: float = 240.0
    with_platform: bool = True  # False: started on request only


def starting_order(components: tuple[Component, ...]) -> tuple[Component, ...]:
    """Sort components so that each follows what it depends on; unknown dependencies are ignored."""
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
