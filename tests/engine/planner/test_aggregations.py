"""GROUP BY: keys, aggregates, windows, HAVING, refusals."""

from __future__ import annotations

import pytest

from bifrost.engine.catalog.schema import WindowKind
from bifrost.engine.plan.steps import (
    Hopping,
    Session,
    StreamAggregate,
    StreamGroupBy,
    StreamWindowedAggregate,
    TableFilter,
)
from bifrost.engine.planner.outcome import PushPlan
from tests.engine.planner.planning import StatementPlanner, step_of, steps


def test_groups_by_the_key_need_no_repartition(planner: StatementPlanner) -> None:
    planned = planner.query("CREATE TABLE X AS SELECT ID, COUNT(*) AS N FROM ORDERS GROUP BY ID;")
    assert steps(planned) == [
        "TableSink",
        "TableSelect",
        "StreamAggregate",
        "StreamGroupByKey",
        "StreamSelect",
        "StreamSource",
    ]
    assert planner.schema("X") == "`ID` BIGINT KEY, `N` BIGINT"
    assert planned.topic is not None
    assert planned.topic.cleanup_policy == "compact"


def test_aggregates_read_columns_and_appear_once_each(planner: StatementPlanner) -> None:
    planned = planner.query(
        "CREATE TABLE X AS SELECT CUSTOMER, SUM(TOTAL * 2) AS A, SUM(TOTAL * 2) / COUNT(*) AS B FROM ORDERS "
        "GROUP BY CUSTOMER;"
    )
    aggregate = step_of(planned, "StreamAggregate")
    assert isinstance(aggregate, StreamAggregate)
    assert [str(call.name) for call in aggregate.aggregates] == ["SUM", "COUNT"]
    assert [column.name for column in aggregate.schema.value] == ["KSQL_AGG_VARIABLE_0", "KSQL_AGG_VARIABLE_1"]
    assert planner.schema("X") == "`CUSTOMER` INTEGER KEY, `A` DOUBLE, `B` DOUBLE"


def test_an_expression_is_the_key_under_its_alias(planner: StatementPlanner) -> None:
    planned = planner.query("CREATE TABLE X AS SELECT TAGS[1] AS TAG, COUNT(*) AS N FROM ORDERS GROUP BY TAGS[1];")
    grouped = step_of(planned, "StreamGroupBy")
    assert isinstance(grouped, StreamGroupBy)
    assert [column.name for column in grouped.schema.key] == ["KSQL_COL_0"]
    assert planner.schema("X") == "`TAG` STRING KEY, `N` BIGINT"


def test_several_keys_are_grouped_as_json(planner: StatementPlanner) -> None:
    planned = planner.query(
        "CREATE TABLE X WITH (KEY_FORMAT='JSON') AS SELECT CUSTOMER, ADDRESS->TOWN, COUNT(*) AS N FROM ORDERS "
        "GROUP BY CUSTOMER, ADDRESS->TOWN;"
    )
    grouped = step_of(planned, "StreamGroupBy")
    assert isinstance(grouped, StreamGroupBy)
    assert grouped.formats.key.format.name == "JSON"
    assert planner.schema("X") == "`CUSTOMER` INTEGER KEY, `TOWN` STRING KEY, `N` BIGINT"


def test_tables_are_grouped_with_undo(planner: StatementPlanner) -> None:
    planned = planner.query("CREATE TABLE X AS SELECT COUNTRY, COUNT(*) AS N FROM CUSTOMERS GROUP BY COUNTRY;")
    assert "TableAggregate" in steps(planned)
    assert "cannot be applied to a table source" in planner.refusal(
        "CREATE TABLE Y AS SELECT COUNTRY, MAX(NAME) AS N FROM CUSTOMERS GROUP BY COUNTRY;"
    )


@pytest.mark.parametrize(
    ("window", "kind", "size", "planned_window"),
    [
        ("TUMBLING (SIZE 1 MINUTE)", WindowKind.TUMBLING, 60_000, None),
        (
            "HOPPING (SIZE 1 HOUR, ADVANCE BY 10 MINUTES, RETENTION 3 HOURS, GRACE PERIOD 1 HOUR)",
            WindowKind.HOPPING,
            3_600_000,
            Hopping(3_600_000, 600_000, 10_800_000, 3_600_000),
        ),
        ("SESSION (30 SECONDS)", WindowKind.SESSION, None, Session(30_000)),
    ],
)
def test_windows(
    planner: StatementPlanner, window: str, kind: WindowKind, size: int | None, planned_window: object
) -> None:
    planned = planner.query(
        f"CREATE TABLE X AS SELECT ID, WINDOWSTART AS W, COUNT(*) AS N FROM ORDERS WINDOW {window} GROUP BY ID;"
    )
    info = planned.sink.formats.key.window
    assert info is not None
    assert (info.kind, info.size_ms) == (kind, size)
    assert planner.schema("X") == "`ID` BIGINT KEY, `W` BIGINT, `N` BIGINT"
    aggregate = step_of(planned, "StreamWindowedAggregate")
    assert isinstance(aggregate, StreamWindowedAggregate)
    assert not aggregate.emit_final
    assert planned_window is None or aggregate.window == planned_window


