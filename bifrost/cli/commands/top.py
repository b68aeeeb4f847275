"""`top`."""

from __future__ import annotations

import shutil
import time
from typing import Annotated

import typer

from bifrost.alerts import read_alerts
from bifrost.cli.options import JsonOption, TargetOption, settings_for
from bifrost.cli.output import Screen
from bifrost.clients.http import SystemClock
from bifrost.deployer.live.state import open_platform
from bifrost.operations.activity import PartActivity, activity_between, read_sample
from bifrost.operations.group_owners import read_owners
from bifrost.operations.live_things import service_names

FRAME_LINES = 7
"""Lines around the rows of the live table."""


def command(
    once: Annotated[bool, typer.Option("--once", help="Print one table and end, also on a terminal.")] = False,
    interval: Annotated[float, typer.Option(min=0.5, help="Seconds between two samples.")] = 2.0,
    as_json: JsonOption = False,
    target: TargetOption = None,
) -> None:
    """Show what each part reads and writes per second, and how far it is behind, until interrupted."""
    settings, screen = settings_for(target), Screen(as_json=as_json)
    alerts = read_alerts(settings.project / "alerts", lambda error: screen.warn(str(error)))
    services, clock = service_names(settings), SystemClock()
    with open_platform(settings) as platform:
        before = read_sample(platform, read_owners(platform, alerts, services), clock.monotonic())
        while True:
            try:
                clock.sleep(interval)
            except KeyboardInterrupt:
                return
            after = read_sample(platform, read_owners(platform, alerts, services), clock.monotonic())
            parts = activity_between(before, after)
            if as_json:
                screen.json({"target": settings.target, "parts": [_as_json(part) for part in parts]})
                return
            if screen.is_terminal and not once:
                screen.clear()
                screen.say(f"{time.strftime('%H:%M:%S')}  records per second over {interval:g} s; Ctrl-C ends")
                # A table that scrolls would hide its busiest parts.
                parts = parts[: max(3, shutil.get_terminal_size().lines - FRAME_LINES)]
            _show(screen, parts)
            if once or not screen.is_terminal:
                return
            before = after


def _show(screen: Screen, parts: tuple[PartActivity, ...]) -> None:
    rows = [
        [
            part.name,
            part.state,
            _rate(part.read_per_s),
            _rate(part.written_per_s),
            "" if part.lag is None else str(part.lag),
        ]
        for part in parts
    ]
    screen.table(["part", "state", "read/s", "written/s", "lag"], rows)


def _rate(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _as_json(part: PartActivity) -> dict[str, object]:
    kind, _, name = part.name.partition(" ")
    return {
        "kind": kind,
        "name": name,
        "state": part.state or None,
        "read_per_s": part.read_per_s,
        "written_per_s": part.written_per_s,
        "lag": part.lag,
    }
