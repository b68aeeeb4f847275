"""Options that take a point in time."""

from __future__ import annotations

import typer

from bifrost.operations.moments import parse_moment


def moment_option(option: str, text: str, now_ms: int) -> int | None:
    """Milliseconds since the epoch of what an option names; `None` if it is empty.

    Raises:
        typer.BadParameter: it is not a point in time.
    """
    try:
        return parse_moment(text, now_ms) if text else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error
