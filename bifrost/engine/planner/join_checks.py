"""Checks joins: the kinds of both sides, key types, windows and partitions."""

from __future__ import annotations

from bifrost.engine.analysis.joins import AnalyzedJoin
from bifrost.engine.catalog.metastore import DataSource
from bifrost.engine.catalog.schema import WindowKind
from bifrost.engine.planner.ddl.source_checks import check_key_types
from bifrost.engine.planner.stage import Stage, known_type
from bifrost.engine.planner.window_checks import check_within
from bifrost.errors import AnalysisError
from bifrost.sql.format_expressions import format_expression
from bifrost.sql.tree import ColumnRef, Expression, JoinKind


def is_foreign_key_join(
    left: Stage, right: Stage, left_key: Expression, right_key: Expression, *, has_joined: bool
) -> bool:
    """Whether the join matches a non-key expression of one table with the primary key of another."""
    if not (left.is_table and right.is_table):
        return False
    if not right.keyed_by([right_key]):
        return False
    if has_joined:
        return not _reads_key(left, left_key)
    return not left.keyed_by([left_key])


def _reads_key(left: Stage, left_key: Expression) -> bool:
    viable = getattr(left.origin, "viable", ())
    names = {f"{column.source}_{column.name}" for column in viable}
    return isinstance(left_key, ColumnRef) and (left_key.name in names or left.keyed_by([left_key]))


def check_join(
    join: AnalyzedJoin,
    left: Stage,
    right: Stage,
    left_key: Expression,
    right_key: Expression,
    *,
    foreign: bool,
    is_first: bool,
) -> None:
    """Checks that ksqlDB supports a join.

    Raises:
        AnalysisError: it does not; the message says why.
    """
    _check_kinds(join, left, right)
    if right.is_table and not right.keyed_by([right_key]):
        which = "the primary key of the right input table" if left.is_table else "the table's primary key"
        kinds = "table-table" if left.is_table else "stream-table"
        raise AnalysisError(f"Invalid join condition: {kinds} joins require to join on {which}. Got {join.criteria}.")
    if foreign:
        _check_foreign_key(join, left, right, is_first=is_first)
    if join.within is not None:
        check_within(join.within)
    _check_windows(join, left, right, foreign=foreign)
    _check_types(join, left, right, left_key, right_key)
    if not foreign:  # a foreign-key join sends rows to the other table's partitions by itself
        check_partitions(join.left_source.source, join.right_source.source)


def _check_kinds(join: AnalyzedJoin, left: Stage, right: Stage) -> None:
    if left.is_table and not right.is_table:
        raise AnalysisError(
            f"Invalid join order: table-stream joins are not supported; only stream-table joins. Got {join.text}."
        )
    if not left.is_table and right.is_table and join.kind in (JoinKind.OUTER, JoinKind.RIGHT):
        kind = "full-outer" if join.kind is JoinKind.OUTER else "right-outer"
        raise AnalysisError(f"Invalid join type: {kind} join not supported for stream-table join. Got {join.text}.")
    if right.is_table and join.within is not None:
        kinds = "Table-Table" if left.is_table else "Stream-Table"
        raise AnalysisError(
            f"A window definition was provided for a {kinds} join. These joins are not windowed. "
            "Please drop the window definition (ie. the WITHIN clause) and try to execute your join again."
        )
    if not right.is_table and join.within is None:
        raise AnalysisError(
            "Stream-Stream joins must have a WITHIN clause specified. None was provided. To learn about how to "
            "specify a WITHIN clause with a stream-stream join, please visit: https://docs.confluent.io/current/ksql"
            "/docs/syntax-reference.html#create-stream-as-select"
        )


def _check_foreign_key(join: AnalyzedJoin, left: Stage, right: Stage, *, is_first: bool) -> None:
    if not is_first:
        raise AnalysisError(
            "Invalid join condition: foreign-key table-table joins are not supported as part of n-way joins. "
            f"Got {join.criteria}."
        )
    if join.kind is JoinKind.RIGHT:
        raise AnalysisError("RIGHT OUTER JOIN on a foreign key is not supported")
    if join.kind is JoinKind.OUTER:
        raise AnalysisError("FULL OUTER JOIN on a foreign key is not supported")
    if left.is_windowed or right.is_windowed:
        raise AnalysisError("Foreign-key table-table joins are not supported on windowed tables.")


def _check_windows(join: AnalyzedJoin, left: Stage, right: Stage, *, foreign: bool) -> None:
    if foreign:
        return
    if left.is_windowed != right.is_windowed:
        described = "\n".join(_windowing(source.source) for source in (join.left_source, join.right_source))
        raise AnalysisError(f"Can not join windowed source to non-windowed source.\n{described}")
    left_window, right_window = left.formats.key.window, right.formats.key.window
    if left_window is None or right_window is None:
        return
    # Keys of session windows contain the window's start and end, other keys only the start: they never match.
    if (left_window.kind is WindowKind.SESSION) != (right_window.kind is WindowKind.SESSION):
        raise AnalysisError(
            f"Incompatible windowed sources.\nLeft source: {left_window.kind.value}\n"
            f"Right source: {right_window.kind.value}\nSession windowed sources can only be joined to other session "
            "windowed sources; hopping and tumbling windowed sources can only be joined to each other."
        )


def _windowing(source: DataSource) -> str:
    window = source.formats.key.window
    return f"`{source.name}` is {'not' if window is None else window.kind.value} windowed"


def _check_types(join: AnalyzedJoin, left: Stage, right: Stage, left_key: Expression, right_key: Expression) -> None:
    left_type, right_type = known_type(left, left_key), known_type(right, right_key)
    if left_type != right_type:
        raise AnalysisError(
            "Invalid join condition: types don't match. Got "
            f"{format_expression(join.left)}{{{left_type}}} = {format_expression(join.right)}{{{right_type}}}.\n"
            f"Invalid join. Key types differ: {left_type} vs {right_type}. CAST one side to the type of the other."
        )
    name = f"{join.left_source.alias}_{join.left.name}" if isinstance(join.left, ColumnRef) else "ROWKEY"
    check_key_types([(name, left_type)])


def check_partitions(left: DataSource, right: DataSource) -> None:
    """Checks that both topics have equal partition counts, which a join on equal keys needs.

    Raises:
        AnalysisError: the counts differ.
    """
    if left.partitions != right.partitions:
        raise AnalysisError(
            f"Can't join `{left.name}` with `{right.name}` since the number of partitions don't match. "
            f"`{left.name}` partitions = {left.partitions}; `{right.name}` partitions = {right.partitions}. "
            "Please repartition either one so that the number of partitions match."
        )
