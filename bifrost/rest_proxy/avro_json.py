"""Avro's JSON encoding, both ways: JSON to Avro's binary form and back, strictly by the schema.

A union is `null` or names its branch (`{"string": "a"}`); bytes and fixed are strings of characters up to U+00FF; NaN
and the infinities are the strings "NaN", "Infinity" and "-Infinity". Logical types are their underlying types.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from bifrost.rest_proxy.avro_scalars import (
    PRIMITIVES,
    AvroType,
    Bytes,
    Cursor,
    EnumType,
    String,
    join_path,
    mismatch,
    shown,
    value_error,
    write_long,
)

MAX_ITEMS = 10_000_000
"""Limit of one array or map: a few damaged bytes must not claim more."""
_MAP_KEY = String()


class AvroCodec:
    """Converts the values of one parsed schema (as of `bifrost.clients.avro.parse_schema`)."""

    def __init__(self, parsed: Any) -> None:
        self._type = _Compiler().compile(parsed)

    def encode(self, value: Any) -> bytes:
        """Return a JSON value in Avro's binary form.

        Raises:
            ValueError: it does not fit the schema; the message names the field.
        """
        out = bytearray()
        try:
            self._type.write(out, value, "", is_default=False)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error
        return bytes(out)

    def decode(self, data: bytes) -> Any:
        """Return a value in Avro's binary form as JSON.

        Raises:
            ValueError: the bytes are not such a value.
        """
        try:
            return self._type.read(Cursor(data))
        except RecursionError as error:
            raise ValueError("nested too deeply") from error


@dataclass(frozen=True, slots=True)
class _Array:
    items: AvroType
    name: str = "array"

    def write(self, out: bytearray, value: Any, path: str, *, is_default: bool) -> None:
        if not isinstance(value, list):
            raise mismatch(path, "array", value)
        if value:
            write_long(out, len(value))
            for index, item in enumerate(value):
                self.items.write(out, item, f"{path}[{index}]", is_default=is_default)
        # An empty block ends the array.
        out.append(0)

    def read(self, cursor: Cursor) -> Any:
        found: list[Any] = []
        while count := _block_size(cursor, len(found)):
            found += [self.items.read(cursor) for _ in range(count)]
        return found


@dataclass(frozen=True, slots=True)
class _Map:
    values: AvroType
    name: str = "map"

    def write(self, out: bytearray, value: Any, path: str, *, is_default: bool) -> None:
        if not isinstance(value, dict):
            raise mismatch(path, "map", value)
        if value:
            write_long(out, len(value))
            for key, item in value.items():
                _MAP_KEY.write(out, key, path, is_default=is_default)
                self.values.write(out, item, join_path(path, key), is_default=is_default)
        out.append(0)

    def read(self, cursor: Cursor) -> Any:
        found: dict[str, Any] = {}
        while count := _block_size(cursor, len(found)):
            for _ in range(count):
                key = _MAP_KEY.read(cursor)
                found[key] = self.values.read(cursor)
        return found


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    type: AvroType
    has_default: bool
    default: Any = None


@dataclass(frozen=True, slots=True)
class _Record:
    name: str
    fields: list[_Field] = field(default_factory=list)  # filled after its creation: a record may contain itself

    def write(self, out: bytearray, value: Any, path: str, *, is_default: bool) -> None:
        if not isinstance(value, dict):
            raise mismatch(path, f"an object with the fields of {self.name}", value)
        self._refuse_unknown(value, path)
        for each in self.fields:
            inner = join_path(path, each.name)
            if each.name in value:
                each.type.write(out, value[each.name], inner, is_default=is_default)
            elif each.has_default:
                each.type.write(out, each.default, inner, is_default=True)
            else:
                raise value_error(inner, "the field is missing, and has no default")

    def read(self, cursor: Cursor) -> Any:
        return {each.name: each.type.read(cursor) for each in self.fields}

    def _refuse_unknown(self, value: Mapping[str, Any], path: str) -> None:
        names = [each.name for each in self.fields]
        for name in value:
            if name not in names:
                close = get_close_matches(name, names, n=1)
                hint = f"did you mean {close[0]}?" if close else f"its fields are {', '.join(names) or 'none'}"
                raise value_error(join_path(path, name), f"{self.name} has no such field; {hint}")


@dataclass(frozen=True, slots=True)
class _Union:
    branches: Sequence[AvroType]
    name: str = "union"

    def write(self, out: bytearray, value: Any, path: str, *, is_default: bool) -> None:
        index, inner = self._default_branch(value, path) if is_default else self._branch(value, path)
        write_long(out, index)
        self.branches[index].write(out, inner, path, is_default=is_default)

    def read(self, cursor: Cursor) -> Any:
        index = cursor.long()
        if not 0 <= index < len(self.branches):
            raise ValueError(f"a union has no branch {index}")
        branch = self.branches[index]
        found = branch.read(cursor)
        return None if branch.name == "null" else {branch.name: found}

    def _branch(self, value: Any, path: str) -> tuple[int, Any]:
        names = [branch.name for branch in self.branches]
        if value is None and "null" in names:
            return names.index("null"), None
        others = [name for name in names if name != "null"]
        if isinstance(value, dict) and len(value) == 1:
            name, inner = next(iter(value.items()))
            if name in others:
                return names.index(name), inner
        expected = " or ".join((["null"] if "null" in names else []) + [f'{{"{name}": ...}}' for name in others])
        raise value_error(path, f"expected {expected}, found {shown(value)}")

    # A default names no branch, and since Avro 1.12 it may be of any of them.
    def _default_branch(self, value: Any, path: str) -> tuple[int, Any]:
        for index, branch in enumerate(self.branches):
            try:
                branch.write(bytearray(), value, path, is_default=True)
            except ValueError:
                continue
            return index, value
        raise value_error(path, f"the default {shown(value)} fits no branch of the union")


class _Compiler:
    """Builds the types of one schema; named types are found again by their full names."""

    def __init__(self) -> None:
        self._named: dict[str, AvroType] = {}

    def compile(self, schema: Any) -> AvroType:
        if isinstance(schema, list):
            return _Union([self.compile(branch) for branch in schema])
        if isinstance(schema, str):
            return PRIMITIVES.get(schema) or self._named[schema]
        match schema["type"]:
            case "record" | "error":
                return self._record(schema)
            case "enum":
                return self._name(schema, EnumType(schema["name"], tuple(schema["symbols"])))
            case "fixed":
                return self._name(schema, Bytes(schema["name"], int(schema["size"])))
            case "array":
                return _Array(self.compile(schema["items"]))
            case "map":
                return _Map(self.compile(schema["values"]))
            case inner:
                return self.compile(inner)

    def _record(self, schema: Mapping[str, Any]) -> AvroType:
        record = _Record(schema["name"])
        self._named[record.name] = record
        record.fields.extend(
            _Field(each["name"], self.compile(each["type"]), "default" in each, each.get("default"))
            for each in schema["fields"]
        )
        return record

    def _name(self, schema: Mapping[str, Any], found: AvroType) -> AvroType:
        self._named[schema["name"]] = found
        return found


def _block_size(cursor: Cursor, already: int) -> int:
    """Return the number of items in the next block of an array or map; 0 at its end."""
    count = cursor.long()
    if count < 0:  # the block's size in bytes follows
        count = -count
        cursor.long()
    if already + count > MAX_ITEMS:
        raise ValueError(f"an array or map claims {already + count} items")
    return count
