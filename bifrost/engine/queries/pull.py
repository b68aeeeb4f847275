"""Pull queries on tables: look up rows in the stores of the query that writes the table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from bifrost.engine.catalog.metastore import DataSource
from bifrost.engine.catalog.schema import ROWTIME, WINDOW_BOUNDS, Namespace
from bifrost.engine.expressions import EVALUATION_ERRORS, compile_function
from bifrost.engine.functions.registry import FunctionRegistry
from bifrost.engine.planner.outcome import LookupKind, PullPlan
from bifrost.engine.queries.persistent import PersistentQueries
from bifrost.engine.queries.rows import ResultColumn, ResultHeader, ResultRow
from bifrost.engine.state.frozen import freeze_key
from bifrost.engine.state.ordering import sort_key
from bifrost.engine.topology.compiled import MaterializedRow
from bifrost.engine.topology.table_rows import TableRows
from bifrost.errors import AnalysisError
from bifrost.sql.tree import ColumnRef, Expression
from bifrost.sql.types import BIGINT, SqlType, SqlValue

Compute = Callable[[ResultRow], SqlValue]


@dataclass(frozen=True, slots=True)
class PullResult:
    """The result of a pull query."""

    header: ResultHeader
    rows: list[ResultRow]


def run_pull(plan: PullPlan, queries: PersistentQueries, functions: FunctionRegistry, now_ms: int) -> PullResult:
    """Answers a pull query from the present state of the stores.

    Raises:
        AnalysisError: no running query materializes the table.
        NotReady: its state is still being loaded.
    """
    header = ResultHeader(
        f"query_{now_ms}",
        tuple(ResultColumn(column.name, column.type, column.namespace is Namespace.KEY) for column in plan.schema),
    )
    return PullResult(header, pull_rows(plan, _table(plan.source, queries), functions))


def pull_rows(plan: PullPlan, table: TableRows, functions: FunctionRegistry) -> list[ResultRow]:
    """Returns the rows of a pull query from the present rows of its table."""
    return list(islice(_projected(plan, _found(plan, table), functions), plan.limit))


def _table(source: DataSource, queries: PersistentQueries) -> TableRows:
    query = queries.find(source.created_by)
    if query is None:
        raise AnalysisError(
            f"The `{source.name}` table isn't queryable: no running query stores its rows. Create the table again, or "
            "add EMIT CHANGES for a push query."
        )
    return query.runner.rows()


def _found(plan: PullPlan, table: TableRows) -> Iterable[MaterializedRow]:
    match plan.kind:
        case LookupKind.KEYS:
            return _by_key(plan, table)
        case LookupKind.RANGE:
            inside = (row for row in table.all() if row.key[0] is not None and plan.key_range.holds(row.key[0]))
            return _in_order(inside)
        case LookupKind.SCAN:
            return _in_order(table.all())


def _by_key(plan: PullPlan, table: TableRows) -> Iterator[MaterializedRow]:
    found = table.of_keys([lookup.key for lookup in plan.lookups])
    for lookup, rows in zip(plan.lookups, found, strict=True):
        for row in rows:
            start, end = row.window if row.window is not None else (None, None)
            if start is None or (lookup.window_start.holds(start) and lookup.window_end.holds(end)):
                yield row


def _in_order(rows: Iterable[MaterializedRow]) -> list[MaterializedRow]:
    """Sorts by key and window, which is the order of ksqlDB's stores for the most common key types."""
    return sorted(rows, key=lambda row: (sort_key(freeze_key(row.key) or ()), row.window or ()))


# --- predicate and projection


def _projected(plan: PullPlan, found: Iterable[MaterializedRow], functions: FunctionRegistry) -> Iterator[ResultRow]:
    names, types = _columns(plan.source)
    computes = [_compute(item.expression, names, types, functions) for item in plan.selects]
    holds = _compute(plan.predicate, names, types, functions) if plan.predicate is not None else None
    for entry in found:
        row = (*entry.key, *entry.row, entry.timestamp, *(entry.window or ()))
        # In SQL, a predicate that is null does not hold.
        if holds is None or holds(row) is True:
            yield tuple([compute(row) for compute in computes])


def _columns(source: DataSource) -> tuple[list[str], dict[str, SqlType]]:
    """Returns the columns that expressions may use: names in the order of the rows of `_projected`, and types."""
    schema = source.schema
    columns = (*schema.key, *schema.value, *schema.headers)
    types = {column.name: column.type for column in columns}
    names = [*(column.name for column in columns), ROWTIME]
    types[ROWTIME] = BIGINT
    if source.is_windowed:
        names += WINDOW_BOUNDS
        types |= WINDOW_BOUNDS
    return names, types


def _compute(
    expression: Expression, names: Sequence[str], types: dict[str, SqlType], functions: FunctionRegistry
) -> Compute:
    """Compiles an expression over such rows; a failing expression is null, as in ksqlDB."""
    # Most expressions are plain columns, which need no compiled function.
    if isinstance(expression, ColumnRef) and expression.source is None:
        place = names.index(expression.name)
        return lambda row: row[place]
    evaluate = compile_function(expression, names, types, functions)

    def compute(row: ResultRow) -> SqlValue:
        try:
            return evaluate(*row)
        except EVALUATION_ERRORS:
            return None

    return compute
