"""`lag`."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from bifrost.alerts import read_alerts
from bifrost.cli.completion import complete_live
from bifrost.cli.options import JsonOption, TargetOption, settings_for
from bifrost.cli.output import Screen
from bifrost.clients.topic_records import TopicRecords
from bifrost.deployer.live.state import open_platform
from bifrost.errors import OperationRefused
from bifrost.operations.dead_letter_queues import RecordStore
from bifrost.operations.group_lag import GroupLag, group_lags, is_named, with_ages
from bifrost.operations.group_owners import read_owners
from bifrost.operations.live_things import service_names
from bifrost.settings import Settings

AGE_TIMEOUT_S = 3.0


def command(
    name: Annotated[
        str,
        typer.Argument(
            help="A group, or the connector, query, alert or service that it belongs to, with * and ?.",
            autocompletion=complete_live,
        ),
    ] = "*",
    partitions: Annotated[bool, typer.Option("--partitions", "-p", help="Show each partition.")] = False,
    as_json: JsonOption = False,
    target: TargetOption = None,
) -> None:
    """Show how far sinks, queries, alerts and services are behind, in records and seconds."""
    settings, screen = settings_for(target), Screen(as_json=as_json)
    alerts = read_alerts(settings.project / "alerts", lambda error: screen.warn(str(error)))
    with open_platform(settings) as platform, screen.working("reading offsets"):
        owners = read_owners(platform, alerts, service_names(settings))
        found = group_lags(platform.kafka, owners, wanted=is_named(name))
        found = with_ages(found, record_reader(settings), int(time.time() * 1000))
    if not found and name != "*":
        raise OperationRefused(f"no consumer group belongs to {name!r}; `lag` alone lists all, sources have none")
    if as_json:
        screen.json({"target": settings.target, "lag": sum(item.lag for item in found), "groups": lags_json(found)})
        return
    is_detailed = partitions or (name != "*" and len(found) == 1)
    screen.table(["reader", "topic", "position", "end", "lag", "behind"], list(_rows(found, is_detailed=is_detailed)))
    total = sum(item.lag for item in found)
    late = sum(1 for item in found if item.lag)
    screen.say(f"{len(found)} groups; {late} behind, by {total} records.")


def record_reader(settings: Settings) -> RecordStore:
    """Reads the records whose age is shown; soon gives up, since the lag alone is worth a lot."""
    return TopicRecords(settings, timeout_s=AGE_TIMEOUT_S)


def lags_json(lags: Iterable[GroupLag]) -> list[dict[str, Any]]:
    """The lags as `lag --json` prints them."""
    return [
        {
            "group": item.group,
            "owner": {"kind": item.owner.kind, "name": item.owner.name},
            "lag": item.lag,
            "behind_s": item.behind_s,
            "partitions": [
                {
                    "topic": part.topic,
                    "partition": part.partition,
                    "committed": part.committed,
                    "end": part.end,
                    "lag": part.lag,
                    "behind_s": part.behind_s,
                }
                for part in item.partitions
            ],
        }
        for item in lags
    ]


def _rows(lags: Iterable[GroupLag], *, is_detailed: bool) -> Iterable[list[str]]:
    for item in lags:
        if is_detailed:
            for part in item.partitions:
                place = f"{part.topic}-{part.partition}"
                age = age_text(part.behind_s)
                yield [str(item.owner), place, str(part.committed), str(part.end), str(part.lag), age]
            continue
        topics = ", ".join(sorted({part.topic for part in item.partitions}))
        committed, end = sum(part.committed for part in item.partitions), sum(part.end for part in item.partitions)
        yield [str(item.owner), topics, str(committed), str(end), str(item.lag), age_text(item.behind_s)]


def age_text(seconds: float | None) -> str:
    """An age in its largest fitting unit; empty if there is none, `?` if it is unknown."""
    if seconds is None:
        return "?"
    if not seconds:
        return ""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.1f} s"