def test_emit_final_waits_for_the_window_to_close(planner: StatementPlanner) -> None:
    planned = planner.query(
        "CREATE TABLE X AS SELECT ID, COUNT(*) AS N FROM ORDERS WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY ID EMIT FINAL;"
    )
    aggregate = step_of(planned, "StreamWindowedAggregate")
    assert isinstance(aggregate, StreamWindowedAggregate)
    assert aggregate.emit_final


def test_a_windowed_topic_is_retained_as_long_as_its_windows(planner: StatementPlanner) -> None:
    planned = planner.query(
        "CREATE TABLE X AS SELECT ID, COUNT(*) AS N FROM ORDERS WINDOW TUMBLING (SIZE 1 DAY, RETENTION 30 DAYS) "
        "GROUP BY ID;"
    )
    assert planned.topic is not None
    assert (planned.topic.cleanup_policy, planned.topic.retention_ms) == ("compact,delete", 30 * 86_400_000)


def test_having_filters_groups(planner: StatementPlanner) -> None:
    planned = planner.query("CREATE TABLE X AS SELECT ID, COUNT(*) AS N FROM ORDERS GROUP BY ID HAVING SUM(TOTAL) > 5;")
    step = step_of(planned, "TableFilter")
    assert isinstance(step, TableFilter)
    assert step.context == "Aggregate-HavingFilter"
    assert planner.schema("X") == "`ID` BIGINT KEY, `N` BIGINT"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT ID, COUNT(*) FROM ORDERS", "Non-aggregate SELECT expression(s) not part of GROUP BY: ID\n"),
        ("SELECT COUNT(*) FROM ORDERS", "aggregate function [COUNT(ROWTIME)] without a GROUP BY clause."),
        ("SELECT ID, TOTAL, COUNT(*) FROM ORDERS GROUP BY ID", "not part of GROUP BY: TOTAL\n"),
        (
            "SELECT ID, SUM(TOTAL) + CUSTOMER FROM ORDERS GROUP BY ID",
            "outside of aggregate functions not part of GROUP",
        ),
        ("SELECT ID, COUNT(*) FROM ORDERS GROUP BY ID HAVING CUSTOMER > 1", "HAVING expression not part of GROUP BY"),
        ("SELECT ID, COUNT(*) FROM ORDERS HAVING COUNT(*) > 1", "HAVING clause requires a GROUP BY clause"),
        ("SELECT ID FROM ORDERS GROUP BY ID", "GROUP BY requires aggregate functions in either the SELECT or HAVING"),
        ("SELECT COUNT(*) AS N FROM ORDERS GROUP BY CUSTOMER", "the grouping expression CUSTOMER in its projection"),
        ("SELECT SUM(TOTAL) AS N FROM ORDERS GROUP BY SUM(TOTAL)", "SUM is an aggregate function."),
        ("SELECT ID, SUM(COUNT(*)) FROM ORDERS GROUP BY ID", "Aggregate functions can not be nested"),
        ("SELECT ID, ID AS B, COUNT(*) FROM ORDERS GROUP BY ID", "contains a key column more than once: `B` and `ID`."),
        (
            "SELECT ID, EXPLODE(TAGS), COUNT(*) FROM ORDERS GROUP BY ID",
            "Table functions cannot be used with aggregations.",
        ),
        ("SELECT ID, COUNT(*) FROM ORDERS GROUP BY ID EMIT FINAL", "EMIT FINAL is only supported for windowed"),
        ("SELECT ID, WINDOWSTART, COUNT(*) FROM ORDERS GROUP BY ID", "SELECT column 'WINDOWSTART' cannot be resolved."),
        (
            "SELECT ID, COUNT(*) FROM ORDERS WINDOW SESSION (1 MINUTE) GROUP BY ID, WINDOWSTART",
            "Window bounds column WINDOWSTART can only be used in the SELECT clause",
        ),
        (
            "SELECT ID, COUNT(*) FROM ORDERS WINDOW HOPPING (SIZE 1 MINUTE, ADVANCE BY 2 MINUTES) GROUP BY ID",
            "not more than the window's SIZE",
        ),
        (
            "SELECT ID, COUNT(*) FROM ORDERS WINDOW TUMBLING (SIZE 1 HOUR, RETENTION 1 MINUTE) GROUP BY ID",
            "must not be less than the window's size",
        ),
    ],
)
def test_refusals(planner: StatementPlanner, query: str, words: str) -> None:
    assert words in planner.refusal(f"CREATE TABLE X AS {query};")


