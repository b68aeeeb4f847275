"""SELECT by itself: push queries, and pull queries with their look-ups."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bifrost.engine.planner.outcome import Bounds, KeyLookup, LookupKind, PullPlan, PushPlan, StreamPullPlan
from bifrost.engine.state.frozen import thaw_key
from tests.engine.planner.planning import StatementPlanner


@pytest.fixture
def tables(planner: StatementPlanner) -> StatementPlanner:
    """Adds a table of totals by order, one of counts by window, one with two keys."""
    planner.run(
        "CREATE TABLE TOTALS AS SELECT ID, SUM(TOTAL) AS SPENT FROM ORDERS GROUP BY ID;",
        "CREATE TABLE WINDOWS AS SELECT ID, COUNT(*) AS N FROM ORDERS WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY ID;",
        "CREATE TABLE PAIRS WITH (KEY_FORMAT='JSON') AS SELECT ID, CUSTOMER, COUNT(*) AS N FROM ORDERS "
        "GROUP BY ID, CUSTOMER;",
    )
    return planner


def pull(planner: StatementPlanner, statement: str) -> PullPlan:
    planned = planner.plan(statement)
    assert isinstance(planned, PullPlan)
    return planned


def test_a_push_query_returns_its_items_as_columns(planner: StatementPlanner) -> None:
    planned = planner.plan("SELECT TOTAL, ID FROM ORDERS EMIT CHANGES LIMIT 3;")
    assert isinstance(planned, PushPlan)
    assert str(planned.query.schema) == "`TOTAL` DOUBLE, `ID` BIGINT"
    assert (planned.query.limit, planned.query.result, planned.query.sink) == (3, "STREAM", None)
    assert planned.query.query_id.startswith("transient_ORDERS_")


def test_a_push_query_shows_window_bounds(tables: StatementPlanner) -> None:
    planned = tables.plan("SELECT * FROM WINDOWS EMIT CHANGES;")
    assert isinstance(planned, PushPlan)
    assert str(planned.query.schema) == "`ID` BIGINT, `WINDOWSTART` BIGINT, `WINDOWEND` BIGINT, `N` BIGINT"
    assert planned.query.result == "TABLE"


def test_a_pull_query_reads_a_stream_to_its_end(planner: StatementPlanner) -> None:
    planned = planner.plan("SELECT * FROM SHIPMENTS WHERE CARRIER = 'dhl';")
    assert isinstance(planned, StreamPullPlan)


def test_one_key(tables: StatementPlanner) -> None:
    planned = pull(tables, "SELECT * FROM TOTALS WHERE ID = 1 + 4 LIMIT 1;")
    assert planned.kind is LookupKind.KEYS
    assert planned.lookups == (KeyLookup((5,)),)
    assert planned.predicate is None
    assert planned.limit == 1
    assert str(planned.schema) == "`ID` BIGINT KEY, `SPENT` DOUBLE"


@pytest.mark.parametrize("where", ["ID IN (1, 2, 1)", "ID = 1 OR 2 = ID"])
def test_several_keys(tables: StatementPlanner, where: str) -> None:
    planned = pull(tables, f"SELECT SPENT FROM TOTALS WHERE {where};")
    assert planned.lookups == (KeyLookup((1,)), KeyLookup((2,)))
    assert str(planned.schema) == "`SPENT` DOUBLE"


def test_other_conditions_become_the_predicate(tables: StatementPlanner) -> None:
    planned = pull(tables, "SELECT * FROM TOTALS WHERE ID = 1 AND SPENT > 5;")
    assert planned.kind is LookupKind.KEYS
    assert planned.predicate is not None


def test_all_key_columns_are_needed(tables: StatementPlanner) -> None:
    assert pull(tables, "SELECT * FROM PAIRS WHERE CUSTOMER = 2 AND ID = 1;").lookups == (KeyLookup((1, 2)),)
    assert pull(tables, "SELECT * FROM PAIRS WHERE CUSTOMER = 2;").kind is LookupKind.SCAN


def test_windows_of_a_key(tables: StatementPlanner) -> None:
    planned = pull(
        tables, "SELECT * FROM WINDOWS WHERE ID = 1 AND WINDOWSTART >= '2026-11-21' AND WINDOWSTART < 1795305600000;"
    )
    start = Bounds(1795219200000, 1795305600000, upper_inclusive=False)
    assert planned.lookups == (KeyLookup((1,), window_start=start),)
    assert planned.predicate is None
    assert str(planned.schema) == "`ID` BIGINT KEY, `WINDOWSTART` BIGINT KEY, `WINDOWEND` BIGINT KEY, `N` BIGINT"


def test_a_range_of_keys(tables: StatementPlanner) -> None:
    planned = pull(tables, "SELECT * FROM TOTALS WHERE 10 < ID;")
    assert planned.kind is LookupKind.RANGE
    assert planned.key_range == Bounds(lower=10, lower_inclusive=False)
    assert [planned.key_range.holds(value) for value in (10, 11)] == [False, True]


@pytest.mark.parametrize("where", ["", "WHERE SPENT > 1", "WHERE ID > 1 AND ID < 5", "WHERE ID = 1 OR SPENT = 2"])
def test_scans(tables: StatementPlanner, where: str) -> None:
    assert pull(tables, f"SELECT * FROM TOTALS {where};").kind is LookupKind.SCAN


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("WHERE SPENT > 1", "WHERE clause missing key column for disjunct"),
        ("WHERE ID != 1", "Bound on key columns '[`ID` BIGINT KEY]' must currently be '='."),
        ("WHERE ID + 1 = 2", "A comparison must directly reference a key column."),
        ("WHERE ID = CAST(SPENT AS BIGINT)", "between a key column and a resolvable expression."),
        ("WHERE ID > 1 AND ID < 5", "cannot be combined with other comparisons such as an IN predicate"),
        ("WHERE ID < 1 OR ID > 5", "Query requires table scan to be enabled"),
    ],
)
def test_scans_can_be_disabled(tables: StatementPlanner, where: str, words: str) -> None:
    tables.properties["ksql.query.pull.table.scan.enabled"] = "false"
    assert words in tables.refusal(f"SELECT * FROM TOTALS {where};")


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("SELECT * FROM CUSTOMERS WHERE ID = 1;", "The `CUSTOMERS` table isn't queryable."),
        ("SELECT ID FROM TOTALS GROUP BY ID;", "Pull queries don't support GROUP BY clauses."),
        ("SELECT * FROM TOTALS WINDOW TUMBLING (SIZE 1 HOUR) WHERE ID = 1;", "don't support WINDOW clauses."),
        ("SELECT * FROM TOTALS T JOIN CUSTOMERS C ON T.ID = C.ID;", "Pull queries don't support JOIN clauses."),
        ("SELECT ROWOFFSET, ID FROM TOTALS;", "following columns in SELECT clauses: `ROWOFFSET`"),
        ("SELECT * FROM TOTALS WHERE ROWPARTITION = 1;", "following columns in WHERE clauses: `ROWPARTITION`"),
        ("SELECT * FROM TOTALS WHERE ID = 'x';", "Cannot compare ID (BIGINT) to 'x' (STRING) with EQUAL."),
        ("SELECT * FROM TOTALS WHERE ID IN (NULL);", "Primary key columns can not be NULL: (ID = null)"),
        ("SELECT * FROM TOTALS WHERE WINDOWSTART = 1;", "WHERE column 'WINDOWSTART' cannot be resolved."),
        ("SELECT * FROM WINDOWS WHERE WINDOWSTART = 'noon';", "Failed to parse timestamp 'noon'"),
        ("SELECT * FROM WINDOWS WHERE ID = 1 AND WINDOWSTART < 1/0;", "Window bounds must resolve to an INT, BIGINT"),
        ("SELECT * FROM WINDOWS WHERE ID = 1 AND 1.5 = WINDOWEND;", "WINDOWEND is compared with 1.5"),
        ("SELECT * FROM WINDOWS WHERE WINDOWSTART = CAST(NULL AS BIGINT);", "is compared with CAST(null AS BIGINT)"),
    ],
)
def test_refusals(tables: StatementPlanner, statement: str, words: str) -> None:
    assert words in tables.refusal(statement)


@pytest.mark.parametrize("source", ["TOTALS", "ORDERS", "WINDOWS"])
@pytest.mark.parametrize("item", ["COUNT(*)", "SUM(ID) + 1", "ID, MAX(ID)"])
def test_aggregates_are_refused(tables: StatementPlanner, source: str, item: str) -> None:
    assert "Pull queries don't support aggregate functions" in tables.refusal(f"SELECT {item} FROM {source};")


@pytest.mark.parametrize(
    ("kind", "literal", "key"),
    [
        ("ARRAY<INT>", "ARRAY[1, 2]", [1, 2]),
        ("STRUCT<A INT, B STRING>", "STRUCT(A := 1, B := 'x')", {"A": 1, "B": "x"}),
        ("ARRAY<STRUCT<A INT>>", "ARRAY[STRUCT(A := 1)]", [{"A": 1}]),
    ],
)
def test_keys_can_be_arrays_and_structs(planner: StatementPlanner, kind: str, literal: str, key: object) -> None:
    planner.run(
        f"CREATE STREAM S (K {kind} KEY, N INT) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);",
        "CREATE TABLE T AS SELECT K, COUNT(*) AS C FROM S GROUP BY K;",
    )
    for where in (f"K = {literal}", f"K IN ({literal}, {literal})"):
        planned = pull(planner, f"SELECT * FROM T WHERE {where};")
        assert [thaw_key(lookup.key) for lookup in planned.lookups] == [(key,)]


@pytest.mark.parametrize(
    "where", ["ID = 1 AND ID = 1", "ID = 1 AND ID = 2", "ID = 1 AND ID IN (1, 2)", "ID = 1 AND ID > 0"]
)
def test_several_conditions_on_a_key_column_need_scans(tables: StatementPlanner, where: str) -> None:
    statement = f"SELECT * FROM TOTALS WHERE {where};"
    pull(tables, statement)
    tables.properties["ksql.query.pull.table.scan.enabled"] = "false"
    assert "cannot be combined with other comparisons such as an IN predicate" in tables.refusal(statement)


def test_without_range_scans_a_range_needs_a_table_scan(tables: StatementPlanner) -> None:
    statement = "SELECT * FROM TOTALS WHERE ID > 10;"
    tables.properties["ksql.query.pull.range.scan.enabled"] = "false"
    assert pull(tables, statement).kind is LookupKind.SCAN
    tables.properties["ksql.query.pull.table.scan.enabled"] = "false"
    assert "Query requires table scan to be enabled" in tables.refusal(statement)


@pytest.mark.parametrize(
    ("name", "statement", "words"),
    [
        ("ksql.query.pull.limit.clause.enabled", "SELECT * FROM TOTALS LIMIT 1;", "LIMIT clauses of pull queries"),
        ("ksql.query.pull.stream.enabled", "SELECT * FROM ORDERS;", "Pull queries on streams are disabled."),
        ("ksql.pull.queries.enable", "SELECT * FROM TOTALS WHERE ID = 1;", "Pull queries are disabled."),
    ],
)
def test_properties_disable_pull_queries(tables: StatementPlanner, name: str, statement: str, words: str) -> None:
    tables.plan(statement)
    tables.properties[name] = "false"
    assert words in tables.refusal(statement)


def test_a_push_query_with_a_negative_limit_is_refused(planner: StatementPlanner) -> None:
    assert "LIMIT must not be negative" in planner.refusal("SELECT * FROM ORDERS EMIT CHANGES LIMIT -1;")


def test_decimal_keys_are_not_rounded(planner: StatementPlanner) -> None:
    planner.run(
        "CREATE STREAM S (K DECIMAL(4, 2) KEY, N INT) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);",
        "CREATE TABLE T AS SELECT K, COUNT(*) AS C FROM S GROUP BY K;",
    )
    assert pull(planner, "SELECT * FROM T WHERE K = 1.5;").lookups == (KeyLookup((Decimal("1.50"),)),)
    assert "1.555 can not be converted to the type of the key column" in planner.refusal(
        "SELECT * FROM T WHERE K = 1.555;"
    )
