"""Runs SELECT statements of test cases over a driver, with results as in ksqlDB's REST API."""

from __future__ import annotations

import base64
import heapq
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from bifrost.engine.catalog.schema import WINDOW_BOUNDS, Column, LogicalSchema
from bifrost.engine.functions.javatime import isotime
from bifrost.engine.functions.registry import FunctionRegistry, default_registry
from bifrost.engine.planner.outcome import PullPlan, PushPlan, StreamPullPlan
from bifrost.engine.queries.pull import pull_rows
from bifrost.engine.state.frozen import Key
from bifrost.engine.state.stores import Row
from bifrost.engine.testing.driver import Driver, RunningQuery, TopicRecord
from bifrost.engine.topology.compiled import compile_query
from bifrost.engine.topology.table_rows import TaskRows
from bifrost.errors import AnalysisError
from bifrost.sql.parser import parse_statement
from bifrost.sql.types import BYTES, DATE, TIME, TIMESTAMP, SqlArray, SqlMap, SqlStruct, SqlType

Answer = list[dict[str, Any]]


class PushRun:
    """A push query, or a pull query on a stream, over a driver's topics."""

    def __init__(self, driver: Driver, planned: PushPlan | StreamPullPlan, functions: FunctionRegistry) -> None:
        self._driver = driver
        self._ends = isinstance(planned, StreamPullPlan)
        self._plan = planned.query
        compiled = compile_query(planned.query, driver.serdes, functions, drops_expired=True)
        self._query = RunningQuery(planned.query, compiled, on_row=self._take)
        self._tables = {entry.topic for entry in compiled.inputs if entry.role == "table"}
        self._rows: Answer = []
        self._read: dict[str, int] = dict.fromkeys(self._query.topics, 0)
        if str(driver.properties.get("auto.offset.reset", "earliest")) == "latest":
            self._read = {name: len(driver.topic(name).records) for name in self._query.topics}

    def catch_up(self) -> None:
        """Processes new records of its topics: first tables, then streams by time."""
        new = {name: list(self._new_records(name)) for name in self._read}
        tables = (item for name in self._read if name in self._tables for item in new[name])
        streams = (new[name] for name in self._read if name not in self._tables)
        for name, offset, record in (*tables, *heapq.merge(*streams, key=lambda item: item[2].timestamp)):
            self._query.take(name, record, offset)

    def _new_records(self, name: str) -> Iterator[tuple[str, int, TopicRecord]]:
        records = self._driver.topic(name).records
        first, self._read[name] = self._read[name], len(records)
        return ((name, offset, records[offset]) for offset in range(first, len(records)))

    def _take(self, key: Key | None, row: Row | None, timestamp: int, window: tuple[int, int] | None) -> None:
        if self._plan.limit is not None and len(self._rows) >= self._plan.limit:
            return
        if row is not None:
            self._rows.append({"row": {"columns": _shown_row(self._plan.schema, row)}})
        elif self._plan.result == "TABLE" and key is not None:
            self._rows.append({"row": {"columns": self._tombstone(key, window), "tombstone": True}})

    def _tombstone(self, key: Key, window: tuple[int, int] | None) -> list[Any]:
        names = (column.name for column in self._plan.step.schema.key)
        known = dict(zip(names, key, strict=False))
        known |= dict(zip(WINDOW_BOUNDS, window or (), strict=False))
        return _shown_row(self._plan.schema, tuple(known.get(column.name) for column in self._plan.schema))

    def answer(self) -> Answer:
        """The header, the rows and, if the query has ended, the reason."""
        self.catch_up()
        header = {"queryId": self._query_id(), "schema": _schema_text(self._plan.schema, keys=False)}
        limited = self._plan.limit is not None and len(self._rows) == self._plan.limit
        end = "Limit Reached" if limited else "Query Completed"
        return [{"header": header}, *self._rows, *([{"finalMessage": end}] if limited or self._ends else [])]

    def _query_id(self) -> str:
        """ksqlDB's query id: queries from `latest` over another query's sink are scalable push queries."""
        source = self._driver.metastore.find(self._plan.sources[0])
        latest = self._driver.properties.get("auto.offset.reset") == "latest"
        if latest and not self._ends and source is not None and source.created_by is not None:
            return f"SCALABLE_PUSH_QUERY_{source.name}_1"
        return self._plan.query_id


def start_query(driver: Driver, text: str) -> PushRun | None:
    """Starts a SELECT; None for a pull query on a table, which `answer_pull` runs later.

    Raises:
        StatementError: the query is invalid.
    """
    planned = driver.planner().plan(parse_statement(text, driver.variables))
    if isinstance(planned, PushPlan | StreamPullPlan):
        return PushRun(driver, planned, driver.planner().functions)
    return None


def answer_pull(driver: Driver, text: str) -> Answer:
    """Header and rows of a pull query on a table.

    Raises:
        StatementError: the query is invalid, or the table is not materialized.
    """
    planned = driver.planner().plan(parse_statement(text, driver.variables))
    if not isinstance(planned, PullPlan):
        raise AnalysisError("not a pull query", text)
    query = driver.queries.get(planned.source.created_by or "")
    if query is None:
        raise AnalysisError(f"The `{planned.source.name}` table isn't queryable: no query materializes it", text)
    rows = pull_rows(planned, TaskRows(list(query.tasks.values())), default_registry())
    header = {"queryId": "query_0", "schema": _schema_text(planned.schema, keys=True)}
    return [{"header": header}, *({"row": {"columns": _shown_row(planned.schema, row)}} for row in rows)]


def _schema_text(schema: LogicalSchema, *, keys: bool) -> str:
    shown = schema if keys else LogicalSchema(tuple(Column(column.name, column.type) for column in schema))
    return str(shown)


def _shown_row(schema: LogicalSchema, row: Iterable[Any]) -> list[Any]:
    return [_shown(value, column.type) for column, value in zip(schema, row, strict=True)]


def _shown(value: Any, sql_type: SqlType) -> Any:
    """A value as JSON in rows of the REST API."""
    match sql_type:
        case _ if value is None:
            return None
        case SqlArray(item):
            return [_shown(each, item) for each in value]
        case SqlMap(_, item):
            return {str(name): _shown(each, item) for name, each in value.items()}
        case SqlStruct(fields):
            return {field.name: _shown(value[field.name], field.type) for field in fields}
        case _ if sql_type in _TEXTS:
            return _TEXTS[sql_type](value)
        case _:
            return Decimal(repr(value)) if isinstance(value, float) else value


_TEXTS: Mapping[SqlType, Any] = {
    DATE: isotime.date_text,
    TIME: isotime.time_text,
    TIMESTAMP: isotime.timestamp_text,
    BYTES: lambda value: base64.b64encode(value).decode(),
}
