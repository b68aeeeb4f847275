"""`down`, `restart` and `demo`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from bifrost.cli.options import TargetOption, require_embedded, settings_for
from bifrost.cli.output import Screen
from bifrost.clients.http import SystemClock
from bifrost.clients.supervisor import STOP_TIMEOUT_S
from bifrost.deployer.apply.await_running import POLL_S, connectors_not_running, failure
from bifrost.deployer.live.state import Platform, open_platform
from bifrost.errors import ComponentError, NotReady, Refused
from bifrost.generators import logons, orders, patterns, ratings, syslog
from bifrost.settings import Settings
from bifrost.supervisor import launch
from capture import program as capture

RESTART_PATIENCE_S = 30.0
GENERATORS: Mapping[str, Callable[[Sequence[str], Settings], int]] = {
    "ratings": ratings.main,
    "patterns": patterns.main,
    "wifi": capture.demo,
    "logons": logons.main,
    "syslog": syslog.main,
    "orders": orders.main,
}
"""What plays the outside world, by pipeline."""


def down_command(
    purge: Annotated[
        bool, typer.Option("--purge", help="Remove data and logs too; downloads and the environment stay.")
    ] = False,
    target: TargetOption = None,
) -> None:
    """Stop the embedded platform; what it stored stays."""
    settings, screen = settings_for(target), Screen()
    require_embedded(settings, "down")
    stopped = launch.stop_platform(settings, progress=screen.progress)
    screen.say("Stopped." if stopped else "Nothing was running.")
    if purge:
        launch.purge(settings)
        screen.say("Data and logs are removed.")


def restart_command(
    name: Annotated[str, typer.Argument(help="A component, service, connector, or query (or its stream).")],
    target: TargetOption = None,
) -> None:
    """Restart one thing and wait until it runs again."""
    settings, screen = settings_for(target), Screen()
    with open_platform(settings) as platform, screen.working(f"restarting {name}"):
        what = _restart(platform, name)
    screen.say(f"{what} {name} runs again.")


def demo_command(
    pipeline: Annotated[str, typer.Argument(help=f"What to play: {', '.join(GENERATORS)}.")] = "ratings",
    rate: Annotated[float, typer.Option(help="Records per second.", min=0.001)] = 2.0,
    count: Annotated[int, typer.Option(help="How many in all; 0 goes on until interrupted.", min=0)] = 0,
    target: TargetOption = None,
) -> None:
    """Generate records for a pipeline, in the foreground."""
    generate = GENERATORS.get(pipeline)
    if generate is None:
        raise typer.BadParameter(f"there is no generator for {pipeline!r}; there are {', '.join(GENERATORS)}")
    raise typer.Exit(generate(["--rate", str(rate), "--count", str(count)], settings_for(target)))


def _restart(platform: Platform, name: str) -> str:
    if platform.services is not None and name in {status.name for status in platform.services.status()}:
        status = platform.services.restart(name, wait_s=STOP_TIMEOUT_S)
        if not status.is_up:
            raise ComponentError(name, status.cause or f"is {status.state}", log=Path(status.log))
        return "Component"
    if name in platform.connect.names():
        platform.connect.restart(name)
        _await_connector(platform, name)
        return "Connector"
    queries = [query for query in platform.ksqldb.queries() if name == query.id or name in query.sinks]
    if not queries:
        problem = "there is no component, service, connector, query or stream of that name; `status` lists them"
        raise Refused("restart", name, status=0, body=problem)
    for query in queries:
        if query.state != "PAUSED":
            platform.ksqldb.execute(f"PAUSE {query.id};")
        platform.ksqldb.execute(f"RESUME {query.id};")
        _await_query(platform, query.id)
    return "Query"


def _await_connector(platform: Platform, name: str) -> None:
    clock = SystemClock()
    deadline = clock.monotonic() + RESTART_PATIENCE_S
    # The worker still tells the old state for a moment.
    clock.sleep(1.0)
    while found := tuple(connectors_not_running(platform, [name])):
        if clock.monotonic() > deadline:
            raise failure(found)
        clock.sleep(POLL_S)


def _await_query(platform: Platform, query_id: str) -> None:
    clock = SystemClock()
    deadline = clock.monotonic() + RESTART_PATIENCE_S
    while True:
        states = {query.id: query.state for query in platform.ksqldb.queries()}
        if states.get(query_id) == "RUNNING":
            return
        if clock.monotonic() > deadline:
            problem = f"is {states.get(query_id, 'gone')} (log: {platform.log_of('ksqldb')})"
            raise NotReady("ksqlDB", f"query {query_id}", problem)
        clock.sleep(POLL_S)
