"""Waits until everything declared runs and keeps running; reports failures with cause and log."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bifrost.clients.connect import root_cause
from bifrost.clients.http import Clock
from bifrost.clients.ksqldb import KsqlClient, QuerySummary
from bifrost.deployer.declared.declarations import Declarations
from bifrost.deployer.live.read_live import parse_or_none
from bifrost.deployer.live.state import LiveQuery, Platform
from bifrost.deployer.plan.connectors import state_problems
from bifrost.deployer.plan.live_statements import insert_query_of, with_declared_types
from bifrost.deployer.plan.statement_equality import Columns
from bifrost.deployer.settled_state import OnWait
from bifrost.errors import NotReady, Refused, RemoteError
from bifrost.sql.tree import AllColumns, CreateAsSelect, CreateSource, InsertSelect

SETTLE_S = 2.0
"""How long everything must run without interruption; a task that fails on start does so well within it."""
UNCHANGED_SETTLE_S = 1.0
"""The same where nothing was written: no task has started because of this run."""
PATIENCE_S = 90.0
FAILED_S = 3.0
"""How long a failed state is tolerated: after a restart the old state is still reported for a moment."""
POLL_S = 0.25
_NAMED = 3
"""How many things progress names while it waits for them."""


@dataclass(frozen=True, slots=True)
class NotRunning:
    """One thing that does not run; `failed` if waiting will not help."""

    system: str
    thing: str
    problem: str
    failed: bool


def await_running(
    platform: Platform,
    declared: Declarations,
    clock: Clock,
    *,
    settle_s: float = SETTLE_S,
    on_wait: OnWait = lambda _text: None,
) -> None:
    """Return when every task of every declared connector, every query and every service has run for `settle_s`.

    Args:
        on_wait: receives what is being waited for, whenever that changes.

    Raises:
        NotReady: something failed or did not start in time; names each thing with its cause and log.
    """
    deadline = clock.monotonic() + PATIENCE_S
    healthy_since: float | None = None
    failed_since: float | None = None
    reported = ""
    while True:
        found = tuple(not_running(platform, declared))
        if reported != (waits := _waits_for(found)):
            reported = waits
            on_wait(waits)
        now = clock.monotonic()
        healthy_since = None if found else healthy_since if healthy_since is not None else now
        failed = any(entry.failed for entry in found)
        failed_since = None if not failed else failed_since if failed_since is not None else now
        if healthy_since is not None and now - healthy_since >= settle_s:
            return
        # The deadline does not count while everything runs: then only `settle_s` is left to wait for.
        if (failed_since is not None and now - failed_since >= FAILED_S) or (found and now > deadline):
            raise failure(found)
        clock.sleep(POLL_S)


def _waits_for(found: Sequence[NotRunning]) -> str:
    names = [entry.thing for entry in found[:_NAMED]]
    more = f" and {len(found) - len(names)} more" if len(found) > len(names) else ""
    return f"waiting for {', '.join(names)}{more}" if found else "everything runs; checking that it stays so"


def not_running(platform: Platform, declared: Declarations) -> Iterator[NotRunning]:
    """The declared connectors, queries and services that do not run right now."""
    if declared.connectors:
        yield from connectors_not_running(platform, [connector.name for connector in declared.connectors])
    if any(isinstance(statement.tree, CreateAsSelect | InsertSelect) for statement in declared.statements):
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
    """Every declared query that is missing or not RUNNING: of CREATE ... AS SELECT, INSERT INTO and SOURCE TABLE."""
    queries = {query.id: query for query in platform.ksqldb.queries()}
    expected = expected_queries(declared, platform, queries.values())
    for name in sorted(name for name, query_id in expected.items() if query_id is None):
        yield NotRunning("ksqlDB", f"query of {name}", "is missing", failed=True)
    wanted = set(expected.values())
    for query in queries.values():
        if query.id in wanted and query.state != "RUNNING":
            yield _query_not_running(platform, query)


def _query_not_running(platform: Platform, query: QuerySummary) -> NotRunning:
    causes = "; ".join(query_causes(platform.ksqldb, query.id))
    problem = f"is {query.state}{': ' if causes else ''}{causes} (log: {platform.log_of('ksqldb')})"
    return NotRunning("ksqlDB", f"query {query.id}", problem, query.state == "ERROR")


def expected_queries(
    declared: Declarations, platform: Platform, queries: Iterable[QuerySummary]
) -> dict[str, str | None]:
    """The id of each declared statement's live query, `None` where it has none, by the statement's name."""
    queries = tuple(queries)
    by_sink = {sink: query.id for query in queries if not is_insert(query) for sink in query.sinks}
    inserts = [LiveQuery(query, parse_or_none(query.statement)) for query in queries if is_insert(query)]
    columns: Columns | None = None
    expected: dict[str, str | None] = {}
    for statement, tree in with_declared_types(declared):
        match tree:
            case CreateAsSelect(name=name):
                expected[statement.name] = by_sink.get(name)
            case InsertSelect():
                if columns is None and any(isinstance(item, AllColumns) for item in tree.query.select):
                    columns = _live_columns(platform.ksqldb)
                found = insert_query_of(tree, inserts, columns or {})
                expected[statement.name] = None if found is None else found.summary.id
            case CreateSource(name=name, is_source=True):
                # Servers list the query of a source table under a separate id; older ones start none.
                found_id = next(
                    (query.id for query in queries if re.fullmatch(rf"CST_{re.escape(name)}_\d+", query.id)), None
                )
                if found_id is not None:
                    expected[statement.name] = found_id
    return expected


def is_insert(query: QuerySummary) -> bool:
    """Whether a query was started by INSERT INTO ... SELECT."""
    return query.statement.lstrip()[:6].upper() == "INSERT"


def _live_columns(client: KsqlClient) -> Columns:
    """Needed to recognise what `*` was expanded to."""
    return {source.name: [column for column, _ in source.columns] for source in client.source_descriptions()}


def query_causes(client: KsqlClient, query_id: str) -> tuple[str, ...]:
    """Why a query is in ERROR, in one line; empty where the server does not say or the query is gone by now."""
    try:
        errors = client.query_errors(query_id)
    except Refused:
        return ()
    return tuple(root_cause(error) for error in errors[-1:])


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


def live_failures(platform: Platform, declared: Declarations) -> tuple[list[NotRunning], list[NotRunning]]:
    """Everything on the target that has failed: what `declared` names, and what it does not.

    A connector counts as failed with any of its tasks.
    """
    wanted = {connector.name for connector in declared.connectors}
    names = set(platform.connect.statuses())
    ours = [entry for entry in connectors_not_running(platform, sorted(names & wanted)) if entry.failed]
    others = [entry for entry in connectors_not_running(platform, sorted(names - wanted)) if entry.failed]
    queries = platform.ksqldb.queries()
    expected = set(expected_queries(declared, platform, queries).values())
    for query in queries:
        if query.state == "ERROR":
            (ours if query.id in expected else others).append(_query_not_running(platform, query))
    return ours, others
