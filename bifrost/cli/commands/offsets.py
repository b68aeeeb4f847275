"""`offsets`."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from bifrost.alerts import read_alerts
from bifrost.cli.completion import complete_live
from bifrost.cli.consent import ConfirmedOption, DryRunOption, require_consent
from bifrost.cli.moments import moment_option
from bifrost.cli.options import JsonOption, TargetOption, settings_for
from bifrost.cli.output import Screen
from bifrost.clients.http import SystemClock
from bifrost.deployer.live.state import Platform, open_platform
from bifrost.errors import OperationRefused
from bifrost.operations.action_log import ActionLog, account_name, action_log_of
from bifrost.operations.group_lag import GroupLag, group_lags
from bifrost.operations.group_owners import read_owners
from bifrost.operations.live_things import service_names
from bifrost.operations.offset_changes import change_group, change_source
from bifrost.operations.offset_plans import (
    EARLIEST,
    LATEST,
    OffsetTarget,
    PlannedOffsets,
    PlannedSourceOffsets,
    PositionOwner,
    SourceOffset,
    find_position,
    plan_group,
    plan_source,
    source_offsets,
)
from bifrost.operations.offset_text import group_lines, source_lines

ACTIONS = ("show", "reset", "set")
_PLACE = re.compile(r"(.+)-(\d{1,9})@(\d{1,19})")


def command(
    action: Annotated[str, typer.Argument(help="show, reset or set.")],
    name: Annotated[
        str,
        typer.Argument(
            help="A connector, alert, service or consumer group, or KIND:NAME.", autocompletion=complete_live
        ),
    ],
    to: Annotated[
        str, typer.Option(metavar="POSITION", help="reset: earliest, latest, 2026-11-30T14:00 (UTC), or 2h ago.")
    ] = EARLIEST,
    topic: Annotated[
        list[str] | None, typer.Option(help="reset: only this topic; repeatable.", show_default=False)
    ] = None,
    offset: Annotated[
        list[str] | None,
        typer.Option(metavar="TOPIC-PARTITION@OFFSET", help="set: the next record; repeatable.", show_default=False),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(help="set: offsets of a source connector, as `offsets show --json` prints.", show_default=False),
    ] = None,
    dry_run: DryRunOption = False,
    yes: ConfirmedOption = False,
    as_json: JsonOption = False,
    target: TargetOption = None,
) -> None:
    """Show or change where a connector, alert, service or consumer group reads next."""
    if action not in ACTIONS:
        raise typer.BadParameter(f"{action!r} is not one of {', '.join(ACTIONS)}", param_hint="ACTION")
    if action == "set" and bool(offset) == bool(file):
        raise typer.BadParameter("set needs --offset, or --file for a source connector")
    wanted = _target(action, to, offset)
    settings, screen = settings_for(target), Screen(as_json=as_json)
    alerts = read_alerts(settings.project / "alerts", lambda error: screen.warn(str(error)))
    with open_platform(settings) as platform:
        owners = read_owners(platform, alerts, service_names(settings))
        position = find_position(platform, owners, name)
        if action == "show":
            lags = group_lags(platform.kafka, owners, wanted=lambda _owner, group: group == position.group)
            _show(screen, platform, position, lags, settings.target)
            return
        if position.group:
            if file is not None:
                raise OperationRefused(f"{position} was not changed: --file is for source connectors; use --offset")
            planned: PlannedOffsets | PlannedSourceOffsets = plan_group(platform.kafka, position, wanted, topic or ())
        else:
            planned = plan_source(platform, position, _source_offsets(position, action, wanted, file))
        log = action_log_of(settings)
        _change(screen, platform, planned, action, log, settings.target, dry_run=dry_run, yes=yes)


def _target(action: str, to: str, offsets: list[str] | None) -> OffsetTarget:
    if action == "set":
        found = [_PLACE.fullmatch(text) for text in offsets or ()]
        if not all(found):
            raise typer.BadParameter("expected TOPIC-PARTITION@OFFSET, such as orders-0@17", param_hint="--offset")
        return OffsetTarget(places={(m[1], int(m[2])): int(m[3]) for m in found if m is not None})
    if to in (EARLIEST, LATEST):
        return OffsetTarget(word=to)
    return OffsetTarget(time_ms=moment_option("--to", to, int(time.time() * 1000)))


def _source_offsets(
    position: PositionOwner, action: str, target: OffsetTarget, file: Path | None
) -> list[SourceOffset] | None:
    if action == "reset":
        if target.word != EARLIEST:
            raise OperationRefused(
                f"{position} was not changed: the offsets of a source have no order that Bifrost knows, so reset takes "
                "earliest only; `offsets show --json` prints them, and `offsets set --file` takes them changed"
            )
        return None
    if file is None:
        raise OperationRefused(f"{position} was not changed: a source connector takes its offsets from --file")
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise OperationRefused(f"{position} was not changed: {file} cannot be read: {error}") from error
    return source_offsets(position, text, str(file))


def _show(screen: Screen, platform: Platform, position: PositionOwner, lags: tuple[GroupLag, ...], target: str) -> None:
    if not position.group:
        offsets = platform.connect.offsets(position.owner.name)
        if screen.as_json:
            screen.json({**_head(position, target), "offsets": offsets})
            return
        rows = [[json.dumps(entry["partition"]), json.dumps(entry["offset"])] for entry in offsets]
        screen.table(["partition", "offset"], rows)
        screen.say(f"{position} ({position.state}): {len(offsets)} offsets.")
        return
    parts = [part for item in lags for part in item.partitions]
    if screen.as_json:
        entries = [
            {
                "topic": part.topic,
                "partition": part.partition,
                "offset": part.committed,
                "end": part.end,
                "lag": part.lag,
            }
            for part in parts
        ]
        screen.json({**_head(position, target), "group": position.group, "offsets": entries})
        return
    rows = [[f"{part.topic}-{part.partition}", str(part.committed), str(part.end), str(part.lag)] for part in parts]
    screen.table(["partition", "offset", "end", "lag"], rows)
    screen.say(f"{position}: group {position.group}, {len(parts)} partitions.")


def _change(
    screen: Screen,
    platform: Platform,
    planned: PlannedOffsets | PlannedSourceOffsets,
    action: str,
    log: ActionLog,
    target: str,
    *,
    dry_run: bool,
    yes: bool,
) -> None:
    announced = list(group_lines(planned) if isinstance(planned, PlannedOffsets) else source_lines(planned))
    what = f"{len(planned.changes)} offsets" if isinstance(planned, PlannedOffsets) else "Offsets"
    is_change = bool(planned.changes) if isinstance(planned, PlannedOffsets) else planned.is_change
    if is_change and not dry_run:
        require_consent(announced, screen, yes=yes)
        with (
            screen.working(f"changing offsets of {planned.position}"),
            log.logged(account_name(), f"{action} offsets", str(planned.position), announced) as result,
        ):
            if isinstance(planned, PlannedOffsets):
                change_group(platform, planned, SystemClock(), screen.progress)
            else:
                change_source(platform, planned, SystemClock(), screen.progress)
            result.text = f"{what} of {planned.position} changed."
    if screen.as_json:
        changes = _group_json(planned) if isinstance(planned, PlannedOffsets) else _source_json(planned)
        screen.json(
            {**_head(planned.position, target), "dry_run": dry_run, "changed": is_change and not dry_run, **changes}
        )
        return
    if dry_run or not is_change:
        screen.lines(announced)
        return
    screen.say(f"{what} of {planned.position} changed.")


def _head(position: PositionOwner, target: str) -> dict[str, Any]:
    return {"target": target, "owner": {"kind": position.owner.kind, "name": position.owner.name}}


def _group_json(planned: PlannedOffsets) -> dict[str, Any]:
    return {
        "group": planned.position.group,
        "offsets": [
            {
                "topic": move.topic,
                "partition": move.partition,
                "before": move.before,
                "after": move.after,
                "repeated": move.repeated,
                "skipped": move.skipped,
            }
            for move in planned.changes
        ],
    }


def _source_json(planned: PlannedSourceOffsets) -> dict[str, Any]:
    return {
        "before": list(planned.before),
        "after": None if planned.after is None else list(planned.after),
        "records": dict(planned.topics),
    }
