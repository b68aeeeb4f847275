"""`csv-schema`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bifrost.cli.options import TargetOption, settings_for
from bifrost.cli.output import Screen
from bifrost.supervisor.csv_schemas import propose


def command(
    file: Annotated[Path, typer.Argument(help="A sample, with a header.", exists=True, dir_okay=False)],
    key: Annotated[
        list[str] | None, typer.Argument(help="The columns that make up the key.", show_default=False)
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="How the file is written, such as csv.separator.char=9."),
    ] = None,
    target: TargetOption = None,
) -> None:
    """Propose the schemas of a CSV source connector for a sample file, as JSON for the connector's file."""
    pairs = [pair.partition("=") for pair in set_ or ()]
    if any(not equals for _, equals, _ in pairs):
        raise typer.BadParameter("expected KEY=VALUE", param_hint="--set")
    found = propose(settings_for(target), file.absolute(), key or (), {name: value for name, _, value in pairs})
    Screen().json(found)
