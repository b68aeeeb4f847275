"""Whether a declared statement is equivalent to the live one, which the server fills in and expands.

Both are normalised first. Then `statement_difference` ignores what ksqlDB adds (properties of WITH, columns from the
registry, a source's alias before the columns of a join, columns in place of `*`) and nothing else: when in doubt, it
reports a difference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields

from bifrost.deployer.declared.declarations import SCHEMA_FORMATS, Creating, format_of
from bifrost.sql.normalise import normalise
from bifrost.sql.tree import (
    AliasedSource,
    AllColumns,
    ColumnRef,
    Constraint,
    CreateAsSelect,
    CreateSource,
    Dereference,
    InsertSelect,
    Literal,
    Node,
    Query,
    SelectItem,
    SingleColumn,
    TableElement,
    walk,
)

Columns = Mapping[str, Sequence[str]]
"""Column names by name of the live source, to recognise the expansion of `*`."""

_FILLED_IN = frozenset({"PARTITIONS", "REPLICAS", "RETENTION_MS", "CLEANUP_POLICY", "KEY_SCHEMA_ID", "VALUE_SCHEMA_ID"})
# ksqlDB's alias of an expression without one.
_GENERATED = re.compile(r"KSQL_COL_\d+")


def statement_difference(declared: Creating, live: Creating, columns: Columns) -> str | None:
    """The first difference, in words, or `None` when both are equivalent."""
    match normalise(declared), normalise(live):
        case CreateSource() as wanted, CreateSource() as found:
            return _sources_differ(wanted, found)
        case CreateAsSelect() as wanted, CreateAsSelect() as found:
            if wanted.kind is not found.kind:
                return f"is a {found.kind.value}, not a {wanted.kind.value}"
            return _properties_differ(wanted, found) or _queries_differ(wanted.query, found.query, columns)
        case InsertSelect() as wanted, InsertSelect() as found:
            differs = _queries_differ(wanted.query, found.query, columns)
            return "target differs" if wanted.target != found.target else differs
        case _:
            return "was created by another kind of statement"


def star_lacks_columns(declared: CreateAsSelect, columns: Columns) -> bool:
    """Whether the live sink of `SELECT *` lacks columns of its only source, which were added later.

    ksqlDB resolves `*` when it runs the statement.
    """
    has_star = any(isinstance(item, AllColumns) for item in declared.query.select)
    sources = list(_sources(declared.query).values())
    found = columns.get(declared.name, ())
    return has_star and len(sources) == 1 and bool(found) and not set(columns.get(sources[0], ())) <= set(found)


def _sources_differ(declared: CreateSource, live: CreateSource) -> str | None:
    if declared.kind is not live.kind:
        return f"is a {live.kind.value}, not a {declared.kind.value}"
    if declared.is_source != live.is_source:
        return "SOURCE differs"
    return _properties_differ(declared, live) or _elements_differ(declared, live)


def _properties_differ(declared: CreateSource | CreateAsSelect, live: CreateSource | CreateAsSelect) -> str | None:
    wanted = {name: _text(value) for name, value in declared.properties.items()}
    found = {name: _text(value) for name, value in live.properties.items()}
    for name, value in wanted.items():
        if name not in found:
            return f"WITH {name}: declared {value}, not set"
        if found[name] != value:
            return f"WITH {name}: {found[name]} -> {value}"
    for name, value in found.items():
        if name not in wanted and not _is_default(name, value, declared):
            return f"WITH {name}: {value}, not declared"
    return None


def _text(value: Literal) -> str:
    return str(getattr(value, "value", getattr(value, "text", value)))


def _is_default(name: str, value: str, declared: CreateSource | CreateAsSelect) -> bool:
    if name in _FILLED_IN:
        return True
    if name == "KAFKA_TOPIC":
        return value == declared.name
    if isinstance(declared, CreateAsSelect):
        # As ksqlDB: a query's sink inherits the formats of its source.
        return name in ("KEY_FORMAT", "VALUE_FORMAT")
    return name == "KEY_FORMAT" and value in ("KAFKA", "NONE")


def _elements_differ(declared: CreateSource, live: CreateSource) -> str | None:
    for in_key in (True, False):
        wanted = [element for element in declared.elements if _in_key(element) is in_key]
        found = [element for element in live.elements if _in_key(element) is in_key]
        # Without declared columns ksqlDB takes them from the registry and lists them: that is no difference.
        inferred = not wanted and format_of(declared, "KEY" if in_key else "VALUE") in SCHEMA_FORMATS
        if wanted != found and not inferred:
            return f"columns: {_listed(found)} -> {_listed(wanted)}"
    return None


def _in_key(element: TableElement) -> bool:
    return element.constraint in (Constraint.KEY, Constraint.PRIMARY_KEY)


def _listed(elements: Sequence[TableElement]) -> str:
    return ", ".join(f"{element.name} {element.type}" for element in elements) or "none"


def _queries_differ(declared: Query, live: Query, columns: Columns) -> str | None:
    if not _agree(declared.source, live.source):
        return "FROM differs"
    if not _selects_agree(declared, live, columns):
        return "SELECT differs"
    for name, clause in _CLAUSES.items():
        if not _agree(getattr(declared, name), getattr(live, name)):
            return f"{clause} differs"
    return None


_CLAUSES = {
    "window": "WINDOW",
    "where": "WHERE",
    "group_by": "GROUP BY",
    "partition_by": "PARTITION BY",
    "having": "HAVING",
    "emit": "EMIT",
    "limit": "LIMIT",
}


def _selects_agree(declared: Query, live: Query, columns: Columns) -> bool:
    remaining = list(live.select)
    for item in declared.select:
        if remaining and _agree(item, remaining[0]):
            del remaining[0]
            continue
        taken = _expansion(item, remaining, declared, columns)
        if not taken:
            return False
        del remaining[:taken]
    return not remaining


def _expansion(item: SelectItem, live: Sequence[SelectItem], query: Query, columns: Columns) -> int:
    """The number of live items that `item` (a star) expands to; 0 when it does not, or that is unknown."""
    if not isinstance(item, AllColumns):
        return 0
    sources = _sources(query)
    if item.source is not None:
        sources = {alias: name for alias, name in sources.items() if alias == item.source}
    wanted: list[tuple[str, str]] = []
    for alias, name in sources.items():
        # Without the source's columns an expansion cannot be distinguished from a change: report a difference.
        if name not in columns:
            return 0
        wanted.extend((alias, column) for column in columns[name])
    found = live[: len(wanted)]
    agree = len(found) == len(wanted) and all(map(_is_column, found, wanted))
    return len(wanted) if agree else 0


def _sources(query: Query) -> dict[str, str]:
    """Source name by alias, in the order written."""
    return {node.alias: node.name for node in walk(query.source) if isinstance(node, AliasedSource)}


def _is_column(item: SelectItem, wanted: tuple[str, str]) -> bool:
    alias, column = wanted
    match item:
        case SingleColumn(expression=ColumnRef(name=name, source=source), alias=given):
            return name == column and source in (None, alias) and given in (None, column, f"{alias}_{column}")
        case _:
            return False


def _agree(declared: object, live: object) -> bool:
    match declared, live:
        case ColumnRef(), ColumnRef():
            return declared.name == live.name and (
                declared.source == live.source or None in (declared.source, live.source)
            )
        case SingleColumn(), SingleColumn():
            return _agree(declared.expression, live.expression) and _aliases_agree(declared, live)
        case tuple(), tuple():
            return len(declared) == len(live) and all(map(_agree, declared, live))
        case Node(), Node():
            return type(declared) is type(live) and all(
                _agree(getattr(declared, part.name), getattr(live, part.name))
                for part in fields(declared)
                if part.name != "location"
            )
        case _:
            return declared == live


def _aliases_agree(declared: SingleColumn, live: SingleColumn) -> bool:
    if declared.alias == live.alias:
        return True
    if live.alias is None:
        return declared.alias == _own_name(live)
    if declared.alias is not None:
        return False
    own = _own_name(declared)
    if own is None:
        return _GENERATED.fullmatch(live.alias) is not None
    source = getattr(live.expression, "source", None)
    return live.alias in (own, f"{source}_{own}")


def _own_name(item: SingleColumn) -> str | None:
    match item.expression:
        case ColumnRef(name=name) | Dereference(field=name):
            return name
        case _:
            return None
