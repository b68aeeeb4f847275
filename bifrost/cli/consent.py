"""Asks a person on a terminal before something changes, and refuses elsewhere without `--yes`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from bifrost.cli.losses import ANSWER
from bifrost.cli.output import Screen
from bifrost.errors import OperationRefused

DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what would happen, and change nothing.")]
ConfirmedOption = Annotated[
    bool, typer.Option("--yes", "-y", help="Do not ask; needed where no person can answer.", show_default=False)
]


def require_consent(announced: Iterable[str], screen: Screen, *, yes: bool) -> None:
    """Return if `--yes` is given, or a person on a terminal accepts what is announced.

    Raises:
        OperationRefused: it was not accepted; nothing was changed.
    """
    if yes:
        return
    if not screen.can_ask:
        lines = "\n  ".join(announced)
        raise OperationRefused(
            f"nothing was changed; add --yes to accept this, or --dry-run to see it only:\n  {lines}"
        )
    for line in announced:
        screen.note(line)
    if screen.ask(f"Type {ANSWER!r} to continue:").lower() != ANSWER:
        raise OperationRefused("nothing was changed: it was not confirmed")
