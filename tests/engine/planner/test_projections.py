"""CREATE STREAM|TABLE AS SELECT without joins and aggregates: columns, keys, formats, filled-in text."""

from __future__ import annotations

import pytest

from bifrost.engine.plan.steps import StreamSelectKey
from tests.engine.planner.planning import StatementPlanner, step_of, steps


def test_the_statement_is_completed_and_its_columns_qualified(planner: StatementPlanner) -> None:
    planned = planner.query("create stream big as select id, total * 2, address->town from orders where total > 10;")
    assert planned.statement == (
        "CREATE STREAM BIG WITH (CLEANUP_POLICY='delete', KAFKA_TOPIC='BIG', PARTITIONS=2, REPLICAS=1, "
        "RETENTION_MS=604800000) AS SELECT\n"
        "  ORDERS.ID ID,\n"
        "  (ORDERS.TOTAL * 2) KSQL_COL_0,\n"
        "  ORDERS.ADDRESS->TOWN TOWN\n"
        "FROM ORDERS ORDERS\n"
        "WHERE (ORDERS.TOTAL > 10)\n"
        "EMIT CHANGES;"
    )
    assert planned.query.query_id.startswith("CSAS_BIG_")
    assert steps(planned) == ["StreamSink", "StreamSelect", "StreamFilter", "StreamSource"]


def test_generated_names_are_unique(planner: StatementPlanner) -> None:
    planner.run("CREATE STREAM X AS SELECT ID, TOTAL + 1, ADDRESS->ZIP, TAGS[1] FROM ORDERS;")
    assert planner.schema("X") == "`ID` BIGINT KEY, `KSQL_COL_0` DOUBLE, `ZIP` INTEGER, `KSQL_COL_1` STRING"
    planner.run("CREATE STREAM Y AS SELECT ID, KSQL_COL_0 * 2, ZIP FROM X;")
    assert planner.schema("Y") == "`ID` BIGINT KEY, `KSQL_COL_2` DOUBLE, `ZIP` INTEGER"


def test_star_expands_to_key_and_value_without_pseudo_columns(planner: StatementPlanner) -> None:
    planner.run("CREATE TABLE X AS SELECT *, ROWTIME AS CHANGED FROM CUSTOMERS;")
    assert planner.schema("X") == "`ID` INTEGER KEY, `NAME` STRING, `COUNTRY` STRING, `CHANGED` BIGINT"


def test_struct_star_expands_to_the_fields(planner: StatementPlanner) -> None:
    planner.run("CREATE STREAM X AS SELECT ID, ADDRESS->* FROM ORDERS;")
    assert planner.schema("X") == "`ID` BIGINT KEY, `TOWN` STRING, `ZIP` INTEGER"


def test_the_key_takes_its_alias(planner: StatementPlanner) -> None:
    planner.run("CREATE STREAM X AS SELECT TOTAL, ID AS ORDER_NUMBER FROM ORDERS;")
    assert planner.schema("X") == "`ORDER_NUMBER` BIGINT KEY, `TOTAL` DOUBLE"


def test_formats_default_to_those_of_the_source(planner: StatementPlanner) -> None:
    planned = planner.query("CREATE STREAM X WITH (KEY_FORMAT='AVRO', VALUE_FORMAT='JSON_SR') AS SELECT * FROM ORDERS;")
    key, value = planned.sink.formats.key.format, planned.sink.formats.value.format
    assert (key.name, value.name) == ("AVRO", "JSON_SR")
    assert key.properties["fullSchemaName"] == "io.confluent.ksql.avro_schemas.XKey"
    other = planner.query("CREATE STREAM Y AS SELECT * FROM ORDERS;").sink.formats
    assert (other.key.format.name, other.value.format.name) == ("KAFKA", "JSON")


def test_topic_settings_default_to_those_of_the_source(planner: StatementPlanner) -> None:
    planned = planner.query(
        "CREATE STREAM X WITH (KAFKA_TOPIC='there', PARTITIONS=5, RETENTION_MS=-1) AS SELECT * FROM ORDERS;"
    )
    assert planned.topic is not None
    assert (planned.topic.name, planned.topic.partitions, planned.topic.retention_ms) == ("there", 5, -1)
    assert planned.sink.partitions == 5


