"""A plan as EXPLAIN prints it, as JSON, and compared with the plan that takes its place."""

from __future__ import annotations

import json

import pytest

from bifrost.engine.plan.as_json import plan_from_json, plan_to_json
from bifrost.engine.plan.as_text import execution_plan_text
from bifrost.engine.planner import check_upgrade
from bifrost.errors import AnalysisError, StateError
from tests.engine.planner.planning import StatementPlanner

STATEMENTS = [
    "CREATE STREAM X AS SELECT ID, EXPLODE(TAGS) AS TAG, ADDRESS->* FROM ORDERS WHERE TOTAL > 1.5 PARTITION BY ID;",
    "CREATE STREAM X AS SELECT O.CUSTOMER, NAME FROM ORDERS O LEFT JOIN CUSTOMERS C ON O.CUSTOMER = C.ID;",
    "CREATE STREAM X AS SELECT ROWKEY, CARRIER FROM ORDERS O FULL JOIN SHIPMENTS S WITHIN 1 HOUR ON O.ID = S.ORDER_ID;",
    "CREATE TABLE X AS SELECT CUSTOMER, TOPK(TOTAL, 3) AS BEST FROM ORDERS WINDOW SESSION (1 HOUR) GROUP BY CUSTOMER "
    "HAVING COUNT(*) > 2 EMIT FINAL;",
    "CREATE TABLE X AS SELECT COUNTRY, COUNT(*) AS N FROM CUSTOMERS GROUP BY COUNTRY;",
    "CREATE STREAM X AS SELECT ID, TRANSFORM(TAGS, T => LCASE(T)) AS `low tags` FROM ORDERS;",
]


def test_execution_plan_text(planner: StatementPlanner) -> None:
    planned = planner.query(
        "CREATE STREAM BIG AS SELECT ORDER_ID, UCASE(CARRIER) AS C FROM SHIPMENTS WHERE CARRIER <> 'x';"
    )
    source = (
        "ORDER_ID BIGINT KEY, CARRIER STRING, ROWTIME BIGINT, ROWPARTITION INTEGER, ROWOFFSET BIGINT, ORDER_ID BIGINT"
    )
    name = planned.query.query_id
    assert execution_plan_text(planned.query) == (
        f" > [ SINK ] | Schema: ORDER_ID BIGINT KEY, C STRING | Logger: {name}.BIG\n"
        f"\t\t > [ PROJECT ] | Schema: ORDER_ID BIGINT KEY, C STRING | Logger: {name}.Project\n"
        f"\t\t\t\t > [ FILTER ] | Schema: {source} | Logger: {name}.WhereFilter\n"
        f"\t\t\t\t\t\t > [ SOURCE ] | Schema: {source} | Logger: {name}.KsqlTopic.Source\n"
    )


def test_aggregations_are_shown_with_the_columns_they_read(planner: StatementPlanner) -> None:
    planned = planner.query("CREATE TABLE X AS SELECT ID, SUM(TOTAL) AS S FROM ORDERS GROUP BY ID;")
    lines = execution_plan_text(planned.query).splitlines()
    assert "[ AGGREGATE ] | Schema: ID BIGINT KEY, ID BIGINT, TOTAL DOUBLE, KSQL_AGG_VARIABLE_0 DOUBLE |" in lines[2]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_plans_survive_json(planner: StatementPlanner, statement: str) -> None:
    plan = planner.query(statement).query
    assert plan_from_json(json.loads(json.dumps(plan_to_json(plan)))) == plan


def test_data_that_is_not_a_plan_is_refused() -> None:
    with pytest.raises(StateError, match="not a query plan"):
        plan_from_json({"@type": "QueryPlan", "query_id": "X"})


