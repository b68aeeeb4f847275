"""The interface between steps while code is generated: the parts of a row, and the code that takes the row."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum

from bifrost.engine.catalog.schema import Column, LogicalSchema
from bifrost.engine.topology.code.writer import CodeWriter


class OldRows(IntEnum):
    """Whether a step needs the row that a table had before a change."""

    UNUSED = 0
    IF_KNOWN = 1
    """To suppress tombstones of rows that were never in the result, as Kafka Streams does behind a stored table."""
    REQUIRED = 2


@dataclass(frozen=True, slots=True)
class RowScope:
    """The expressions by which generated code reads the parts of a row.

    All are cheap and may be repeated; most are names of locals. `key` is the key tuple
    (None at run time for a null key, unless `has_key`), `window` start and end of the key's window, `plain_key` says
    that keys are hashable as they are. `old`, in a table, is a local with the tuple of the row before (of the wanted
    columns, see `ordered_columns`) or None; the field is None where that is not known. Behind a table's GROUP BY a
    change is not taken apart into `columns`: `new` is a local with the tuple of the row after it, or None.
    """

    columns: Mapping[str, str]
    key: str
    key_columns: tuple[str, ...] = ()
    plain_key: bool = True
    has_key: bool = False
    timestamp: str = "timestamp"
    window: tuple[str, str] | None = None
    old: str | None = None
    new: str | None = None

    @property
    def identity(self) -> str:
        """The expression of the key as stores use it."""
        key = self.key if self.plain_key else f"freeze_key({self.key})"
        return key if self.window is None else f"(*{key}, {self.window[0]}, {self.window[1]})"

    def tuple_of(self, names: Iterable[str]) -> str:
        """Returns the expression of a tuple of columns."""
        return tuple_text(self.columns[name] for name in names)

    def rowless(self) -> RowScope:
        """Returns the scope of a tombstone, which has only the key."""
        return replace(self, columns={})


@dataclass(frozen=True, slots=True)
class Downstream:
    """The code behind a step.

    `row` writes the code for a row (of a table: its new state), `tombstone` the code for a null value; None skips null
    values. Both write code that stands at the end of a loop's body, so that `continue` skips the row.
    `wants` names the columns that are used, `old` says whether `RowScope.old` is.
    """

    wants: frozenset[str]
    row: Callable[[CodeWriter, RowScope], None]
    tombstone: Callable[[CodeWriter, RowScope], None] | None
    old: OldRows = OldRows.UNUSED

    def write_tombstone(self, writer: CodeWriter, scope: RowScope) -> None:
        """Writes the code for a null value, if any."""
        if self.tombstone is not None:
            self.tombstone(writer, scope.rowless())


def ordered_columns(schema: LogicalSchema, wants: frozenset[str]) -> tuple[str, ...]:
    """Returns the wanted columns in the order of the schema, each once: the order of stored and passed rows."""
    return tuple(dict.fromkeys(column.name for column in schema if column.name in wants))


def key_parts(key: str, columns: tuple[Column, ...], *, nullable: bool) -> tuple[str, ...]:
    """Returns the expressions of the columns of a key tuple."""
    if nullable:
        return tuple(f"(None if {key} is None else {key}[{index}])" for index in range(len(columns)))
    return tuple(f"{key}[{index}]" for index in range(len(columns)))


def tuple_text(parts: Iterable[str]) -> str:
    """Returns the source of a tuple of expressions."""
    texts = tuple(parts)
    return f"({', '.join(texts)},)" if texts else "()"


def null_test(parts: Iterable[str]) -> str:
    """Returns the source of a test whether any of the expressions is null; literals need no test."""
    # CPython warns of `"text" is None`, and such a test would be wasted work anyway.
    tests = [f"{part} is None" for part in parts if part == "None" or not isinstance(_parsed(part), ast.Constant)]
    return " or ".join(tests) or "False"


def _parsed(part: str) -> ast.expr:
    return ast.parse(part, mode="eval").body


def unpack(writer: CodeWriter, names: Iterable[str], source: str) -> dict[str, str]:
    """Writes the unpacking of a tuple into fresh locals and returns the local of each column."""
    places = {name: writer.name(name) for name in names}
    if places:
        # The comma before `=` unpacks a row of one column, too.
        writer.line(f"{', '.join(places.values())}, = {source}")
    return places