def test_event_time_may_come_from_a_column(planner: StatementPlanner) -> None:
    planned = planner.query(
        "CREATE STREAM X WITH (TIMESTAMP='n') AS SELECT ID, CAST(TOTAL AS BIGINT) AS N FROM ORDERS;"
    )
    assert planned.sink.timestamp is not None
    assert planned.sink.timestamp.column == "N"


def test_partition_by_a_column_makes_it_the_key(planner: StatementPlanner) -> None:
    planned = planner.query("CREATE STREAM X AS SELECT * FROM ORDERS PARTITION BY CUSTOMER;")
    assert planner.schema("X") == (
        "`CUSTOMER` INTEGER KEY, `TOTAL` DOUBLE, `ADDRESS` STRUCT<`TOWN` STRING, `ZIP` INTEGER>, "
        "`TAGS` ARRAY<STRING>, `ID` BIGINT"
    )
    assert "StreamSelectKey" in steps(planned)


def test_partition_by_an_expression_that_is_selected_takes_its_alias(planner: StatementPlanner) -> None:
    planned = planner.query(
        "CREATE STREAM X AS SELECT UCASE(TAGS[1]) AS TAG, TOTAL FROM ORDERS PARTITION BY UCASE(TAGS[1]);"
    )
    assert planner.schema("X") == "`TAG` STRING KEY, `TOTAL` DOUBLE"
    rekeyed = step_of(planned, "StreamSelectKey")
    assert isinstance(rekeyed, StreamSelectKey)
    assert [column.name for column in rekeyed.schema.key] == ["KSQL_COL_0"]


def test_partition_by_the_key_changes_nothing(planner: StatementPlanner) -> None:
    assert "StreamSelectKey" not in steps(planner.query("CREATE STREAM X AS SELECT * FROM ORDERS PARTITION BY ID;"))


def test_partition_by_null_leaves_no_key(planner: StatementPlanner) -> None:
    planner.run("CREATE STREAM X AS SELECT TOTAL, ID FROM ORDERS PARTITION BY NULL;")
    assert planner.schema("X") == "`TOTAL` DOUBLE, `ID` BIGINT"


def test_partition_by_several_columns_needs_a_format_for_them(planner: StatementPlanner) -> None:
    select = "AS SELECT ID, CUSTOMER, TOTAL FROM ORDERS PARTITION BY CUSTOMER, ID;"
    assert "The 'KAFKA' format only supports a single field." in planner.refusal(f"CREATE STREAM X {select}")
    planner.run(f"CREATE STREAM X WITH (KEY_FORMAT='JSON') {select}")
    assert planner.schema("X") == "`CUSTOMER` INTEGER KEY, `ID` BIGINT KEY, `TOTAL` DOUBLE"


def test_table_functions_explode_rows(planner: StatementPlanner) -> None:
    planned = planner.query("CREATE STREAM X AS SELECT ID, UCASE(EXPLODE(TAGS)) AS TAG FROM ORDERS;")
    assert steps(planned) == ["StreamSink", "StreamSelect", "StreamFlatMap", "StreamSource"]
    assert planner.schema("X") == "`ID` BIGINT KEY, `TAG` STRING"


def test_text_compared_with_a_time_becomes_a_time(planner: StatementPlanner) -> None:
    planned = planner.query(
        "CREATE STREAM X AS SELECT ID, TOTAL FROM ORDERS WHERE ROWTIME >= '2026-11-21T10:00:00+0100';"
    )
    assert "1795251600000" in str(step_of(planned, "StreamFilter"))


