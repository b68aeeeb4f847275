"""The types of an Avro schema without inner types: their JSON form, and their binary form."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

_SHOWN = 60
# JSON has no numbers for these.
_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class AvroType(Protocol):
    """One type of a schema, with its conversions."""

    @property
    def name(self) -> str:
        """The name of the type as a branch of a union."""
        ...

    def write(self, out: bytearray, value: Any, path: str, *, is_default: bool) -> None:
        """Append a JSON value in binary form; raises `ValueError`. In a default, a union names no branch."""
        ...

    def read(self, cursor: Cursor) -> Any:
        """Return the next value as JSON; raises `ValueError`."""
        ...


@dataclass(slots=True)
class Cursor:
    data: bytes
    at: int = 0

    def take(self, size: int) -> bytes:
        if not 0 <= size <= len(self.data) - self.at:
            raise ValueError("the record ends within a value")
        self.at += size
        return self.data[self.at - size : self.at]

    def long(self) -> int:
        found = shift = 0
        while True:
            (byte,) = self.take(1)
            found |= (byte & 0x7F) << shift
            if byte < 0x80:
                # Avro's zigzag: the lowest bit is the sign, so small negative numbers stay short.
                return found >> 1 ^ -(found & 1)
            shift += 7
            # Damaged bytes could make the number as long as the record.
            if shift > 63:
                raise ValueError("a number has more than 64 bits")


def write_long(out: bytearray, value: int) -> None:
    number = (value << 1) ^ (value >> 63)
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


@dataclass(frozen=True, slots=True)
class Null:
    name: str = "null"

    def write(self, out: bytearray, value: Any, path: str, *, is_default: bool) -> None:
        if value is not None:
            raise mismatch(path, "null", value)

    def read(self, cursor: Cursor) -> Any:
        return None


@dataclass(frozen=True, slots=True)
class Boolean:
    name: str = "boolean"

    def write(self, out: bytearray, value: Any, path: str, *, is_default: bool) -> None:
        if not isinstance(value, bool):
            raise mismatch(path, "boolean", value)
        out.append(value)

    def read(self, cursor: Cursor) -> Any:
        return cursor.take(1) != b"\0"


@dataclass(frozen=True, slots=True)
class Integer:
    name: str
    bits: int

    def write(self, out: bytearray, value: Any, path: str, *, is_default: bool) -> None:
        limit = 1 << self.bits - 1
        # Not isinstance: in Python a bool is an int.
        if type(value) is not int:
            raise mismatch(path, self.name, value)
        if not -limit <= value < limit:
            raise value_error(path, f"{value} is out of range for {self.name} ({self.bits} bits)")
        write_long(out, value)

    def read(self, cursor: Cursor) -> Any:
        return cursor.long()


@dataclass(frozen=True, slots=True)
class Floating:
    name: str
    form: struct.Struct

    def write(self, out: bytearray, value: Any, path: str, *, is_default: bool) -> None:
        number = _NOT_FINITE.get(value) if isinstance(value, str) else value
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise mismatch(path, self.name, value)
        try:
            out += self.form.pack(number)
        except (OverflowError, struct.error) as error:
            raise value_error(path, f"{shown(value)} is out of range for {self.name}") from error

    def read(self, cursor: Cursor) -> Any:
        (number,) = self.form.unpack(cursor.take(self.form.size))
        if math.isnan(number):
            return "NaN"
        return number if math.isfinite(number) else "Infinity" if number > 0 else "-Infinity"


@dataclass(frozen=True, slots=True)
class Bytes:
    name: str = "bytes"
    size: int | None = None  # of a fixed

    def write(self, out: bytearray, value: Any, path: str, *, is_default: bool) -> None:
        if not isinstance(value, str):
            raise mismatch(path, self.name, value)
        try:
            # Latin-1 maps the characters up to U+00FF to the bytes of the same number, as Avro's JSON encoding
            # demands.
            data = value.encode("latin-1")
        except UnicodeEncodeError as error:
            raise value_error(
                path, f"{self.name} must be a string of characters up to U+00FF, one for each byte"
            ) from error
        if self.size is None:
            write_long(out, len(data))
        elif len(data) != self.size:
            raise value_error(path, f"{self.name} has {self.size} bytes, not {len(data)}")
        out += data

    def read(self, cursor: Cursor) -> Any:
        return cursor.take(cursor.long() if self.size is None else self.size).decode("latin-1")


@dataclass(frozen=True, slots=True)
class String:
    name: str = "string"

    def write(self, out: bytearray, value: Any, path: str, *, is_default: bool) -> None:
        if not isinstance(value, str):
            raise mismatch(path, "string", value)
        data = value.encode()
        write_long(out, len(data))
        out += data

    def read(self, cursor: Cursor) -> Any:
        try:
            return cursor.take(cursor.long()).decode()
        except UnicodeDecodeError as error:
            raise ValueError("a string is not UTF-8") from error


@dataclass(frozen=True, slots=True)
class EnumType:
    name: str
    symbols: Sequence[str]

    def write(self, out: bytearray, value: Any, path: str, *, is_default: bool) -> None:
        if not isinstance(value, str) or value not in self.symbols:
            raise value_error(path, f"{shown(value)} is not a symbol of {self.name}; use {', '.join(self.symbols)}")
        write_long(out, self.symbols.index(value))

    def read(self, cursor: Cursor) -> Any:
        index = cursor.long()
        if not 0 <= index < len(self.symbols):
            raise ValueError(f"{self.name} has no symbol {index}")
        return self.symbols[index]


PRIMITIVES: Mapping[str, AvroType] = {
    "null": Null(),
    "boolean": Boolean(),
    "int": Integer("int", 32),
    "long": Integer("long", 64),
    "float": Floating("float", struct.Struct("<f")),
    "double": Floating("double", struct.Struct("<d")),
    "bytes": Bytes(),
    "string": String(),
}


def join_path(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def mismatch(path: str, expected: str, value: Any) -> ValueError:
    return value_error(path, f"expected {expected}, found {shown(value)}")


def value_error(path: str, problem: str) -> ValueError:
    return ValueError(f"{path}: {problem}" if path else problem)


def shown(value: Any) -> str:
    match value:
        case dict():
            return "an object"
        case list():
            return "an array"
        case _:
            text = json.dumps(value, ensure_ascii=False)
            return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
