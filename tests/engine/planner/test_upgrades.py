"""ALTER, DROP and types."""

from __future__ import annotations

from bifrost.engine.planner.outcome import AlterPlan, DropPlan, NothingToDo
from tests.engine.planner.planning import StatementPlanner


def test_alter_adds_columns_at_the_end(planner: StatementPlanner) -> None:
    planned = planner.run("ALTER STREAM SHIPMENTS ADD COLUMN WEIGHT INT;")
    assert isinstance(planned, AlterPlan)
    assert planner.schema("SHIPMENTS") == "`ORDER_ID` BIGINT KEY, `CARRIER` STRING, `WEIGHT` INTEGER"


def test_alter_refuses_existing_columns_and_sources_of_queries(planner: StatementPlanner) -> None:
    assert "already exists" in planner.refusal("ALTER STREAM SHIPMENTS ADD COLUMN CARRIER INT;")
    planner.run("CREATE STREAM BIG AS SELECT ID, TOTAL FROM ORDERS;")
    assert "CREATE OR REPLACE" in planner.refusal("ALTER STREAM BIG ADD COLUMN X INT;")


def test_drop_refuses_sources_that_others_read(planner: StatementPlanner) -> None:
    planner.run("CREATE STREAM BIG AS SELECT ID, TOTAL FROM ORDERS;")
    assert planner.refusal("DROP STREAM ORDERS;") == (
        "Cannot drop ORDERS.\nThe following streams and/or tables read from this source: [BIG].\n"
        "You need to drop them before dropping ORDERS."
    )


def test_drop_terminates_the_query_that_writes_the_source(planner: StatementPlanner) -> None:
    made = planner.query("CREATE STREAM BIG AS SELECT ID, TOTAL FROM ORDERS;")
    planned = planner.run("DROP STREAM BIG DELETE TOPIC;")
    assert isinstance(planned, DropPlan)
    assert planned.query_id == made.query.query_id
    assert planned.delete_topic
    assert planned.statement == "DROP STREAM BIG;"


def test_drop_checks_the_kind_and_if_exists(planner: StatementPlanner) -> None:
    assert (
        planner.refusal("DROP TABLE ORDERS;") == "Incompatible data source type is STREAM, but statement was DROP TABLE"
    )
    assert planner.refusal("DROP STREAM NOPE;") == "Stream NOPE does not exist."
    assert planner.run("DROP STREAM IF EXISTS NOPE;") == NothingToDo(
        "DROP STREAM IF EXISTS NOPE;", "Source `NOPE` does not exist."
    )


def test_a_type_cannot_be_created_twice(planner: StatementPlanner) -> None:
    planner.run("CREATE TYPE PLACE AS STRUCT<TOWN STRING>;")
    assert "already registered" in planner.refusal("CREATE TYPE PLACE AS INT;")
    assert isinstance(planner.run("CREATE TYPE IF NOT EXISTS PLACE AS INT;"), NothingToDo)
    planner.run("DROP TYPE PLACE;")
    assert planner.refusal("DROP TYPE PLACE;") == "Type PLACE does not exist."