def test_persistent_queries_over_windowed_tables_are_refused(planner: StatementPlanner) -> None:
    planner.run("CREATE TABLE W AS SELECT ID, COUNT(*) AS N FROM ORDERS WINDOW SESSION (1 MINUTE) GROUP BY ID;")
    assert "KSQL does not support persistent queries on windowed tables." in planner.refusal(
        "CREATE TABLE X AS SELECT * FROM W;"
    )


@pytest.mark.parametrize(
    ("window", "words"),
    [
        ("TUMBLING (SIZE 0 SECONDS)", "The SIZE of a window must be greater than zero, but is 0 SECONDS."),
        ("TUMBLING (SIZE -5 SECONDS)", "The SIZE of a window must be greater than zero"),
        ("HOPPING (SIZE 0 SECONDS, ADVANCE BY 0 SECONDS)", "The SIZE of a window must be greater than zero"),
        ("HOPPING (SIZE 10 SECONDS, ADVANCE BY -1 SECONDS)", "ADVANCE BY must be greater than zero"),
        ("HOPPING (SIZE 10 SECONDS, ADVANCE BY 11 SECONDS)", "not more than the window's SIZE"),
        ("SESSION (0 SECONDS)", "The gap of a SESSION window must be greater than zero"),
        ("SESSION (-1 MINUTES)", "The gap of a SESSION window must be greater than zero"),
        ("TUMBLING (SIZE 1 HOUR, GRACE PERIOD -1 HOURS)", "The GRACE PERIOD of a window must not be negative"),
        ("SESSION (1 HOUR, GRACE PERIOD -1 MILLISECONDS)", "The GRACE PERIOD of a window must not be negative"),
        ("TUMBLING (SIZE 1 HOUR, RETENTION -1 DAYS)", "The RETENTION of a window must not be negative"),
        ("TUMBLING (SIZE 9223372036854775807 DAYS)", "is too long"),
    ],
)
@pytest.mark.parametrize("statement", ["CREATE TABLE X AS SELECT ID, COUNT(*) AS N", "SELECT ID, COUNT(*)"])
def test_windows_with_impossible_durations_are_refused(
    planner: StatementPlanner, statement: str, window: str, words: str
) -> None:
    assert words in planner.refusal(f"{statement} FROM ORDERS WINDOW {window} GROUP BY ID EMIT CHANGES;")


@pytest.mark.parametrize("name", ["WINDOWSTART", "WINDOWEND"])
def test_unaliased_window_bounds_are_refused_in_tables(planner: StatementPlanner, name: str) -> None:
    words = f"Reserved column name in select: `{name}`. Please remove or alias the column."
    assert words in planner.refusal(
        f"CREATE TABLE X AS SELECT ID, {name}, COUNT(*) AS N FROM ORDERS WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY ID;"
    )


def test_a_push_query_without_group_by_aggregates_all_rows(planner: StatementPlanner) -> None:
    planned = planner.plan("SELECT COUNT(*), SUM(TOTAL) AS S, COUNT(*) + 1 AS M FROM ORDERS EMIT CHANGES;")
    assert isinstance(planned, PushPlan)
    assert (str(planned.query.schema), planned.query.result) == (
        "`KSQL_COL_0` BIGINT, `S` DOUBLE, `M` BIGINT",
        "TABLE",
    )


def test_a_persistent_query_without_group_by_cannot_aggregate(planner: StatementPlanner) -> None:
    words = "CREATE TABLE AS SELECT statement does not support aggregate function [COUNT(ROWTIME)] without a GROUP BY"
    assert words in planner.refusal("CREATE TABLE X AS SELECT COUNT(*) AS N FROM ORDERS;")
    assert "Non-aggregate SELECT expression(s) not part of GROUP BY: ID" in planner.refusal(
        "SELECT ID, COUNT(*) FROM ORDERS EMIT CHANGES;"
    )


@pytest.mark.parametrize(
    "statement",
    ["CREATE STREAM X AS SELECT * FROM ORDERS LIMIT 3;", "INSERT INTO SHIPMENTS SELECT * FROM SHIPMENTS LIMIT 3;"],
)
def test_persistent_queries_with_limit_are_refused(planner: StatementPlanner, statement: str) -> None:
    assert "LIMIT is not supported in persistent queries" in planner.refusal(statement)