@pytest.mark.parametrize(
    ("select", "words"),
    [
        ("SELECT * FROM NOPE", "NOPE does not exist."),
        ("SELECT ID, NOPE FROM ORDERS", "Line: 1, Col: 31: SELECT column 'NOPE' cannot be resolved."),
        ("SELECT ID, X.TOTAL FROM ORDERS", "'X' is not a valid stream/table name or alias."),
        ("SELECT ID, TOTAL FROM ORDERS WHERE NOPE = 1", "WHERE column 'NOPE' cannot be resolved."),
        ("SELECT ID, TOTAL FROM ORDERS WHERE TOTAL", "Should evaluate to boolean but is TOTAL (DOUBLE) instead."),
        ("SELECT ID, TOTAL FROM ORDERS WHERE TOTAL = 'a'", "Error in WHERE expression: Cannot compare TOTAL (DOUBLE)"),
        ("SELECT TOTAL FROM ORDERS", "must include the key column ID in its projection (eg, SELECT ID...)."),
        ("SELECT ID, ID AS ID2, TOTAL FROM ORDERS", "key column (`ID`) more than once, aliased as: ID and ID2."),
        ("SELECT ID FROM ORDERS", "The projection contains no value columns."),
        ("SELECT ID, ROWTIME FROM ORDERS", "Reserved column name in select: `ROWTIME`."),
        ("SELECT ID, TOTAL AS ROWTIME FROM ORDERS", "You cannot use it as an alias for a column."),
        ("SELECT ID, NULL AS N FROM ORDERS", "Can't infer a type of null."),
        ("SELECT ID, TOTAL AS A, CUSTOMER AS A FROM ORDERS", "Duplicate value columns found in schema: `A` INTEGER"),
        ("SELECT TOTAL FROM ORDERS PARTITION BY CUSTOMER", "the partitioning expression ORDERS.CUSTOMER in its"),
        ("SELECT * FROM ORDERS PARTITION BY CUSTOMER, NULL", "Cannot PARTITION BY multiple columns including NULL"),
        ("SELECT ID, TOTAL FROM ORDERS EMIT FINAL", "EMIT FINAL is only supported for windowed aggregations."),
        ("SELECT ID, CAST(TAGS AS INT) AS X FROM ORDERS", "Invalid Select: Cast of ARRAY<STRING> to INTEGER"),
    ],
)
def test_refusals(planner: StatementPlanner, select: str, words: str) -> None:
    assert words in planner.refusal(f"CREATE STREAM X AS {select};")


def test_tables_are_not_rekeyed(planner: StatementPlanner) -> None:
    assert "Cannot repartition a TABLE source" in planner.refusal(
        "CREATE TABLE X AS SELECT * FROM CUSTOMERS PARTITION BY COUNTRY;"
    )


def test_the_kind_of_the_result_must_be_the_statements(planner: StatementPlanner) -> None:
    assert "Your SELECT query produces a STREAM." in planner.refusal("CREATE TABLE X AS SELECT * FROM ORDERS;")


def test_or_replace_keeps_the_query_and_its_columns(planner: StatementPlanner) -> None:
    first = planner.query("CREATE STREAM X AS SELECT ID, TOTAL FROM ORDERS;")
    second = planner.query("CREATE OR REPLACE STREAM X AS SELECT ID, TOTAL, CUSTOMER FROM ORDERS WHERE TOTAL > 1;")
    assert second.query.query_id == second.replaces == first.query.query_id
    assert "missing or reordered: [`TOTAL` DOUBLE" in planner.refusal(
        "CREATE OR REPLACE STREAM X AS SELECT ID, CUSTOMER FROM ORDERS;"
    )


def test_a_stream_partitioned_by_null_has_no_key_format(planner: StatementPlanner) -> None:
    select = "AS SELECT TOTAL, ID FROM ORDERS PARTITION BY NULL;"
    for name, properties in (("X", ""), ("Y", "WITH (KEY_FORMAT='NONE')")):
        formats = planner.query(f"CREATE STREAM {name} {properties} {select}").sink.formats
        assert (formats.key.format.name, formats.value.format.name) == ("NONE", "JSON")
    for properties in ("KEY_FORMAT='JSON'", "KEY_FORMAT='KAFKA'", "FORMAT='JSON'"):
        assert "Key format specified for stream without key columns" in planner.refusal(
            f"CREATE STREAM Z WITH ({properties}) {select}"
        )


def test_table_functions_expand_rows_of_a_stream_table_join(planner: StatementPlanner) -> None:
    planned = planner.query(
        "CREATE STREAM X AS SELECT O.CUSTOMER AS C, NAME AS N, EXPLODE(TAGS) AS TAG FROM ORDERS O"
        " JOIN CUSTOMERS C ON O.CUSTOMER = C.ID;"
    )
    assert str(planned.sink.schema) == "`C` INTEGER KEY, `N` STRING, `TAG` STRING"
    assert "Table source is not supported with table functions" in planner.refusal(
        "CREATE TABLE Y AS SELECT ID, EXPLODE(ARRAY[NAME]) AS N FROM CUSTOMERS;"
    )
