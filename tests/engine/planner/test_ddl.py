"""CREATE STREAM|TABLE: columns, formats, topics, refusals."""

from __future__ import annotations

import json

import pytest

from bifrost.engine.catalog.schema import WindowKind
from bifrost.engine.catalog.topics import TopicInfo
from bifrost.engine.planner.outcome import CreatePlan, NothingToDo
from tests.engine.planner.planning import StatementPlanner, avro


def created(planner: StatementPlanner, statement: str) -> CreatePlan:
    planned = planner.run(statement)
    assert isinstance(planned, CreatePlan)
    return planned


def test_a_statement_is_completed_with_defaults(planner: StatementPlanner) -> None:
    planned = created(
        planner, "create stream x (a varchar key, b int) with (kafka_topic='x', value_format='json', partitions=3);"
    )
    assert planned.statement == (
        "CREATE STREAM X (A STRING KEY, B INTEGER) WITH (CLEANUP_POLICY='delete', KAFKA_TOPIC='x', "
        "KEY_FORMAT='KAFKA', PARTITIONS=3, VALUE_FORMAT='json');"
    )
    assert planned.topic is not None
    assert (planned.topic.name, planned.topic.partitions, planned.topic.cleanup_policy) == ("x", 3, "delete")
    assert planned.source.partitions == 3


def test_columns_are_inferred_if_the_statement_lists_none() -> None:
    planner = StatementPlanner({"r-value": avro(user_id="int", stars="long")}, {"r": TopicInfo(4)})
    planned = created(planner, "CREATE STREAM R WITH (KAFKA_TOPIC='r', VALUE_FORMAT='AVRO');")
    assert str(planned.source.schema) == "`USER_ID` INTEGER, `STARS` BIGINT"
    assert planned.topic is None
    assert planned.source.partitions == 4


def test_key_columns_may_be_listed_and_value_columns_inferred() -> None:
    planner = StatementPlanner({"c-value": avro(name="string")}, {"c": TopicInfo()})
    created(
        planner, "CREATE TABLE C (ID INT PRIMARY KEY) WITH (KAFKA_TOPIC='c', VALUE_FORMAT='AVRO', KEY_FORMAT='JSON');"
    )
    assert planner.schema("C") == "`ID` INTEGER KEY, `NAME` STRING"


def test_an_unwrapped_key_schema_gives_one_column() -> None:
    planner = StatementPlanner({"c-value": avro(name="string"), "c-key": avro(ID="int")}, {"c": TopicInfo()})
    created(planner, "CREATE STREAM C WITH (KAFKA_TOPIC='c', FORMAT='AVRO');")
    assert planner.schema("C") == "`ROWKEY` STRUCT<`ID` INTEGER> KEY, `NAME` STRING"


def test_custom_types_are_resolved(planner: StatementPlanner) -> None:
    planner.run("CREATE TYPE PLACE AS STRUCT<TOWN STRING>;")
    created(
        planner, "CREATE STREAM X (P PLACE, Q ARRAY<PLACE>) WITH (KAFKA_TOPIC='x', VALUE_FORMAT='JSON', PARTITIONS=1);"
    )
    assert planner.schema("X") == "`P` STRUCT<`TOWN` STRING>, `Q` ARRAY<STRUCT<`TOWN` STRING>>"


def test_windowed_keys_are_declared_by_properties(planner: StatementPlanner) -> None:
    planned = created(
        planner,
        "CREATE TABLE W (ID STRING PRIMARY KEY, N INT) WITH (KAFKA_TOPIC='w', VALUE_FORMAT='JSON', PARTITIONS=1,"
        " WINDOW_TYPE='tumbling', WINDOW_SIZE='10 SECONDS');",
    )
    window = planned.source.formats.key.window
    assert window is not None
    assert (window.kind, window.size_ms) == (WindowKind.TUMBLING, 10_000)
    assert planned.topic is not None
    assert planned.topic.cleanup_policy == "compact,delete"


def test_header_columns_are_neither_key_nor_value(planner: StatementPlanner) -> None:
    planned = created(
        planner,
        "CREATE STREAM H (K STRING KEY, V INT, T BYTES HEADER('trace')) "
        "WITH (KAFKA_TOPIC='h', VALUE_FORMAT='JSON', PARTITIONS=1);",
    )
    assert str(planned.source.schema) == "`K` STRING KEY, `V` INTEGER, `T` BYTES HEADER('trace')"
    assert [column.name for column in planned.source.schema.value] == ["V"]


