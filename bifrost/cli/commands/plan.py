"""`plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bifrost.cli.options import JsonOption, TargetOption, settings_for
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
    # `plan --help` does not need the deployer, which takes most of the time of a start.
    from bifrost.cli.planning import show_plan

    options = plan_options(
        prune=prune,
        only=only,
        skip=skip,
        read_from=read_from,
        keep_topic=keep_topic,
        delete_topic=delete_topic,
        repeat_alerts=repeat_alerts,
    )
    found = show_plan(settings_for(target), tuple(pipelines or ()), options, out=out, as_json=as_json)
    raise typer.Exit(CHANGES_PLANNED if found.changes else 0)
