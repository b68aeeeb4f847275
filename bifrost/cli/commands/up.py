"""`up`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bifrost.cli.options import JsonOption, TargetOption, settings_for
from bifrost.cli.plan_arguments import (
    AllowOption,
    DeleteTopicOption,
    FromOption,
    KeepTopicOption,
    OnlyOption,
    PipelinesArgument,
    PruneOption,
    RepeatAlertsOption,
    SkipOption,
    YesOption,
    allowed_losses,
    plan_options,
)

LOCK_TIMEOUT_S = 300.0

SecureOption = Annotated[
    bool | None,
    typer.Option(
        "--secure/--no-secure",
        help="Run the platform with TLS, users and rights, or without; by default as it ran last. Not for remote.",
    ),
]
SavedPlanOption = Annotated[
    Path | None, typer.Option("--plan", help="Carry out a plan of `plan --out`, or refuse if anything has moved.")
]


def command(
    pipelines: PipelinesArgument = None,
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Stay in the foreground and stop the platform when interrupted.")
    ] = False,
    ports: Annotated[str, typer.Option(help="`auto` takes free ports in place of those in use.")] = "fixed",
    secure: SecureOption = None,
    no_demo: Annotated[bool, typer.Option("--no-demo", help="Do not start the demo data generators.")] = False,
    prune: PruneOption = False,
    only: OnlyOption = None,
    skip: SkipOption = None,
    saved: SavedPlanOption = None,
    allow: AllowOption = None,
    yes: YesOption = False,
    read_from: FromOption = None,
    keep_topic: KeepTopicOption = False,
    delete_topic: DeleteTopicOption = False,
    repeat_alerts: RepeatAlertsOption = False,
    lock_timeout: Annotated[
        float, typer.Option("--lock-timeout", min=0, help="Seconds to wait while another deployment runs.")
    ] = LOCK_TIMEOUT_S,
    as_json: JsonOption = False,
    target: TargetOption = None,
) -> None:
    """Start the platform (embedded target), deploy what is declared, and return when all of it runs."""
    if ports not in ("fixed", "auto"):
        raise typer.BadParameter(f"{ports!r} is neither fixed nor auto", param_hint="--ports")
    # `up --help` does not need the deployer, which takes most of the time of a start.
    from bifrost.cli.bringing_up import UpRequest, bring_up

    options = plan_options(
        prune=prune,
        only=only,
        skip=skip,
        read_from=read_from,
        keep_topic=keep_topic,
        delete_topic=delete_topic,
        repeat_alerts=repeat_alerts,
    )
    request = UpRequest(
        pipelines=tuple(pipelines or ()),
        options=options,
        allowed=allowed_losses(allow),
        saved=saved,
        yes=yes,
        foreground=foreground,
        demos=not no_demo,
        automatic_ports=ports == "auto",
        lock_timeout_s=lock_timeout,
        as_json=as_json,
    )
    changed = {} if secure is None else {"BIFROST_SECURE": str(int(secure))}
    bring_up(settings_for(target).with_values(**changed), request)
