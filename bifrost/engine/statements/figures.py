"""The figures of an engine and its queries: /metrics exposes them, SHOW QUERIES EXTENDED and EXPLAIN report them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from bifrost.engine.queries.persistent import PersistentQuery
from bifrost.engine.runtime.meters import CommitTimes, Meter
from bifrost.engine.runtime.processing_log import LogCount, LogKind
from bifrost.engine.runtime.runner import QueryState


class FigureKind(Enum):
    """The kinds of figures; the names are Prometheus's."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class FigureFamily:
    """Figures of one meaning. `labels` distinguish them; their values are ids and names of definitions, never data."""

    name: str
    kind: FigureKind
    text: str
    labels: tuple[str, ...] = ()


_COUNTER, _GAUGE, _QUERY = FigureKind.COUNTER, FigureKind.GAUGE, "query_id"

CONSUMED_RECORDS = FigureFamily(
    "ksqldb_query_consumed_records_total", _COUNTER, "Records read from a topic", (_QUERY, "topic")
)
CONSUMED_BYTES = FigureFamily(
    "ksqldb_query_consumed_bytes_total", _COUNTER, "Bytes of keys and values read from a topic", (_QUERY, "topic")
)
PRODUCED_RECORDS = FigureFamily(
    "ksqldb_query_produced_records_total", _COUNTER, "Records written to a topic", (_QUERY, "topic")
)
PRODUCED_BYTES = FigureFamily(
    "ksqldb_query_produced_bytes_total", _COUNTER, "Bytes of keys and values written to a topic", (_QUERY, "topic")
)
LAG = FigureFamily(
    "ksqldb_query_lag_records", _GAUGE, "Records of a topic that are not processed yet", (_QUERY, "topic")
)
STATE = FigureFamily("ksqldb_query_state", _GAUGE, "1 for the present state, else 0", (_QUERY, "state"))
RESTARTS = FigureFamily("ksqldb_query_restarts_total", _COUNTER, "Restarts after a failure", (_QUERY,))
ERRORS = FigureFamily("ksqldb_query_errors_total", _COUNTER, "Errors by class of cause", (_QUERY, "type"))
LOGGED = FigureFamily(
    "ksqldb_query_processing_log_records_total", _COUNTER, "Entries of the processing log by kind", (_QUERY, "kind")
)
COMMITS = FigureFamily("ksqldb_query_commit_seconds", FigureKind.HISTOGRAM, "Duration of commits", (_QUERY,))
RESTORED = FigureFamily(
    "ksqldb_query_restored_records", _GAUGE, "Records of state and tables read by the last start so far", (_QUERY,)
)
TO_RESTORE = FigureFamily(
    "ksqldb_query_restore_records", _GAUGE, "Records of state and tables that the last start has to read", (_QUERY,)
)
STORE_ROWS = FigureFamily("ksqldb_store_rows", _GAUGE, "Rows in a state store", (_QUERY, "store"))
STORE_BYTES = FigureFamily(
    "ksqldb_store_bytes", _GAUGE, "Estimated bytes of a state store, encoded as in its changelog", (_QUERY, "store")
)
PUSH_QUERIES = FigureFamily("ksqldb_push_queries", _GAUGE, "Push queries that are running")
FAILED_COMMANDS = FigureFamily(
    "ksqldb_failed_commands", _GAUGE, "Statements that could not be executed again at the last start"
)

FAMILIES = (
    STATE,
    CONSUMED_RECORDS,
    CONSUMED_BYTES,
    PRODUCED_RECORDS,
    PRODUCED_BYTES,
    LAG,
    RESTARTS,
    ERRORS,
    LOGGED,
    COMMITS,
    RESTORED,
    TO_RESTORE,
    STORE_ROWS,
    STORE_BYTES,
    PUSH_QUERIES,
    FAILED_COMMANDS,
)
"""All families, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. The value of a histogram is `CommitTimes`; `labels` are in the order of the family's."""

    family: FigureFamily
    value: float | CommitTimes
    labels: tuple[str, ...] = field(default=())


def query_figures(query: PersistentQuery, log: LogCount) -> Iterator[Figure]:
    """Returns the figures of a query; while it is not running, its lag and its stores are unknown and left out."""
    runner, name = query.runner, query.id
    meters, (restored, to_restore) = runner.meters, runner.restored
    for state in QueryState:
        yield Figure(STATE, float(runner.state is state), (name, state.value))
    yield from _meters(name, meters.consumed, CONSUMED_RECORDS, CONSUMED_BYTES)
    yield from _meters(name, meters.produced, PRODUCED_RECORDS, PRODUCED_BYTES)
    for topic, lag in _lags(query).items():
        yield Figure(LAG, lag, (name, topic))
    yield Figure(RESTARTS, meters.restarts, (name,))
    # Copies: the query's thread changes them.
    for kind, count in dict(meters.errors).items():
        yield Figure(ERRORS, count, (name, kind))
    for logged, count in log.by_kind.items():
        yield Figure(LOGGED, count, (name, LogKind(logged).name))
    yield Figure(COMMITS, meters.commits, (name,))
    yield Figure(RESTORED, restored, (name,))
    yield Figure(TO_RESTORE, to_restore, (name,))
    for store, size in runner.store_sizes().items():
        yield Figure(STORE_ROWS, size.rows, (name, store))
        if size.encoded_bytes is not None:
            yield Figure(STORE_BYTES, size.encoded_bytes, (name, store))


def engine_figures(push_queries: int, failed_commands: int) -> Iterator[Figure]:
    """Returns the figures of the engine itself."""
    yield Figure(PUSH_QUERIES, push_queries)
    yield Figure(FAILED_COMMANDS, failed_commands)


def _meters(name: str, meters: Mapping[str, Meter], records: FigureFamily, size: FigureFamily) -> Iterator[Figure]:
    for topic, meter in dict(meters).items():
        yield Figure(records, meter.messages, (name, topic))
        yield Figure(size, meter.size, (name, topic))


def _lags(query: PersistentQuery) -> Mapping[str, int]:
    lags: dict[str, int] = {}
    for (topic, _), (position, end) in query.runner.offsets().items():
        lags[topic] = lags.get(topic, 0) + end - position
    return lags
