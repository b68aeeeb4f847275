"""`restart`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bifrost.cli.options import TargetOption, settings_for
from bifrost.cli.output import Screen
from bifrost.clients.http import SystemClock
from bifrost.clients.supervisor import STOP_TIMEOUT_S
from bifrost.deployer.apply.await_running import POLL_S, connectors_not_running, failure
from bifrost.deployer.live.state import Platform, open_platform
from bifrost.deployer.plan.ksql_commands import pause, resume
from bifrost.errors import ComponentError, NotReady, Refused

RESTART_PATIENCE_S = 30.0


def command(
    name: Annotated[str, typer.Argument(help="A component, service, connector, or query (or its stream).")],
    target: TargetOption = None,
) -> None:
    """Restart one thing and wait until it runs again."""
    settings, screen = settings_for(target), Screen()
    with open_platform(settings) as platform, screen.working(f"restarting {name}"):
        what = _restart(platform, name)
    screen.say(f"{what} {name} runs again.")


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
        problem = "no component, service, connector, query or stream has that name; `status` lists them"
        raise Refused("restart", name, status=0, body=problem)
    for query in queries:
        # ksqlDB has no statement that restarts a query.
        if query.state != "PAUSED":
            platform.ksqldb.execute(pause(query.id))
        platform.ksqldb.execute(resume(query.id))
        _await_query(platform, query.id)
    return "Query"


def _await_connector(platform: Platform, name: str) -> None:
    clock = SystemClock()
    deadline = clock.monotonic() + RESTART_PATIENCE_S
    # The worker still reports the old state for a moment.
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
            problem = f"is {states.get(query_id, 'missing')} (log: {platform.log_of('ksqldb')})"
            raise NotReady("ksqlDB", f"query {query_id}", problem)
        clock.sleep(POLL_S)
