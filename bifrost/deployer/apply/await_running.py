"""Waits until everything declared runs and keeps running; reports failures with cause and log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bifrost.clients.connect import root_cause
from bifrost.clients.http import Clock
from bifrost.clients.ksqldb import KsqlClient
from bifrost.deployer.declared.declarations import Declarations
from bifrost.deployer.live.state import Platform
from bifrost.deployer.plan.connectors import state_problems
from bifrost.errors import NotReady, RemoteError
from bifrost.sql.tree import CreateAsSelect

SETTLE_S = 2.0
"""How long everything must run without interruption; a task that fails on start does so well within it."""
PATIENCE_S = 90.0
FAILED_S = 3.0
"""How long a failed state is tolerated: after a restart the old state is still reported for a moment."""
POLL_S = 0.25


@dataclass(frozen=True, slots=True)
class NotRunning:
    """One thing that does not run; `failed` if waiting will not help."""

    system: str
    thing: str
    problem: str
    failed: bool


def await_running(platform: Platform, declared: Declarations, clock: Clock, *, settle_s: float = SETTLE_S) -> None:
    """Return when every task of every declared connector, every query and every service has run for `settle_s`.

    Raises:
        NotReady: something failed or did not start in time; names each thing with its cause and log.
    """
    deadline = clock.monotonic() + PATIENCE_S
    healthy_since: float | None = None
    failed_since: float | None = None
    while True:
        found = tuple(not_running(platform, declared))
        now = clock.monotonic()
        healthy_since = None if found else healthy_since if healthy_since is not None else now
        failed = any(entry.failed for entry in found)
        failed_since = None if not failed else failed_since if failed_since is not None else now
        if healthy_since is not None and now - healthy_since >= settle_s:
            return
        if (failed_since is not None and now - failed_since >= FAILED_S) or (found and now > deadline):
            raise failure(found)
        clock.sleep(POLL_S)


def not_running(platform: Platform, declared: Declarations) -> Iterator[NotRunning]:
    """The declared connectors, queries and services that do not run right now."""
    if declared.connectors:
        yield from connectors_not_running(platform, [connector.name for connector in declared.connectors])
    if any(isinstance(statement.tree, CreateAsSelect) for statement in declared.statements):
        yield from _queries_not_running(platform, declared)
    if declared.services and platform.services is not None:
        yield from _services_not_running(platform, {service.name for service in declared.services})


def connectors_not_running(platform: Platform, names: Sequence[str]) -> Iterator[NotRunning]:
    """Those of these connectors that do not run, or have a task that does not."""
    statuses = platform.connect.statuses()
    for name in names:
        status = statuses.get(name)
        problems = state_problems(status)
        states = () if status is None else (status.state, *(task.state for task in status.tasks))
        if problems:
            problem = f"{'; '.join(problems)} (log: {platform.log_of('connect')})"
            yield NotRunning("Kafka Connect", f"connector {name}", problem, "FAILED" in states)


def failure(found: Sequence[NotRunning]) -> RemoteError:
    """The error that reports all of these."""
    first, *others = found
    more = "".join(f"\n{other.system}: {other.thing}: {other.problem}" for other in others)
    return NotReady(first.system, first.thing, first.problem + more)


def _queries_not_running(platform: Platform, declared: Declarations) -> Iterator[NotRunning]:
    sinks = {item.name for item in declared.statements if isinstance(item.tree, CreateAsSelect)}
    queries = platform.ksqldb.queries()
    for query in queries:
        if query.state != "RUNNING" and sinks.intersection(query.sinks):
            causes = "; ".join(_causes(platform.ksqldb, query.id))
            problem = f"is {query.state}{': ' if causes else ''}{causes} (log: {platform.log_of('ksqldb')})"
            yield NotRunning("ksqlDB", f"query {query.id}", problem, query.state == "ERROR")
    for name in sorted(sinks.difference(*(query.sinks for query in queries))):
        yield NotRunning("ksqlDB", f"query of {name}", "is missing", failed=True)


def _causes(client: KsqlClient, query_id: str) -> tuple[str, ...]:
    return tuple(root_cause(error) for error in client.query_errors(query_id)[-1:])


def _services_not_running(platform: Platform, names: set[str]) -> Iterator[NotRunning]:
    found = {} if platform.services is None else {status.name: status for status in platform.services.status()}
    for name in sorted(names):
        status = found.get(name)
        if status is None:
            yield NotRunning("supervisor", f"service {name}", "is unknown to the supervisor", failed=True)
        elif not status.is_up:
            cause = f": {status.cause}" if status.cause else ""
            problem = f"is {status.state}{cause} (log: {status.log})"
            yield NotRunning("supervisor", f"service {name}", problem, status.state in ("failed", "backoff"))
