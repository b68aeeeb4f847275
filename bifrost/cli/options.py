"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from bifrost import settings as configuration
from bifrost.cli.environment import SELECTED
from bifrost.settings import TARGETS, Settings


def _known_target(value: str | None) -> str | None:
    if value is not None and value not in TARGETS:
        raise typer.BadParameter(f"{value!r} is not one of {', '.join(TARGETS)}")
    return value


TargetOption = Annotated[
    str | None,
    typer.Option(
        "--target",
        help="embedded, compose or remote; by default BIFROST_TARGET, else embedded.",
        callback=_known_target,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON; progress goes to stderr.")]


def settings_for(target: str | None) -> Settings:
    """The settings of this command."""
    found = configuration.load(environment=SELECTED.get())
    return found.with_values(BIFROST_TARGET=target) if target else found


def refuse_remote(settings: Settings, command: str) -> None:
    """Refuse what concerns the platforms that `up` starts.

    Raises:
        typer.BadParameter: the target is `remote`.
    """
    if settings.target == "remote":
        raise typer.BadParameter(f"{command} works on the embedded and compose targets only, not on remote")


def require_embedded(settings: Settings, command: str) -> None:
    """Refuse a command that concerns the processes of the embedded platform.

    Raises:
        typer.BadParameter: the target is another one.
    """
    if settings.target != "embedded":
        raise typer.BadParameter(f"{command} works on the embedded target only, not on {settings.target}")
