"""What the Tab key offers for names. It never fails: a shell has no place for an error."""

from __future__ import annotations

import time
from contextlib import suppress

import typer

from bifrost.cli.options import settings_for
from bifrost.errors import BifrostError

PATIENCE_S = 0.5


def complete_live(context: typer.Context, incomplete: str) -> list[str]:
    """The names of what runs that begin like this."""
    # The Tab key is the only use of these imports, which cost more than a command's help.
    from bifrost.deployer.live.state import open_platform
    from bifrost.operations.known_names import live_names

    with suppress(BifrostError):
        settings = settings_for(context.params.get("target"))
        names = live_names(settings, lambda found: open_platform(found, patience_s=PATIENCE_S), time.time())
        return _beginning(names, incomplete)
    return []


def complete_declared(context: typer.Context, incomplete: str) -> list[str]:
    """The names of what is declared that begin like this."""
    from bifrost.operations.known_names import declared_names

    with suppress(BifrostError):
        return _beginning(declared_names(settings_for(context.params.get("target")), time.time()), incomplete)
    return []


def _beginning(names: tuple[str, ...], incomplete: str) -> list[str]:
    lower = incomplete.lower()
    return [name for name in names if name.lower().startswith(lower)]
