"""Plans that `plan --out` wrote and `up --plan` carries out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from bifrost.deployer.plan.options import PlanOptions
from bifrost.deployer.plan.saved_plan import SavedPlan, read_plan
from bifrost.errors import PlanRefused
from bifrost.settings import Settings


def open_saved_plan(path: Path, settings: Settings, pipelines: Sequence[str], options: PlanOptions) -> SavedPlan:
    """The saved plan, if it is one for this target.

    Raises:
        typer.BadParameter: the command names pipelines or options, which a saved plan already has.
        SettingError: the file is no saved plan.
        PlanRefused: it was made for another target or environment.
    """
    if pipelines or options != PlanOptions():
        raise typer.BadParameter("--plan already has the pipelines and options that the plan was made with")
    saved = read_plan(path)
    for what, then, now in (
        ("target", saved.scope.target, settings.target),
        ("environment", saved.scope.environment, settings.environment),
    ):
        if then != now:
            raise PlanRefused(f"{path} was made for {what} {then or 'none'}, and this is {now or 'none'}")
    return saved
