"""`--env NAME`, which stands before or after a command."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Annotated

import typer

SELECTED: ContextVar[str] = ContextVar("environment", default="")
"""The environment that the command line selects; empty: that of the settings."""


def _select(name: str) -> str:
    if name:
        SELECTED.set(name)
    return name


EnvironmentOption = Annotated[
    str,
    typer.Option(
        "--env", metavar="NAME", help="Use the settings of environments/NAME.env too.", callback=_select, is_eager=True
    ),
]
