"""Columns from the registry's schemas."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bifrost.engine.catalog.schema import FormatInfo
from bifrost.engine.serde import InMemoryRegistry, SchemaReference, infer_columns
from bifrost.errors import AnalysisError


def inferred(schema_type: str, schema: Any, *, is_key: bool = False, **options: Any) -> str:
    """The columns of topic t, as ksqlDB prints them."""
    registry = InMemoryRegistry()
    text = schema if isinstance(schema, str) else json.dumps(schema)
    registry.register("t-key" if is_key else "t-value", schema_type, text)
    name = {"AVRO": "AVRO", "JSON": "JSON_SR", "PROTOBUF": "PROTOBUF"}[schema_type]
    bare = options.pop("is_bare", None)
    columns = infer_columns(FormatInfo(name, options), registry, "t", is_key=is_key, is_bare=bare)
    return ", ".join(f"`{column}` {kind}" for column, kind in columns)


RATING = {
    "type": "record",
    "name": "rating",
    "fields": [
        {"name": "rating_id", "type": "long"},
        {"name": "stars", "type": ["null", "int"]},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "at", "type": {"type": "long", "connect.name": "org.apache.kafka.connect.data.Timestamp"}},
        {"name": "micros", "type": {"type": "long", "connect.name": "io.debezium.time.MicroTimestamp"}},
        {"name": "suit", "type": {"type": "enum", "name": "Suit", "symbols": ["A"]}},
        {"name": "tags", "type": {"type": "map", "values": "float"}},
        {"name": "inner", "type": {"type": "record", "name": "Inner", "fields": [{"name": "x", "type": "boolean"}]}},
        {"name": "nothing", "type": "null"},
        {"name": "either", "type": ["int", "string"]},
    ],
}


def test_avro_names_become_upper_case() -> None:
    assert inferred("AVRO", RATING) == (
        "`RATING_ID` BIGINT, `STARS` INTEGER, `PRICE` DECIMAL(4, 2), `DAY` DATE, `AT` TIMESTAMP, `MICROS` BIGINT, "
        "`SUIT` STRING, `TAGS` MAP<STRING, DOUBLE>, `INNER` STRUCT<`X` BOOLEAN>, "
        "`EITHER` STRUCT<`INT` INTEGER, `STRING` STRING>"
    )


def test_names_keep_their_case_when_the_schema_is_named_by_id() -> None:
    schema = {"type": "record", "name": "R", "fields": [{"name": "c1", "type": "int"}]}
    assert inferred("AVRO", schema, schemaId="1") == "`c1` INTEGER"


def test_decimals_as_connect_names_them() -> None:
    decimal = {
        "type": "bytes",
        "connect.name": "org.apache.kafka.connect.data.Decimal",
        "connect.parameters": {"scale": "3", "connect.decimal.precision": "9"},
    }
    bare = {"type": "bytes", "connect.name": "org.apache.kafka.connect.data.Decimal"}
    schema = {"type": "record", "name": "R", "fields": [{"name": "a", "type": decimal}, {"name": "b", "type": bare}]}
    assert inferred("AVRO", schema) == "`A` DECIMAL(9, 3), `B` DECIMAL(64, 0)"


@pytest.mark.parametrize(
    ("schema", "columns"),
    [
        ("int", "`ROWKEY` INTEGER"),
        ({"type": "array", "items": ["null", "string"]}, "`ROWKEY` ARRAY<STRING>"),
        (
            {"type": "record", "name": "K", "fields": [{"name": "id", "type": "int"}]},
            "`ROWKEY` STRUCT<`ID` INTEGER>",
        ),
    ],
)
def test_a_key_is_one_column(schema: Any, columns: str) -> None:
    assert inferred("AVRO", schema, is_key=True) == columns


def test_an_unwrapped_value_is_one_column() -> None:
    assert inferred("AVRO", "int", is_bare=True) == "`ROWVAL` INTEGER"
    with pytest.raises(AnalysisError, match="anonymous type"):
        inferred("AVRO", "int")


@pytest.mark.parametrize(
    ("properties", "columns"),
    [
        ({"c1": {"type": "integer"}}, "`C1` BIGINT"),
        (
            {"ID": {"type": "number"}, "NAME": {"type": "string"}, "VALUE": {"type": "integer"}},
            "`ID` DOUBLE, `VALUE` BIGINT, `NAME` STRING",
        ),
        (
            {"a": {"connect.index": 1, "type": "string"}, "b": {"connect.index": 0, "type": "boolean"}},
            "`B` BOOLEAN, `A` STRING",
        ),
        ({"a": {"oneOf": [{"type": "null"}, {"type": "integer", "connect.type": "int32"}]}}, "`A` INTEGER"),
        ({"a": {"type": ["null", "string"]}}, "`A` STRING"),
        ({"a": {"enum": ["x", "y"]}}, "`A` STRING"),
        ({"a": {"type": "string", "connect.type": "bytes"}}, "`A` BYTES"),
        ({"a": {"type": "array", "items": {"type": "string"}}}, "`A` ARRAY<STRING>"),
        (
            {"a": {"type": "object", "connect.type": "map", "additionalProperties": {"type": "integer"}}},
            "`A` MAP<STRING, BIGINT>",
        ),
        ({"a": {"type": "object", "properties": {"b": {"type": "string"}}}}, "`A` STRUCT<`B` STRING>"),
        ({"a": {"$ref": "#/definitions/d"}}, "`A` BOOLEAN"),
        (
            {"a": {"allOf": [{"$ref": "#/definitions/o"}, {"properties": {"y": {"type": "string"}}}]}},
            "`A` STRUCT<`X` BIGINT, `Y` STRING>",
        ),
        (
            {"a": {"anyOf": [{"type": "integer"}, {"type": "string"}]}},
            "`A` STRUCT<`CONNECT_UNION_FIELD_0` BIGINT, `CONNECT_UNION_FIELD_1` STRING>",
        ),
        (
            {
                "a": {
                    "type": "number",
                    "title": "org.apache.kafka.connect.data.Decimal",
                    "connect.type": "bytes",
                    "connect.parameters": {"scale": "2", "connect.decimal.precision": "4"},
                }
            },
            "`A` DECIMAL(4, 2)",
        ),
        (
            {"a": {"type": "integer", "title": "org.apache.kafka.connect.data.Date", "connect.type": "int32"}},
            "`A` DATE",
        ),
    ],
)
def test_json_schemas(properties: Any, columns: str) -> None:
    definitions = {
        "d": {"type": "boolean"},
        "o": {"type": "object", "properties": {"x": {"type": "integer"}}},
    }
    schema = {"type": "object", "properties": properties, "definitions": definitions}
    assert inferred("JSON", schema) == columns


def test_json_schemas_that_cannot_be_columns() -> None:
    with pytest.raises(AnalysisError, match="recursive at #"):
        inferred("JSON", {"type": "object", "properties": {"a": {"$ref": "#"}}})
    with pytest.raises(AnalysisError, match="refers to #/definitions/x, which does not exist"):
        inferred("JSON", {"type": "object", "properties": {"a": {"$ref": "#/definitions/x"}}})
    with pytest.raises(AnalysisError, match="no field that ksqlDB can use"):
        inferred("JSON", {"type": "object"})


PROTO = """syntax = "proto3";
package shop;
import "google/protobuf/wrappers.proto";
import "google/protobuf/timestamp.proto";
import "google/type/date.proto";
import "confluent/meta.proto";
import "confluent/type/decimal.proto";

