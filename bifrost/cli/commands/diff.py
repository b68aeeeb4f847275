"""`diff`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from bifrost.cli.completion import complete_declared
from bifrost.cli.options import TargetOption, settings_for
from bifrost.cli.output import Screen
from bifrost.cli.projects import plan_everything
from bifrost.cli.things import find_things
from bifrost.deployer.deploy import PlannedDeployment
from bifrost.deployer.plan.actions import Action
from bifrost.deployer.plan.dependencies import Thing, dependencies_of
from bifrost.deployer.plan.plan_text import action_line
from bifrost.deployer.plan.side_by_side import paired_lines, two_texts, unified_lines
from bifrost.redaction import secrets_of
from bifrost.settings import Settings

DIFFERENCE_FOUND = 3
NARROWEST = 120
"""Columns that two texts side by side need; a narrower terminal gets a unified diff."""


def command(
    name: Annotated[
        str, typer.Argument(help="A declared thing, or KIND:NAME, with * and ?.", autocompletion=complete_declared)
    ],
    unified: Annotated[bool, typer.Option("--unified", "-u", help="Always print a unified diff.")] = False,
    target: TargetOption = None,
) -> None:
    """Compare a declared thing with the live one. Exit code 3 if they differ, 0 if not."""
    settings, screen = settings_for(target), Screen()
    planned = plan_everything(settings, screen)
    actions = {Thing(action.resource, action.name): action for action in planned.plan.actions}
    found = find_things(name, [*dependencies_of(planned.declared).needs])
    is_narrow = unified or not screen.is_terminal or screen.width < NARROWEST
    for thing in found:
        width = None if is_narrow else screen.width
        screen.lines(_difference(thing, actions.get(thing), planned, settings, width))
    changed = [thing for thing in found if (action := actions.get(thing)) is not None and action.is_change]
    raise typer.Exit(DIFFERENCE_FOUND if changed else 0)


def _difference(
    thing: Thing, action: Action | None, planned: PlannedDeployment, settings: Settings, width: int | None
) -> Iterator[str]:
    if action is None or not action.is_change:
        note = f" ({action.reason})" if action is not None and action.reason else ""
        yield f"{thing} is as declared.{note}"
        return
    yield action_line(action).strip()
    if planned.live.is_unknown:
        return
    texts = two_texts(thing, planned.declared, planned.live, secrets_of(settings.secrets))
    lines = list(unified_lines(texts) if width is None else paired_lines(texts, width))
    if texts.live == texts.declared:
        yield "  Both texts are the same: the difference is in the state, or in a secret, which is not shown."
        return
    yield from lines
