"""Writes SELECT as ksqlDB prints it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from bifrost.sql.format_expressions import format_expression
from bifrost.sql.keywords import write_name
from bifrost.sql.tree import (
    AliasedSource,
    AllColumns,
    Duration,
    Expression,
    HoppingWindow,
    Join,
    Query,
    Relation,
    SelectItem,
    SessionWindow,
    SingleColumn,
    StructAll,
    TumblingWindow,
    Window,
    Within,
)


def format_query(query: Query) -> str:
    """The query, one clause per line, without `;`."""
    return "\n".join(_clauses(query))


def format_duration(duration: Duration) -> str:
    """`1 HOURS`: the unit is always plural, as in ksqlDB."""
    return f"{duration.count} {duration.unit.name}"


def _clauses(query: Query) -> Iterator[str]:
    yield f"SELECT{_select(query.select)}"
    yield f"FROM {_relation(query.source)}"
    if query.window is not None:
        # ksqlDB prints a blank after the window's bracket.
        yield f"WINDOW {format_window(query.window)} "
    if query.where is not None:
        yield f"WHERE {format_expression(query.where)}"
    if query.group_by:
        yield f"GROUP BY {_expressions(query.group_by)}"
    if query.partition_by:
        yield f"PARTITION BY {_expressions(query.partition_by)}"
    if query.having is not None:
        yield f"HAVING {format_expression(query.having)}"
    if query.emit is not None:
        yield f"EMIT {query.emit.value}"
    if query.limit is not None:
        yield f"LIMIT {query.limit}"


def _select(items: tuple[SelectItem, ...]) -> str:
    if len(items) == 1:
        return f" {_select_item(items[0])}"
    return "\n  " + ",\n  ".join(map(_select_item, items))


def _select_item(item: SelectItem) -> str:
    match item:
        case AllColumns(source):
            return "*" if source is None else f"{write_name(source)}.*"
        case StructAll(base):
            return f"{format_expression(base)}->*"
        case SingleColumn(expression, alias):
            text = format_expression(expression)
            return text if alias is None else f"{text} {write_name(alias)}"
        case _:
            assert_never(item)


def _relation(relation: Relation) -> str:
    match relation:
        case AliasedSource(name, alias):
            return f"{write_name(name)} {write_name(alias)}"
        case Join(kind, left, right, criteria, within):
            joined = f"{kind.value} JOIN {_relation(right)}{_within(within)} ON ({format_expression(criteria)})"
            return f"{_relation(left)}\n{joined}"
        case _:
            assert_never(relation)


def _within(within: Within | None) -> str:
    if within is None:
        return ""
    before, after = format_duration(within.before), format_duration(within.after)
    size = before if within.before == within.after else f"({before}, {after})"
    grace = f" GRACE PERIOD {format_duration(within.grace)}" if within.grace is not None else ""
    return f" WITHIN {size}{grace}"


def format_window(window: Window) -> str:
    """A window as a statement writes it after WINDOW."""
    match window:
        case TumblingWindow(size):
            text = f"TUMBLING ( SIZE {format_duration(size)}"
        case HoppingWindow(size, advance):
            text = f"HOPPING ( SIZE {format_duration(size)} , ADVANCE BY {format_duration(advance)}"
        case SessionWindow(gap):
            text = f"SESSION ( {format_duration(gap)}"
        case _:
            assert_never(window)
    retention = f" , RETENTION {format_duration(window.retention)}" if window.retention is not None else ""
    grace = f" , GRACE PERIOD {format_duration(window.grace)}" if window.grace is not None else ""
    return f"{text}{retention}{grace} )"


def _expressions(expressions: tuple[Expression, ...]) -> str:
    return ", ".join(map(format_expression, expressions))
