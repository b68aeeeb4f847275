"""What `plan` and `up` have in common: the project's declarations, and warnings about its connectors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import typer

from bifrost.cli.output import Screen
from bifrost.deployer.checks.connect_validate import ConnectorProblem
from bifrost.deployer.deploy import ProjectDeclarations, load_declarations
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


def warn_of(problems: Iterable[ConnectorProblem], screen: Screen) -> None:
    """Show those problems that are no errors."""
    for problem in problems:
        if not problem.is_error:
            screen.warn(f"{problem.connector.name}: {problem.text}")
