"""`describe`."""

from __future__ import annotations

from typing import Annotated

import typer

from bifrost.cli.completion import complete_declared
from bifrost.cli.options import TargetOption, settings_for
from bifrost.cli.output import Screen
from bifrost.cli.projects import plan_everything
from bifrost.cli.thing_report import report_lines
from bifrost.cli.things import find_things
from bifrost.clients import kafka
from bifrost.deployer.plan.dependencies import dependencies_of
from bifrost.redaction import redact_text, secrets_of


def command(
    name: Annotated[
        str, typer.Argument(help="A declared thing, or KIND:NAME, with * and ?.", autocompletion=complete_declared)
    ],
    target: TargetOption = None,
) -> None:
    """Show one declared thing: its file, its plan, its live state and lag, and what feeds and reads it."""
    settings, screen = settings_for(target), Screen()
    planned = plan_everything(settings, screen)
    secrets = secrets_of(settings.secrets)
    admin = kafka.admin(settings)
    for thing in find_things(name, [*dependencies_of(planned.declared).needs]):
        for line in report_lines(thing, planned, admin, settings.project):
            screen.say(redact_text(line, secrets))
