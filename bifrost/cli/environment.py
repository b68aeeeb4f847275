"""What a command line is called, and `--env NAME`, which stands before or after a command."""

from __future__ import annotations

import sys
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated

import typer

SELECTED: ContextVar[str] = ContextVar("environment", default="")
"""The environment that the command line selects; empty: that of the settings."""


def _select(context: typer.Context, name: str) -> str:
    if name:
        before = SELECTED.set(name)
        # The selection ends with the command line, even if the program runs another one after it.
        context.find_root().call_on_close(lambda: SELECTED.reset(before))
    return name


EnvironmentOption = Annotated[
    str,
    typer.Option(
        "--env", metavar="NAME", help="Use the settings of environments/NAME.env too.", callback=_select, is_eager=True
    ),
]


def program_name() -> str:
    """How the command was started: the installed script, or `scripts/deploy.py`, which runs `python -m bifrost.cli`."""
    name = Path(sys.argv[0]).name
    return "bifrost" if name == "bifrost" else "deploy.py"
