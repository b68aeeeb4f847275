"""`graph`."""

from __future__ import annotations

from typing import Annotated

import typer

from bifrost.cli.completion import complete_declared
from bifrost.cli.options import TargetOption, settings_for
from bifrost.cli.output import Screen
from bifrost.cli.things import find_things
from bifrost.deployer.deploy import load_declarations
from bifrost.deployer.plan.flow_text import dot_lines, flow_json, mermaid_lines, tree_lines
from bifrost.deployer.plan.record_flow import record_flow
from bifrost.deployer.targets import for_target, substitutions

FORMATS = ("text", "mermaid", "dot", "json")


def command(
    name: Annotated[
        str | None,
        typer.Argument(
            help="A thing, or KIND:NAME; with all that feeds it and reads it.",
            show_default=False,
            autocompletion=complete_declared,
        ),
    ] = None,
    form: Annotated[str, typer.Option("--format", help="text, mermaid, dot or json.")] = "text",
    target: TargetOption = None,
) -> None:
    """Show where records go, from source connectors to sinks, dashboards and services."""
    if form not in FORMATS:
        raise typer.BadParameter(f"{form!r} is not one of {', '.join(FORMATS)}", param_hint="--format")
    settings, screen = settings_for(target), Screen(as_json=form == "json")
    flow = record_flow(for_target(load_declarations(settings), substitutions(settings)))
    if name is not None:
        flow = flow.around(find_things(name, flow.feeds))
    match form:
        case "json":
            screen.json(flow_json(flow))
        case "mermaid":
            screen.lines(mermaid_lines(flow))
        case "dot":
            screen.lines(dot_lines(flow))
        case _:
            screen.lines(tree_lines(flow))
