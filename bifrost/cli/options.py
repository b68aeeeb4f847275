"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated, cast, get_args

import typer

from bifrost import settings as configuration
from bifrost.cli.environment import SELECTED
from bifrost.deployer.plan.losses import AllowedLosses, parse_allowed
from bifrost.deployer.plan.options import PlanOptions
from bifrost.deployer.plan.replace_choices import ReadFrom, ReplaceChoices, SinkTopics
from bifrost.deployer.plan.selection import parse_filter
from bifrost.errors import SettingError
from bifrost.settings import TARGETS, Settings


def _known_target(value: str | None) -> str | None:
    if value is not None and value not in TARGETS:
        raise typer.BadParameter(f"{value!r} is not one of {', '.join(TARGETS)}")
    return value


def _known_start(value: str | None) -> str | None:
    if value is not None and value not in get_args(ReadFrom):
        raise typer.BadParameter(f"{value!r} is not one of {', '.join(get_args(ReadFrom))}")
    return value


TargetOption = Annotated[
    str | None,
    typer.Option(
        "--target",
        help="embedded, compose or remote; by default BIFROST_TARGET, else embedded.",
        callback=_known_target,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON; progress goes to stderr.")]
PipelinesArgument = Annotated[
    list[str] | None, typer.Argument(help="Pipelines, with all that they need; by default all.", show_default=False)
]
PruneOption = Annotated[bool, typer.Option("--prune", help="Remove what is not declared (topics are never removed).")]


def settings_for(target: str | None) -> Settings:
    """The settings of this command."""
    found = configuration.load(environment=SELECTED.get())
    return found.with_values(BIFROST_TARGET=target) if target else found


def require_embedded(settings: Settings, command: str) -> None:
    """Refuse a command that concerns the processes of the embedded platform.

    Raises:
        typer.BadParameter: the target is another one.
    """
    if settings.target != "embedded":
        raise typer.BadParameter(f"{command} works on the embedded target only, not on {settings.target}")


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
    try:
        return parse_allowed(words or ())
    except SettingError as error:
        raise typer.BadParameter(str(error)) from error
