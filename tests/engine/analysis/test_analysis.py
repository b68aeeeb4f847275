"""Names of a query: which source a column is of, what a select item is called, what time a text is."""

from __future__ import annotations

import pytest

from bifrost.engine.analysis.analyzer import prepare
from bifrost.engine.analysis.names import NameGenerator, synthetic_key
from bifrost.engine.analysis.rowtime_literals import epoch_ms
from bifrost.engine.catalog.metastore import DataSource, MetaStore
from bifrost.engine.catalog.schema import (
    FormatInfo,
    Formats,
    KeyFormat,
    LogicalSchema,
    ValueFormat,
    WindowInfo,
    WindowKind,
)
from bifrost.errors import AnalysisError
from bifrost.sql.format_expressions import format_expression
from bifrost.sql.parser import parse_expression_text, parse_statement
from bifrost.sql.tree import Query, SingleColumn, SourceKind
from bifrost.sql.types import INTEGER, STRING, SqlStruct, StructField

PLACE = SqlStruct((StructField("TOWN", STRING),))


def source(name: str, *, window: WindowInfo | None = None) -> DataSource:
    formats = Formats(KeyFormat(FormatInfo("KAFKA"), window=window), ValueFormat(FormatInfo("JSON")))
    schema = LogicalSchema.of(key=(("ID", INTEGER),), value=((f"{name}_N", INTEGER), ("PLACE", PLACE)))
    return DataSource(name, SourceKind.STREAM, schema, name.lower(), formats, "")


@pytest.fixture
def metastore() -> MetaStore:
    made = MetaStore()
    made.put(source("A"))
    made.put(source("B"))
    made.put(source("W", window=WindowInfo(WindowKind.SESSION)))
    return made


def prepared(text: str, metastore: MetaStore) -> list[tuple[str, str | None]]:
    """The select items of a query, qualified, with their names."""
    tree = parse_statement(text).tree
    assert isinstance(tree, Query)
    query, _ = prepare(tree, metastore)
    return [(format_expression(i.expression), i.alias) for i in query.select if isinstance(i, SingleColumn)]


@pytest.mark.parametrize(
    ("select", "items"),
    [
        ("ID, A_N + 1, PLACE->TOWN FROM A", [("A.ID", "ID"), ("(A.A_N + 1)", "KSQL_COL_0"), ("A.PLACE->TOWN", "TOWN")]),
        ("X.ID FROM A X", [("X.ID", "ID")]),
        ("PLACE->TOWN, PLACE->TOWN FROM A", [("A.PLACE->TOWN", "TOWN"), ("A.PLACE->TOWN", "TOWN_1")]),
        ("A_N, B.ID FROM A JOIN B ON A.ID = B.ID", [("A.A_N", "A_N"), ("B.ID", "B_ID")]),
        ("A.ROWTIME FROM A JOIN B ON A.ID = B.ID", [("A.ROWTIME", "A_ROWTIME")]),
        ("WINDOWSTART FROM W", [("W.WINDOWSTART", "WINDOWSTART")]),
        ("WINDOWSTART FROM A WINDOW SESSION (1 HOUR) GROUP BY ID", [("WINDOWSTART", "WINDOWSTART")]),
        ("A.WINDOWSTART FROM A WINDOW SESSION (1 HOUR) GROUP BY ID", [("WINDOWSTART", "WINDOWSTART")]),
        ("NOPE FROM A", [("NOPE", "NOPE")]),
    ],
)
def test_select_items(metastore: MetaStore, select: str, items: list[tuple[str, str]]) -> None:
    assert prepared(f"SELECT {select} EMIT CHANGES;", metastore) == items


@pytest.mark.parametrize(
    ("select", "words"),
    [
        ("* FROM NOPE", "NOPE does not exist."),
        ('* FROM "a"', "Did you mean A? Hint: try removing double quotes"),
        ("ID FROM A JOIN B ON A.ID = B.ID", "Column 'ID' is ambiguous. Could be A.ID or B.ID."),
        ("C.ID FROM A", "'C' is not a valid stream/table name or alias."),
        ("C.* FROM A", "'C' is not a valid stream/table name or alias."),
        ("ID AS ROWOFFSET FROM A", "`ROWOFFSET` is a reserved column name."),
    ],
)
def test_unresolvable_names_are_refused(metastore: MetaStore, select: str, words: str) -> None:
    with pytest.raises(AnalysisError) as caught:
        prepared(f"SELECT {select} EMIT CHANGES;", metastore)
    assert words in caught.value.message


def test_generated_names_skip_what_is_in_use() -> None:
    names = NameGenerator({"KSQL_COL_0", "TOWN", "TOWN_2"})
    assert [names.column(), names.column()] == ["KSQL_COL_1", "KSQL_COL_2"]
    assert [names.field("TOWN"), names.field("TOWN"), names.field("ZIP")] == ["TOWN_1", "TOWN_3", "ZIP"]
    assert names.key(parse_expression_text("PLACE->STREET")) == "STREET"
    assert synthetic_key({"ROWKEY", "ROWKEY_1"}) == "ROWKEY_2"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970", 0),
        ("1970-01-02", 86_400_000),
        ("1970-01-01T01", 3_600_000),
        ("1970-01-01T24", 86_400_000),
        ("1970-01-01T00:00:01.5", 1_500),
        ("1970-01-01T01:00:00+0100", 0),
        ("1970-01-01T00:00-01:30", 5_400_000),
        ("1970-01-01T00:00:00Z", 0),
    ],
)
def test_times(text: str, expected: int) -> None:
    assert epoch_ms(text) == expected


@pytest.mark.parametrize("text", ["", "now", "1970-13", "1970-01-01T25", "1970-01-01T24:01", "70-01-01"])
def test_texts_that_are_not_times_are_refused(text: str) -> None:
    with pytest.raises(AnalysisError, match="Failed to parse timestamp"):
        epoch_ms(text)
