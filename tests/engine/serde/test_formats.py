"""Refusals of columns that a format does not support, in ksqlDB's words."""

from __future__ import annotations

import pytest

from bifrost.engine.catalog.schema import Column, FormatInfo
from bifrost.engine.serde import validate_format
from bifrost.errors import AnalysisError
from bifrost.sql.types import BOOLEAN, DOUBLE, INTEGER, STRING, SqlArray, SqlDecimal, SqlMap, SqlStruct, StructField
from tests.engine.serde.samples import keys, values

STRUCT = SqlStruct((StructField("F", DOUBLE),))


@pytest.mark.parametrize(
    ("name", "columns", "reason"),
    [
        (
            "KAFKA",
            values(("V0", INTEGER), ("V1", STRING)),
            "The 'KAFKA' format only supports a single field. Got: [`V0` INTEGER, `V1` STRING]",
        ),
        ("KAFKA", values(("V", SqlArray(INTEGER))), "The 'KAFKA' format does not support type 'ARRAY'"),
        ("KAFKA", values(("V", BOOLEAN)), "The 'KAFKA' format does not support type 'BOOLEAN'"),
        ("DELIMITED", values(("V", STRUCT)), "The 'DELIMITED' format does not support type 'STRUCT', column: `V`"),
        (
            "NONE",
            values(("FOO", INTEGER)),
            "The 'NONE' format can only be used when no columns are defined. Got: [`FOO` INTEGER]",
        ),
        (
            "PROTOBUF",
            values(("M", SqlArray(SqlMap(INTEGER, DOUBLE)))),
            "PROTOBUF format only supports MAP types with STRING keys",
        ),
        ("JSON", values(("M", SqlMap(INTEGER, DOUBLE))), "JSON only supports MAP types with STRING keys"),
        ("JSON_SR", values(("M", SqlMap(INTEGER, DOUBLE))), "JSON only supports MAP types with STRING keys"),
        ("AVRO", values(("1A", DOUBLE)), "Schema is not compatible with Avro: Illegal initial character: 1A"),
        (
            "AVRO",
            values(("A", SqlStruct((StructField("b-c", DOUBLE),)))),
            "Schema is not compatible with Avro: Illegal character in: b-c",
        ),
    ],
)
def test_values(name: str, columns: tuple[Column, ...], reason: str) -> None:
    with pytest.raises(AnalysisError) as refused:
        validate_format(FormatInfo(name), columns, is_key=False)
    assert refused.value.message.startswith(
        f"Value format does not support schema.\nformat: {name}\nschema: Persistence"
    )
    assert refused.value.message.endswith(f"\nreason: {reason}")


def test_keys_are_listed_as_keys() -> None:
    with pytest.raises(AnalysisError) as refused:
        validate_format(FormatInfo("KAFKA"), keys(("KEY", SqlDecimal(2, 1))), is_key=True)
    assert refused.value.message == (
        "Key format does not support schema.\n"
        "format: KAFKA\n"
        "schema: Persistence{columns=[`KEY` DECIMAL(2, 1) KEY], features=[]}\n"
        "reason: The 'KAFKA' format does not support type 'DECIMAL'"
    )


@pytest.mark.parametrize("name", ["AVRO", "JSON", "JSON_SR", "PROTOBUF", "PROTOBUF_NOSR"])
def test_nested_columns_are_accepted_by_formats_that_support_them(name: str) -> None:
    validate_format(FormatInfo(name), values(("A", SqlArray(STRUCT)), ("M", SqlMap(STRING, STRUCT))), is_key=False)