def test_filters_and_projections_may_be_replaced(planner: StatementPlanner) -> None:
    old = planner.query("CREATE TABLE X AS SELECT ID, SUM(TOTAL) AS N FROM ORDERS GROUP BY ID;")
    new = planner.query(
        "CREATE OR REPLACE TABLE X AS SELECT ID, SUM(TOTAL) AS N FROM ORDERS WHERE TOTAL > 5 GROUP BY ID;"
    )
    check_upgrade(old.query, new.query)


def test_a_filter_of_an_aggregation_may_not_read_further_columns(planner: StatementPlanner) -> None:
    old = planner.query("CREATE TABLE X AS SELECT ID, COUNT(*) AS N FROM ORDERS GROUP BY ID;")
    new = planner.query(
        "CREATE OR REPLACE TABLE X AS SELECT ID, COUNT(*) AS N FROM ORDERS WHERE TOTAL > 5 GROUP BY ID;"
    )
    for running, wanted in ((old, new), (new, old)):
        with pytest.raises(AnalysisError, match="Upgrades not yet supported for StreamAggregate"):
            check_upgrade(running.query, wanted.query)


def test_an_aggregation_of_a_table_is_not_changed_in_place(planner: StatementPlanner) -> None:
    select = "SELECT COUNTRY, COUNT(*) AS N FROM CUSTOMERS"
    old = planner.query(f"CREATE TABLE X AS {select} GROUP BY COUNTRY;")
    new = planner.query(f"CREATE OR REPLACE TABLE X AS {select} WHERE COUNTRY <> 'X' GROUP BY COUNTRY;")
    with pytest.raises(AnalysisError, match="Upgrades not yet supported for TableAggregate"):
        check_upgrade(old.query, new.query)


def test_the_time_column_of_a_sink_is_not_changed_in_place(planner: StatementPlanner) -> None:
    select = "AS SELECT ID, AS_VALUE(ID) AS V FROM ORDERS"
    old = planner.query(f"CREATE STREAM X {select};")
    new = planner.query(f"CREATE OR REPLACE STREAM X WITH (TIMESTAMP='V') {select};")
    with pytest.raises(AnalysisError, match="Upgrades not yet supported for StreamSink"):
        check_upgrade(old.query, new.query)


@pytest.mark.parametrize(
    ("select", "words"),
    [
        ("SELECT ID, SUM(CUSTOMER) AS N FROM ORDERS GROUP BY ID", "Upgrades not yet supported for StreamAggregate"),
        (
            "SELECT CUSTOMER AS ID, COUNT(*) AS N FROM ORDERS GROUP BY CUSTOMER",
            "Upgrades not yet supported for StreamGroupBy",
        ),
        ("SELECT ORDER_ID AS ID, COUNT(*) AS N FROM SHIPMENTS GROUP BY ORDER_ID", "it reads ORDERS"),
    ],
)
def test_changes_that_invalidate_state_are_refused(planner: StatementPlanner, select: str, words: str) -> None:
    old = planner.query("CREATE TABLE X AS SELECT ID, COUNT(*) AS N FROM ORDERS GROUP BY ID;")
    new = planner.query(f"CREATE TABLE Y AS {select};")
    with pytest.raises(AnalysisError, match=words):
        check_upgrade(old.query, new.query)


def test_queries_with_joins_are_not_changed_in_place(planner: StatementPlanner) -> None:
    join = "FROM ORDERS O JOIN CUSTOMERS C ON O.CUSTOMER = C.ID"
    old = planner.query(f"CREATE STREAM X AS SELECT O.CUSTOMER, NAME {join};")
    same = planner.query(f"CREATE OR REPLACE STREAM X AS SELECT O.CUSTOMER, NAME {join};")
    check_upgrade(old.query, same.query)
    new = planner.query(f"CREATE OR REPLACE STREAM X AS SELECT O.CUSTOMER, NAME, COUNTRY {join};")
    with pytest.raises(AnalysisError, match="Upgrades not yet supported for StreamTableJoin"):
        check_upgrade(old.query, new.query)
