"""`plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bifrost.cli.options import JsonOption, TargetOption, settings_for
from bifrost.cli.output import Screen
from bifrost.cli.plan_arguments import (
    DeleteTopicOption,
    FromOption,
    KeepTopicOption,
    OnlyOption,
    PipelinesArgument,
    PruneOption,
    RepeatAlertsOption,
    SkipOption,
    plan_options,
)
from bifrost.cli.projects import read_declarations, warn_of
from bifrost.clients.http import SystemClock
from bifrost.deployer.checks.connect_validate import refuse_connector_problems
from bifrost.deployer.deploy import plan_deployment
from bifrost.deployer.live.state import open_platform
from bifrost.deployer.plan.plan_text import plan_json, plan_lines
from bifrost.deployer.plan.saved_plan import PlanScope, save_plan
from bifrost.deployer.targets import substitutions

CHANGES_PLANNED = 3
"""The exit code of `plan` when there is something to do."""


def command(
    pipelines: PipelinesArgument = None,
    prune: PruneOption = False,
    only: OnlyOption = None,
    skip: SkipOption = None,
    read_from: FromOption = None,
    keep_topic: KeepTopicOption = False,
    delete_topic: DeleteTopicOption = False,
    repeat_alerts: RepeatAlertsOption = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="Also write the plan to a file, which `up --plan` carries out.")
    ] = None,
    as_json: JsonOption = False,
    target: TargetOption = None,
) -> None:
    """Show what `up` would do. Exit code 3 if there is anything to do, 0 if not."""
    options = plan_options(
        prune=prune,
        only=only,
        skip=skip,
        read_from=read_from,
        keep_topic=keep_topic,
        delete_topic=delete_topic,
        repeat_alerts=repeat_alerts,
    )
    settings, screen = settings_for(target), Screen(as_json=as_json)
    declarations = read_declarations(settings, pipelines or ())
    with open_platform(settings) as platform, screen.working("comparing with what runs"):
        planned, problems = plan_deployment(
            platform, declarations, substitutions(settings), SystemClock(), options=options, on_wait=screen.progress
        )
    plan = planned.plan
    if as_json:
        screen.json(plan_json(plan, settings.target))
    else:
        screen.lines(plan_lines(plan))
    warn_of(problems, screen)
    refuse_connector_problems(problems)
    if out is not None:
        scope = PlanScope(settings.target, settings.environment, tuple(pipelines or ()), options)
        save_plan(out, scope, plan, planned.declared, planned.live)
        screen.note(f"The plan is in {out}; `up --plan {out}` carries it out.")
    raise typer.Exit(CHANGES_PLANNED if plan.changes else 0)
