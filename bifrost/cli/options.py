"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from bifrost import settings as configuration
from bifrost.deployer.plan.losses import AllowedLosses, parse_allowed
from bifrost.errors import SettingError
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
PipelinesArgument = Annotated[
    list[str] | None, typer.Argument(help="Pipelines, with all that they need; by default all.", show_default=False)
]
PruneOption = Annotated[bool, typer.Option("--prune", help="Remove what is not declared (topics are never removed).")]


def settings_for(target: str | None) -> Settings:
    """The settings of this command."""
    found = configuration.load()
    return found.with_values(BIFROST_TARGET=target) if target else found


def require_embedded(settings: Settings, command: str) -> None:
    """Refuse a command that concerns the processes of the embedded platform.

    Raises:
        typer.BadParameter: the target is another one.
    """
    if settings.target != "embedded":
        raise typer.BadParameter(f"{command} works on the embedded target only, not on {settings.target}")


AllowOption = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        metavar="FLAG[:NAME,...]",
        help="Accept a kind of loss that `plan` shows, of all things or of these.",
        show_default=False,
    ),
]


def allowed_losses(words: list[str] | None) -> AllowedLosses:
    """What `--allow` accepts.

    Raises:
        typer.BadParameter: a word is not one of the known ones.
    """
    try:
        return parse_allowed(words or ())
    except SettingError as error:
        raise typer.BadParameter(str(error)) from error
