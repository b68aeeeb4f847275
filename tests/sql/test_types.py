"""Types print as ksqlDB prints them and compare by structure."""

import pytest

from bifrost.errors import AnalysisError
from bifrost.sql import tree as t
from bifrost.sql import types as ty
from bifrost.sql.format_expressions import format_type
from bifrost.sql.parser import parse_statement

ADDRESS = ty.SqlStruct((ty.StructField("STREET", ty.STRING), ty.StructField("zip", ty.INTEGER)))


@pytest.mark.parametrize(
    ("sql_type", "text"),
    [
        (ty.STRING, "STRING"),
        (ty.SqlDecimal(10, 2), "DECIMAL(10, 2)"),
        (ty.SqlArray(ty.STRING), "ARRAY<STRING>"),
        (ty.SqlMap(ty.STRING, ty.INTEGER), "MAP<STRING, INTEGER>"),
        (ADDRESS, "STRUCT<`STREET` STRING, `zip` INTEGER>"),
        (ty.SqlStruct(()), "STRUCT< >"),
    ],
)
def test_text(sql_type, text):
    assert str(sql_type) == text


def test_text_in_statements_quotes_only_where_needed():
    assert format_type(ty.SqlArray(ADDRESS)) == "ARRAY<STRUCT<STREET STRING, `zip` INTEGER>>"


def test_equal_types_are_one_key():
    assert len({ADDRESS, ty.SqlStruct(ADDRESS.fields), ty.SqlArray(ADDRESS)}) == 2
    assert ADDRESS.field("zip") == ty.StructField("zip", ty.INTEGER)
    assert ADDRESS.field("ZIP") is None


def test_custom_types_are_resolved_at_every_level():
    created = parse_statement("CREATE STREAM s (a ARRAY<address>, b INT);").tree
    resolved = t.resolve_types(created, {"ADDRESS": ADDRESS})
    assert resolved.elements[0].type == ty.SqlArray(ADDRESS)
    assert resolved.elements[1] is created.elements[1]


def test_unknown_types_are_named():
    created = parse_statement("CREATE STREAM s (a adress);").tree
    with pytest.raises(AnalysisError, match="Cannot resolve unknown type: ADRESS"):
        t.resolve_types(created, {"ADDRESS": ADDRESS})
