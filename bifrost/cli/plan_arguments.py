"""The arguments and options of `plan` and `up`: what is planned, and which losses are accepted.

Help texts need the options, and not what they mean to the deployer, which takes most of the time of a start. So the
functions below import it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from bifrost.deployer.plan.replace_choices import ReadFrom, ReplaceChoices, SinkTopics
from bifrost.errors import SettingError

if TYPE_CHECKING:
    from bifrost.deployer.plan.losses import AllowedLosses
    from bifrost.deployer.plan.options import PlanOptions


def _known_start(value: str | None) -> str | None:
    if value is not None and value not in get_args(ReadFrom):
        raise typer.BadParameter(f"{value!r} is not one of {', '.join(get_args(ReadFrom))}")
    return value


PipelinesArgument = Annotated[
    list[str] | None, typer.Argument(help="Pipelines, with all that they need; by default all.", show_default=False)
]
PruneOption = Annotated[bool, typer.Option("--prune", help="Remove what is not declared (topics are never removed).")]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--only", metavar="KIND:NAME", help="Only these things, with * and ?; repeatable.", show_default=False
    ),
]
SkipOption = Annotated[
    list[str] | None,
    typer.Option("--skip", metavar="KIND:NAME", help="Not these things, with * and ?; repeatable.", show_default=False),
]
FromOption = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="earliest|latest",
        help="Where the queries of replaced statements start; by default where each statement says.",
        callback=_known_start,
    ),
]
KeepTopicOption = Annotated[bool, typer.Option("--keep-topic", help="Keep the topics of replaced statements.")]
DeleteTopicOption = Annotated[
    bool, typer.Option("--delete-topic", help="Delete the topics of replaced statements, with their records.")
]
RepeatAlertsOption = Annotated[
    bool, typer.Option("--repeat-alerts", help="Send alerts also for records that a replaced statement computes again.")
]
YesOption = Annotated[
    bool, typer.Option("--yes", "-y", help="Do not ask; losses still need --allow.", show_default=False)
]
AllowOption = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        metavar="FLAG[:NAME,...]",
        help="Accept a kind of loss that `plan` shows, of all things or of these.",
        show_default=False,
    ),
]


def plan_options(
    *,
    prune: bool,
    only: list[str] | None,
    skip: list[str] | None,
    read_from: str | None,
    keep_topic: bool,
    delete_topic: bool,
    repeat_alerts: bool,
) -> PlanOptions:
    """What a person chose about a plan.

    Raises:
        typer.BadParameter: both --keep-topic and --delete-topic are given, or --only or --skip is not KIND:NAME.
    """
    from bifrost.deployer.plan.options import PlanOptions
    from bifrost.deployer.plan.selection import parse_filter

    if keep_topic and delete_topic:
        raise typer.BadParameter("--keep-topic and --delete-topic exclude each other")
    topics: SinkTopics | None = "keep" if keep_topic else "delete" if delete_topic else None
    try:
        wanted = parse_filter(only or (), skip or ())
    except SettingError as error:
        raise typer.BadParameter(str(error)) from error
    return PlanOptions(prune, ReplaceChoices(cast("ReadFrom | None", read_from), topics, repeat_alerts), wanted)


def allowed_losses(words: list[str] | None) -> AllowedLosses:
    """What `--allow` accepts.

    Raises:
        typer.BadParameter: a word is not one of the known ones.
    """
    from bifrost.deployer.plan.losses import parse_allowed

    try:
        return parse_allowed(words or ())
    except SettingError as error:
        raise typer.BadParameter(str(error)) from error