def test_defaults_for_formats_come_from_the_configuration() -> None:
    planner = StatementPlanner(
        properties={"ksql.persistence.default.format.value": "JSON", "ksql.persistence.default.format.key": "JSON"}
    )
    planned = created(planner, "CREATE STREAM X (A INT) WITH (KAFKA_TOPIC='x', PARTITIONS=1);")
    assert (planned.source.formats.key.format.name, planned.source.formats.value.format.name) == ("JSON", "JSON")


def test_a_source_table_is_materialized_by_a_query(planner: StatementPlanner) -> None:
    planned = created(
        planner,
        "CREATE SOURCE TABLE T (ID INT PRIMARY KEY, N INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', PARTITIONS=1);",
    )
    assert planned.source.read_only
    assert planned.query is not None
    assert planned.query.query_id == planned.source.created_by
    assert str(planned.query.schema) == "`ID` INTEGER KEY, `N` INTEGER"


def test_if_not_exists_keeps_the_existing_source(planner: StatementPlanner) -> None:
    planned = planner.run(
        "CREATE STREAM IF NOT EXISTS ORDERS (A INT) WITH (KAFKA_TOPIC='x', VALUE_FORMAT='JSON', PARTITIONS=1);"
    )
    assert isinstance(planned, NothingToDo)
    assert planned.message == "Cannot add stream `ORDERS`: A stream with the same name already exists."


def test_or_replace_may_add_columns_only(planner: StatementPlanner) -> None:
    start = "CREATE OR REPLACE STREAM SHIPMENTS (ORDER_ID BIGINT KEY, CARRIER STRING"
    properties = "WITH (KAFKA_TOPIC='shipments', VALUE_FORMAT='JSON');"
    planned = created(planner, f"{start}, WEIGHT INT) {properties}")
    assert planned.replaces
    assert "(The following columns are changed, missing or reordered: [`WEIGHT` INTEGER])" in planner.refusal(
        f"{start}) {properties}"
    )


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("CREATE STREAM ORDERS (A INT) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON');", "already exists"),
        ("CREATE STREAM X (A INT) WITH (VALUE_FORMAT='JSON');", 'Missing required property "KAFKA_TOPIC"'),
        ("CREATE STREAM X (A INT) WITH (KAFKA_TOPIC='orders');", "missing the 'VALUE_FORMAT' property"),
        ("CREATE STREAM X (A INT) WITH (KAFKA_TOPIC='nope', VALUE_FORMAT='JSON');", "Topic 'nope' does not exist"),
        ("CREATE STREAM X (A INT) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='CSV');", "Unknown format: CSV"),
        ("CREATE STREAM X WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON');", "No columns supplied."),
        ("CREATE TABLE X (A INT) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON');", "Tables require a PRIMARY KEY"),
        ("CREATE STREAM X (A INT, A INT) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON');", "Duplicate column names"),
        ("CREATE STREAM X (ROWTIME INT) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON');", "reserved column name"),
        (
            "CREATE STREAM X (A INT) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON', PARTITIONS=9);",
            "KSQL expects 9 partitions (topic has 2)",
        ),
        (
            "CREATE STREAM X (A INT) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON', COLOUR='red');",
            "Invalid config variable(s) in the WITH clause: COLOUR",
        ),
        (
            "CREATE STREAM X (A INT) WITH (KAFKA_TOPIC='orders', FORMAT='JSON', VALUE_FORMAT='JSON');",
            "Cannot supply both 'VALUE_FORMAT' and 'FORMAT'",
        ),
        (
            "CREATE STREAM X (A INT) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON', TIMESTAMP='B');",
            "The TIMESTAMP column set in the WITH clause does not exist in the schema: 'B'",
        ),
        (
            "CREATE STREAM X (A STRING) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON', TIMESTAMP='A');",
            "or a String with a timestamp_format specified",
        ),
        (
            "CREATE STREAM X (A INT, B INT) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON', WRAP_SINGLE_VALUE=false);",
            "'WRAP_SINGLE_VALUE' is only valid for single-field value schemas",
        ),
        (
            "CREATE STREAM X (K MAP<STRING, INT> KEY) WITH (KAFKA_TOPIC='orders', FORMAT='JSON');",
            "Map keys, including types that contain maps, are not supported",
        ),
        (
            "CREATE STREAM X (K INT KEY) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON', WINDOW_TYPE='HOPPING');",
            "HOPPING windows require 'WINDOW_SIZE'",
        ),
        (
            "CREATE STREAM X (H INT HEADERS) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON');",
            "Invalid type for HEADERS column",
        ),
    ],
)
def test_refusals(planner: StatementPlanner, statement: str, words: str) -> None:
    assert words in planner.refusal(statement)


