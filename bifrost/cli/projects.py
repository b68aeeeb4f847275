"""What commands that plan have in common: the project's declarations, its plan, and warnings about its connectors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import typer

from bifrost.cli.output import Screen
from bifrost.clients.http import SystemClock
from bifrost.deployer.checks.connect_validate import ConnectorProblem
from bifrost.deployer.deploy import PlannedDeployment, ProjectDeclarations, load_declarations, plan_deployment
from bifrost.deployer.live.state import open_platform
from bifrost.deployer.plan.options import PlanOptions
from bifrost.deployer.targets import substitutions
from bifrost.errors import SettingError
from bifrost.settings import Settings


def read_declarations(settings: Settings, pipelines: Sequence[str]) -> ProjectDeclarations:
    """Everything declared, and the part that belongs to `pipelines`.

    Raises:
        DeclarationError: a file is wrong.
        typer.BadParameter: a name is not that of a pipeline.
    """
    everything = load_declarations(settings)
    try:
        return ProjectDeclarations(everything, everything.select(pipelines))
    except SettingError as error:
        raise typer.BadParameter(str(error)) from error


def plan_everything(settings: Settings, screen: Screen) -> PlannedDeployment:
    """Plan everything declared, with no choices of a person.

    Raises:
        DeclarationError: a file is wrong.
        Unreachable, NotReady: a part of the target does not answer while others do.
    """
    declarations = read_declarations(settings, ())
    with open_platform(settings) as platform, screen.working("comparing with what runs"):
        planned, _ = plan_deployment(
            platform,
            declarations,
            substitutions(settings),
            SystemClock(),
            options=PlanOptions(),
            on_wait=screen.progress,
        )
    return planned


def warn_of(problems: Iterable[ConnectorProblem], screen: Screen) -> None:
    """Show those problems that are no errors."""
    for problem in problems:
        if not problem.is_error:
            screen.warn(f"{problem.connector.name}: {problem.text}")