message Order {
  enum Suit { SPADES = 0; HEARTS = 1; }
  message Line { int32 item = 1; uint32 count = 2; }
  bool c1 = 1;
  uint64 c2 = 2;
  float c3 = 3;
  google.protobuf.Int64Value c4 = 4;
  google.protobuf.Timestamp c5 = 5;
  google.type.Date c6 = 6;
  confluent.type.Decimal c7 = 7 [(confluent.field_meta) = {
    params: [{ value: "4", key: "precision" }, { value: "2", key: "scale" }]
  }];
  Suit c8 = 8;
  repeated Line c9 = 9;
  map<string, Line> c10 = 10;
  oneof choice { string left = 11; Line right = 12; }
  optional bytes c13 = 13;
}
message Second { string K = 1; }
"""


DECIMAL_TITLE = "org.apache.kafka.connect.data.Decimal"


@pytest.mark.parametrize("parameters", ["x", 7, [], {"scale": "x"}, {"scale": None}, {"connect.decimal.precision": {}}])
def test_a_json_decimal_with_wrong_parameters_is_refused_or_has_the_defaults(parameters: Any) -> None:
    column = {"type": "number", "title": DECIMAL_TITLE, "connect.parameters": parameters}
    schema = {"type": "object", "properties": {"c": column}}
    if isinstance(parameters, dict):
        with pytest.raises(AnalysisError, match="precision and scale of a decimal must be whole numbers"):
            inferred("JSON", schema)
    else:
        assert inferred("JSON", schema) == "`C` DECIMAL(64, 0)"


@pytest.mark.parametrize("properties", ["x", 7, [], None, True])
def test_a_json_object_whose_properties_are_no_object_cannot_be_columns(properties: Any) -> None:
    with pytest.raises(AnalysisError):
        inferred("JSON", {"type": "object", "properties": properties})
    with pytest.raises(AnalysisError):
        items = {"type": "object", "properties": properties}
        inferred(
            "JSON", {"type": "object", "properties": {"m": {"type": "array", "connect.type": "map", "items": items}}}
        )


def test_a_connect_type_of_json_that_is_not_text_is_ignored() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer", "connect.type": ["int32"]}}}
    assert inferred("JSON", schema) == "`A` BIGINT"


@pytest.mark.parametrize(
    "kind",
    [
        {"type": "fixed", "name": "F", "size": "2"},
        {"type": "fixed", "name": "F", "size": -1},
        {"type": "fixed", "name": "F", "size": None},
        {"type": "enum", "name": "E", "symbols": 3},
        {"type": "record", "name": "I", "fields": None},
        {"type": "record", "name": "I", "fields": "x"},
        {"type": "array", "items": []},
        [],
    ],
)
def test_an_avro_type_with_a_wrong_part_is_refused(kind: Any) -> None:
    with pytest.raises(AnalysisError, match="Not an Avro schema"):
        inferred("AVRO", {"type": "record", "name": "R", "fields": [{"name": "a", "type": kind}]})


@pytest.mark.parametrize(
    "wrong",
    [
        {"precision": "x"},
        {"precision": None},
        {"precision": {}},
        {"scale": "1e9"},
        {"connect.parameters": "x", "precision": []},
        {"logicalType": ["decimal"]},
        {"logicalType": {}},
    ],
)
def test_an_invalid_logical_type_of_avro_is_ignored(wrong: Any) -> None:
    kind = {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2, **wrong}
    assert inferred("AVRO", {"type": "record", "name": "R", "fields": [{"name": "a", "type": kind}]}) == "`A` BYTES"


def test_protobuf_messages() -> None:
    line = "STRUCT<`ITEM` INTEGER, `COUNT` BIGINT>"
    assert inferred("PROTOBUF", PROTO) == (
        f"`CHOICE_0` STRUCT<`LEFT` STRING, `RIGHT` {line}>, "
        "`C1` BOOLEAN, `C2` BIGINT, `C3` DOUBLE, `C4` BIGINT, `C5` TIMESTAMP, `C6` DATE, `C7` DECIMAL(4, 2), "
        f"`C8` STRING, `C9` ARRAY<{line}>, `C10` MAP<STRING, {line}>, `C13` BYTES"
    )
    assert inferred("PROTOBUF", PROTO, fullSchemaName="shop.Second") == "`K` STRING"
    assert inferred("PROTOBUF", PROTO, fullSchemaName="shop.Order.Line") == "`ITEM` INTEGER, `COUNT` BIGINT"
    assert inferred("PROTOBUF", PROTO, is_key=True, fullSchemaName="shop.Second") == "`K` STRING"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("this is no schema", "Not a Protobuf schema: line 1:0"),
        ('syntax = "proto3"; message A { B b = 1; }', "couldn't resolve name 'B'"),
        ('syntax = "proto3"; message A { A a = 1; }', "recursive at A"),
        ('syntax = "proto3";', "has no message"),
        ('syntax = "proto3"; message A { int32 a = 1; int32 b = 1; }', "Not a Protobuf schema"),
        ('syntax = "proto3"; message A { int32 a = 77777777777777777777; }', "Not a Protobuf schema"),
        ('syntax = "proto3"; enum E { Z = 99999999999; } message A { E a = 1; }', "Not a Protobuf schema"),
    ],
)
def test_protobuf_texts_that_cannot_be_columns(text: str, problem: str) -> None:
    with pytest.raises(AnalysisError) as refused:
        inferred("PROTOBUF", text)
    assert problem in refused.value.message
    assert refused.value.message.startswith(
        "Unable to verify if the value schema for topic: t is compatible with ksqlDB."
    )


def test_a_missing_protobuf_message() -> None:
    with pytest.raises(AnalysisError, match=r"has no message shop\.Third"):
        inferred("PROTOBUF", PROTO, fullSchemaName="shop.Third")


def test_protobuf_schemas_import_others() -> None:
    registry = InMemoryRegistry()
    registry.register("event", "PROTOBUF", 'syntax = "proto3"; message Event { int64 timestamp = 1; }')
    text = 'syntax = "proto3"; import "event.proto"; message Logistics { Event event = 1; }'
    schema_id = registry.register("t-value", "PROTOBUF", text, (SchemaReference("event.proto", "event", 1),))
    form = FormatInfo("PROTOBUF", {"schemaId": str(schema_id)})
    ((name, kind),) = infer_columns(form, registry, "t", is_key=False)
    assert (name, str(kind)) == ("event", "STRUCT<`timestamp` BIGINT>")


def test_a_missing_reference() -> None:
    registry = InMemoryRegistry()
    registry.register("t-value", "PROTOBUF", PROTO, (SchemaReference("x.proto", "x", 3),))
    with pytest.raises(AnalysisError, match="refers to version 3 of x, which is not in the schema registry"):
        infer_columns(FormatInfo("PROTOBUF"), registry, "t", is_key=False)


def test_a_missing_schema_gives_ksqldbs_hints() -> None:
    with pytest.raises(AnalysisError) as refused:
        infer_columns(FormatInfo("AVRO"), InMemoryRegistry(), "ratings", is_key=False)
    assert refused.value.message.startswith(
        "Schema for message values on topic 'ratings' does not exist in the Schema Registry.\n"
        "Subject: ratings-value\nPossible causes include:\n- The topic itself does not exist\n"
    )
    with pytest.raises(AnalysisError, match=r"Schema for message keys on topic 'ratings'.*\nSchema Id: 7"):
        infer_columns(FormatInfo("AVRO", {"schemaId": "7"}), InMemoryRegistry(), "ratings", is_key=True)


def test_a_schema_of_another_format() -> None:
    registry = InMemoryRegistry()
    registry.register("t-value", "JSON", '{"type":"object"}')
    with pytest.raises(AnalysisError, match="The schema's type is JSON, not AVRO"):
        infer_columns(FormatInfo("AVRO"), registry, "t", is_key=False)