def test_a_missing_subject_says_where_to_look(planner: StatementPlanner) -> None:
    message = planner.refusal("CREATE STREAM X WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='AVRO');")
    assert message.startswith("Schema for message values on topic 'orders' does not exist in the Schema Registry.")


@pytest.mark.parametrize("size", ["0 SECONDS", "9223372036854775807 DAYS"])
def test_windowed_keys_need_a_possible_size(planner: StatementPlanner, size: str) -> None:
    assert "Configuration WINDOW_SIZE is invalid" in planner.refusal(
        "CREATE STREAM X (ID INT KEY) WITH (KAFKA_TOPIC='x', VALUE_FORMAT='JSON', PARTITIONS=1,"
        f" WINDOW_TYPE='TUMBLING', WINDOW_SIZE='{size}');"
    )


def test_windowed_sources_need_a_key_column(planner: StatementPlanner) -> None:
    assert "Windowed sources require a key column." in planner.refusal(
        "CREATE STREAM X (N INT) WITH (KAFKA_TOPIC='x', VALUE_FORMAT='JSON', PARTITIONS=1, WINDOW_TYPE='SESSION');"
    )


@pytest.mark.parametrize(
    ("name", "statement", "words"),
    [
        ("ksql.insert.into.values.enabled", "INSERT INTO ORDERS (ID) VALUES (1);", "disabled INSERT INTO ... VALUES"),
        (
            "ksql.create.or.replace.enabled",
            "CREATE OR REPLACE STREAM X AS SELECT * FROM ORDERS;",
            "CREATE OR REPLACE is disabled",
        ),
        (
            "ksql.headers.columns.enabled",
            "CREATE STREAM X (H BYTES HEADER('h')) WITH (KAFKA_TOPIC='x', VALUE_FORMAT='JSON', PARTITIONS=1);",
            "HEADER and HEADERS columns are disabled",
        ),
        (
            "ksql.source.table.materialization.enabled",
            "CREATE SOURCE TABLE X (ID INT PRIMARY KEY) WITH (KAFKA_TOPIC='x', VALUE_FORMAT='JSON', PARTITIONS=1);",
            "CREATE SOURCE TABLE is disabled",
        ),
        (
            "ksql.suppress.enabled",
            "CREATE TABLE X AS SELECT ID, COUNT(*) AS N FROM ORDERS WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY ID"
            " EMIT FINAL;",
            "Suppression is currently disabled",
        ),
    ],
)
def test_properties_disable_statements(planner: StatementPlanner, name: str, statement: str, words: str) -> None:
    planner.plan(statement)
    planner.properties[name] = "false"
    assert words in planner.refusal(statement)


@pytest.mark.parametrize(
    "columns",
    ["M MAP<INT, STRING>", "L ARRAY<MAP<BIGINT, INT>>", "S STRUCT<M MAP<DOUBLE, INT>>", "M MAP<STRING, MAP<INT, INT>>"],
)
def test_avro_maps_need_string_keys(planner: StatementPlanner, columns: str) -> None:
    words = "Avro only supports MAPs with STRING keys"
    assert words in planner.refusal(
        f"CREATE STREAM X ({columns}) WITH (KAFKA_TOPIC='x', VALUE_FORMAT='AVRO', PARTITIONS=1);"
    )
    assert words in planner.refusal(
        "CREATE STREAM X WITH (VALUE_FORMAT='AVRO') AS SELECT ID, MAP(1 := 'x') AS M FROM ORDERS;"
    )


def test_fields_of_a_registered_struct_that_differ_only_in_case_are_refused() -> None:
    inner = {"type": "record", "name": "I", "fields": [{"name": "a", "type": "int"}, {"name": "A", "type": "string"}]}
    schema = json.dumps({"type": "record", "name": "R", "fields": [{"name": "s", "type": inner}]})
    made = StatementPlanner(subjects={"x-value": schema}, topics={"x": TopicInfo(1)})
    message = made.refusal("CREATE STREAM X WITH (KAFKA_TOPIC='x', VALUE_FORMAT='AVRO');")
    assert "Duplicate field found in STRUCT: 'A', in column `S`" in message
