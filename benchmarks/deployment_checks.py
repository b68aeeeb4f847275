"""What a platform lacks after a deployment: things to do, things that do not run, things that are there twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from benchmarks.own_platform import OwnPlatform
from bifrost.clients import connect, ksqldb


def unfinished(platform: OwnPlatform, *pipelines: str) -> Iterator[str]:
    """What is left to do, left behind, does not run, or runs twice; one line each."""
    plan = platform.plan(*pipelines)
    left = [f"{action['what']} {action['name']}" for action in plan["actions"] if action["action"] != "keep"]
    if left:
        yield f"still to do: {', '.join(left)}"
    if plan["undeclared"]:
        yield f"left behind: {', '.join(item['name'] for item in plan['undeclared'])}"
    with connect.from_settings(platform.settings) as workers:
        for name, status in workers.statuses().items():
            states = {status.state, *(task.state for task in status.tasks)}
            if states != {"RUNNING"} or not status.tasks:
                yield f"connector {name} is {', '.join(sorted(states))}"
    with ksqldb.from_settings(platform.settings) as client:
        found = Counter((", ".join(query.sinks), query.statement) for query in client.queries())
    for (sink, statement), count in found.items():
        if count > 1:
            yield f"{count} queries write {sink}: {statement}"
