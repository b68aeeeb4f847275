"""`down`."""

from __future__ import annotations

from typing import Annotated

import typer

from bifrost.cli.logged_stop import stop_logged
from bifrost.cli.options import TargetOption, require_embedded, settings_for
from bifrost.cli.output import Screen


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
        stopped = stop_logged(settings, screen, "down", purge=purge)
    screen.say("Stopped." if stopped else "Nothing was running.")
    if purge:
        screen.say("Data and logs are removed.")
