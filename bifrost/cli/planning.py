"""What `plan` does."""

from __future__ import annotations

from pathlib import Path

from bifrost.cli.output import Screen
from bifrost.cli.projects import read_declarations, warn_of
from bifrost.clients.http import SystemClock
from bifrost.deployer.checks.connect_validate import refuse_connector_problems
from bifrost.deployer.deploy import plan_deployment
from bifrost.deployer.live.state import open_platform
from bifrost.deployer.plan.actions import DeploymentPlan
from bifrost.deployer.plan.options import PlanOptions
from bifrost.deployer.plan.plan_text import plan_json, plan_lines
from bifrost.deployer.plan.saved_plan import PlanScope, save_plan
from bifrost.deployer.targets import substitutions
from bifrost.settings import Settings


def show_plan(
    settings: Settings, pipelines: tuple[str, ...], options: PlanOptions, *, out: Path | None, as_json: bool
) -> DeploymentPlan:
    """Plan the deployment of some pipelines (empty: all), show the plan, and write it to `out` if that is given.

    Raises:
        DeclarationError: a file is wrong, or Connect does not accept a connector.
        RemoteError: a part of the target does not answer.
    """
    screen = Screen(as_json=as_json)
    declarations = read_declarations(settings, pipelines)
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
        scope = PlanScope(settings.target, settings.environment, pipelines, options)
        save_plan(out, scope, plan, planned.declared, planned.live)
        screen.note(f"The plan is in {out}; `up --plan {out}` carries it out.")
    return plan
