"""`demo`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Annotated

import typer

from bifrost.cli.options import TargetOption, settings_for
from bifrost.operations.action_log import account_name, action_log_of
from bifrost.settings import Settings

Generate = Callable[[Sequence[str], Settings], int]
GENERATORS: Mapping[str, tuple[str, str]] = {
    "ratings": ("bifrost.generators.ratings", "main"),
    "patterns": ("bifrost.generators.patterns", "main"),
    "wifi": ("capture.program", "demo"),
    "logons": ("bifrost.generators.logons", "main"),
    "syslog": ("bifrost.generators.syslog", "main"),
    "orders": ("bifrost.generators.orders", "main"),
}
"""Module and function that generate a pipeline's records; imported when needed, since some import a lot."""


def command(
    pipeline: Annotated[str, typer.Argument(help=f"The pipeline: {', '.join(GENERATORS)}.")] = "ratings",
    rate: Annotated[float, typer.Option(help="Records per second.", min=0.001)] = 2.0,
    count: Annotated[int, typer.Option(help="Number of records; 0 continues until interrupted.", min=0)] = 0,
    target: TargetOption = None,
) -> None:
    """Generate records for a pipeline, in the foreground."""
    if pipeline not in GENERATORS:
        raise typer.BadParameter(f"no generator for {pipeline!r}; known are {', '.join(GENERATORS)}")
    module, name = GENERATORS[pipeline]
    generate: Generate = getattr(import_module(module), name)
    settings = settings_for(target)
    line = f"Generate {count or 'any number of'} records, {rate:g} per second."
    with action_log_of(settings).logged(account_name(), "demo", f"pipeline {pipeline}", (line,)) as result:
        code = generate(["--rate", str(rate), "--count", str(count)], settings)
        if code:
            raise typer.Exit(code)
        result.text = "It has ended."
