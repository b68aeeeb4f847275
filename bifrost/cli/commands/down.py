"""`down`."""

from __future__ import annotations

from typing import Annotated

import typer

from bifrost.cli.options import TargetOption, require_embedded, settings_for
from bifrost.cli.output import Screen
from bifrost.supervisor import stop


def command(
    purge: Annotated[
        bool, typer.Option("--purge", help="Remove data and logs too; keep downloads and the environment.")
    ] = False,
    target: TargetOption = None,
) -> None:
    """Stop the embedded platform and keep its data."""
    settings, screen = settings_for(target), Screen()
    require_embedded(settings, "down")
    with screen.working("stopping the platform"):
        stopped = stop.stop_platform(settings, progress=screen.progress)
    screen.say("Stopped." if stopped else "Nothing was running.")
    if purge:
        stop.purge(settings)
        screen.say("Data and logs are removed.")
