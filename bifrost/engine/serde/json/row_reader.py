"""ReadersBySchema of JSON values: one function per set of columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson

from bifrost.engine.serde.avro.row_reader import Target
from bifrost.engine.serde.errors import SerdeError
from bifrost.engine.serde.function_source import FunctionSource
from bifrost.engine.serde.json.lenient import exact_json
from bifrost.engine.serde.json.values import WHOLE_TYPES, NeedsExact, converter, failing_path, invalid
from bifrost.sql.types import BOOLEAN, DOUBLE, STRING, SqlStruct, SqlType, StructField

Reader = Callable[[bytes], tuple[Any, ...] | None]

# Records of one topic have few pickers; a topic where every record differs must not fill the memory.
_MAX_SHAPES = 256

_PLAIN: dict[SqlType, str] = {STRING: "str", DOUBLE: "float", BOOLEAN: "bool"}


def row_reader(targets: Sequence[Target], start: int) -> Reader:
    """Return a function from a payload, an object that begins at `start`, to the row. JSON's null gives None."""
    make = _row_maker(targets)
    kind = SqlStruct(tuple(StructField(name, kind) for name, kind in targets if kind is not None))
    pickers = _MemberPickers([field.name for field in kind.fields])

    def row(record: Any) -> tuple[Any, ...] | None:
        if record.__class__ is not dict:
            if record is None:
                return None
            raise invalid(record, kind)
        return make(pickers[tuple(record)](record))

    return _reader(row, start, kind)


def single_reader(sql_type: SqlType, start: int) -> Reader:
    """Return a function from a payload that is one unwrapped value to a row of one column. JSON's null gives None."""
    convert = converter(sql_type)
    return _reader(lambda value: None if value is None else (convert(value),), start, sql_type)


def _reader(row: Callable[[Any], tuple[Any, ...] | None], start: int, kind: SqlType) -> Reader:
    loads = orjson.loads

    def read(data: bytes) -> tuple[Any, ...] | None:
        if start:
            data = data[start:]
        try:
            return row(loads(data))
        except (NeedsExact, orjson.JSONDecodeError, SerdeError):
            # Rare and slow: the exact parser accepts more, keeps all digits, and finds the path of an error.
            return read_exactly(data)

    def read_exactly(data: bytes) -> tuple[Any, ...] | None:
        value = exact_json(data)
        try:
            return row(value)
        except SerdeError as error:
            raise SerdeError(f"{error}, path: ${failing_path(value, kind)}") from error

    return read


class _MemberPickers(dict[tuple[str, ...], Callable[[dict[str, Any]], Sequence[Any]]]):
    """The functions that pick the columns' values, by the names of a record's members.

    As in ksqlDB, a column takes the member of its exact name, else a member whose upper-case name equals the column's.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        super().__init__()
        self.columns = columns

    def __missing__(self, members: tuple[str, ...]) -> Callable[[dict[str, Any]], Sequence[Any]]:
        upper = {member.upper(): member for member in members}
        names = [column if column in members else upper.get(column) for column in self.columns]
        picks = ", ".join("None" if name is None else f"r[{name!r}]" for name in names)
        source = FunctionSource("pick(r)")
        source.line(f"return ({picks}{',' if picks else ''})")
        pick = source.compile("json shape")
        if len(self) >= _MAX_SHAPES:
            self.clear()
        self[members] = pick
        return pick


def _row_maker(targets: Sequence[Target]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """Generate a function from the picked values to the row; a value of the right type is not converted."""
    source = FunctionSource("make(picked)")
    names = ["None" if kind is None else f"c{at}" for at, (_, kind) in enumerate(targets)]
    used = [name for name in names if name != "None"]
    if used:
        source.line(f"{', '.join(used)}, = picked")
    for name, (_, kind) in zip(names, targets, strict=True):
        if kind is not None:
            with source.block(f"if {name} is not None{_unless_right(name, kind)}:"):
                source.line(f"{name} = {source.constant(converter(kind))}({name})")
    source.line(f"return ({''.join(name + ', ' for name in names)})")
    return source.compile("json row")


def _unless_right(name: str, kind: SqlType) -> str:
    if kind in WHOLE_TYPES:
        low, high = WHOLE_TYPES[kind]
        return f" and ({name}.__class__ is not int or not {low} <= {name} <= {high})"
    plain = _PLAIN.get(kind)
    return f" and {name}.__class__ is not {plain}" if plain else ""
