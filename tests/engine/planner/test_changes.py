"""ALTER, DROP and types."""

from __future__ import annotations

from bifrost.engine.planner.outcome import AlterPlan, DropPlan, NothingToDo
from tests.engine.planner.bench import Bench


def test_alter_adds_columns_at_the_end(bench: Bench) -> None:
    planned = bench.run("ALTER STREAM SHIPMENTS ADD COLUMN WEIGHT INT;")
    assert isinstance(planned, AlterPlan)
    assert bench.schema("SHIPMENTS") == "`ORDER_ID` BIGINT KEY, `CARRIER` STRING, `WEIGHT` INTEGER"


def test_alter_refuses_names_that_are_taken_and_sources_of_queries(bench: Bench) -> None:
    assert "already exists" in bench.refusal("ALTER STREAM SHIPMENTS ADD COLUMN CARRIER INT;")
    bench.run("CREATE STREAM BIG AS SELECT ID, TOTAL FROM ORDERS;")
    assert "CREATE OR REPLACE" in bench.refusal("ALTER STREAM BIG ADD COLUMN X INT;")


def test_drop_refuses_what_others_are_made_from(bench: Bench) -> None:
    bench.run("CREATE STREAM BIG AS SELECT ID, TOTAL FROM ORDERS;")
    assert bench.refusal("DROP STREAM ORDERS;") == (
        "Cannot drop ORDERS.\nThe following streams and/or tables read from this source: [BIG].\n"
        "You need to drop them before dropping ORDERS."
    )


def test_drop_ends_the_query_that_writes(bench: Bench) -> None:
    made = bench.query("CREATE STREAM BIG AS SELECT ID, TOTAL FROM ORDERS;")
    planned = bench.run("DROP STREAM BIG DELETE TOPIC;")
    assert isinstance(planned, DropPlan)
    assert planned.query_id == made.query.query_id
    assert planned.delete_topic
    assert planned.statement == "DROP STREAM BIG;"


def test_drop_minds_the_kind_and_if_exists(bench: Bench) -> None:
    assert (
        bench.refusal("DROP TABLE ORDERS;") == "Incompatible data source type is STREAM, but statement was DROP TABLE"
    )
    assert bench.refusal("DROP STREAM NOPE;") == "Stream NOPE does not exist."
    assert bench.run("DROP STREAM IF EXISTS NOPE;") == NothingToDo(
        "DROP STREAM IF EXISTS NOPE;", "Source `NOPE` does not exist."
    )


def test_types_are_made_once(bench: Bench) -> None:
    bench.run("CREATE TYPE PLACE AS STRUCT<TOWN STRING>;")
    assert "already registered" in bench.refusal("CREATE TYPE PLACE AS INT;")
    assert isinstance(bench.run("CREATE TYPE IF NOT EXISTS PLACE AS INT;"), NothingToDo)
    bench.run("DROP TYPE PLACE;")
    assert bench.refusal("DROP TYPE PLACE;") == "Type PLACE does not exist."
