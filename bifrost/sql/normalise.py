"""A canonical form of statements: statements with equal forms have the same meaning.

What the text alone cannot decide (`SELECT *`, unqualified columns of a join) stays as it is. So two statements of the
same meaning may have different forms, but never the other way round.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from itertools import count
from types import MappingProxyType

from bifrost.sql.keywords import write_name
from bifrost.sql.tree import (
    AliasedSource,
    AllColumns,
    ColumnRef,
    CreateAsSelect,
    CreateConnector,
    CreateSource,
    CreateType,
    Dereference,
    Duration,
    Expression,
    InsertSelect,
    IntegerLiteral,
    Join,
    Literal,
    LongLiteral,
    Node,
    Properties,
    Query,
    SelectItem,
    SingleColumn,
    Statement,
    StringLiteral,
    TimeUnit,
    transform,
)

_INSENSITIVE = ("FORMAT", "KEY_FORMAT", "VALUE_FORMAT", "WINDOW_TYPE", "CLEANUP_POLICY", "QUERY_ID")
_COLUMNS = ("TIMESTAMP",)
_WHOLE_NUMBERS = ("PARTITIONS", "REPLICAS", "RETENTION_MS", "KEY_SCHEMA_ID", "VALUE_SCHEMA_ID")
_WHOLE = re.compile(r"-?[0-9]{1,18}\Z")


def normalise(statement: Statement) -> Statement:
    """The statement's canonical form: equal for all statements that differ only in spelling.

    Durations are in milliseconds and properties have one spelling. Columns of a query over one source have no qualifier
    and always a name, generated as ksqlDB does (`KSQL_COL_0`) if the statement gives none. OR REPLACE and
    IF NOT EXISTS are dropped: they say how to define something, not what.
    """
    plain = transform(statement, _in_milliseconds)
    match plain:
        case Query():
            return _query(plain)
        case InsertSelect():
            return replace(plain, query=_query(plain.query), properties=_properties(plain.properties))
        case CreateAsSelect():
            query, properties = _query(plain.query), _properties(plain.properties)
            return replace(plain, query=query, properties=properties, or_replace=False, if_not_exists=False)
        case CreateSource():
            properties = _properties(plain.properties)
            return replace(plain, properties=properties, or_replace=False, if_not_exists=False)
        case CreateConnector() | CreateType():
            return replace(plain, if_not_exists=False)
        case _:
            return plain


def _in_milliseconds(node: Node) -> Node:
    return Duration(node.milliseconds, TimeUnit.MILLISECONDS) if isinstance(node, Duration) else node


def _properties(properties: Properties) -> Properties:
    entries = {name: _property(name, value) for name, value in properties.items()}
    both = entries.pop("FORMAT", None)
    if both is not None:
        # FORMAT stands for both.
        entries = {"KEY_FORMAT": both, "VALUE_FORMAT": both} | entries
    return Properties(MappingProxyType(entries))


def _property(name: str, value: Literal) -> Literal:
    if not isinstance(value, StringLiteral):
        return value
    if name in _INSENSITIVE:
        return StringLiteral(value.value.upper())
    if name in _COLUMNS:
        return StringLiteral(write_name(column_name(value.value)))
    if name in _WHOLE_NUMBERS and _WHOLE.match(value.value):
        number = int(value.value)
        return IntegerLiteral(number) if -(2**31) <= number < 2**31 else LongLiteral(number)
    return value


def column_name(text: str) -> str:
    """The column that a property such as TIMESTAMP names: in upper case unless quoted, like names in statements."""
    if len(text) > 1 and text[0] == text[-1] == "`":
        return text[1:-1].replace("``", "`")
    return text.upper()


def _query(query: Query) -> Query:
    if isinstance(query.source, Join):
        return query
    source = query.source
    unqualified = transform(query, partial(_without_qualifier, source.alias))
    return replace(unqualified, source=AliasedSource(source.name, source.name), select=_named(unqualified.select))


def _without_qualifier(alias: str, node: Node) -> Node:
    match node:
        case ColumnRef(name, source) if source == alias:
            return ColumnRef(name)
        case AllColumns(source) if source == alias:
            return AllColumns()
        case _:
            return node


def _named(items: tuple[SelectItem, ...]) -> tuple[SelectItem, ...]:
    # A generated name avoids the names that the statement gives.
    used = {item.alias for item in items if isinstance(item, SingleColumn)}
    unnamed = (name for name in (f"KSQL_COL_{number}" for number in count()) if name not in used)
    return tuple(
        replace(item, alias=_own_name(item.expression) or next(unnamed))
        if isinstance(item, SingleColumn) and item.alias is None
        else item
        for item in items
    )


def _own_name(expression: Expression) -> str | None:
    match expression:
        case ColumnRef(name) | Dereference(_, name):
            return name
        case _:
            return None
