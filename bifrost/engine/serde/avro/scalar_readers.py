"""Code that reads or skips Avro's scalars, for the generated readers."""

from __future__ import annotations

import struct

from bifrost.engine.functions.java.text import decode_utf8
from bifrost.engine.serde.avro.binary import fit_decimal, read_raw, read_raw_int, read_size, to_decimal
from bifrost.engine.serde.avro.schema import AvroEnum, AvroFixed, AvroPrimitive, AvroType
from bifrost.engine.serde.errors import SerdeError
from bifrost.engine.serde.function_source import FunctionSource
from bifrost.sql.types import (
    BIGINT,
    BOOLEAN,
    BYTES,
    DATE,
    DOUBLE,
    INTEGER,
    STRING,
    TIME,
    TIMESTAMP,
    SqlDecimal,
    SqlType,
)

_INT_TARGETS = frozenset({INTEGER, BIGINT, STRING, DATE, TIME, TIMESTAMP})
_LONG_TARGETS = frozenset({BIGINT, STRING, TIME, TIMESTAMP})
_WIDTHS = {"null": 0, "boolean": 1, "float": 4, "double": 8}


def mismatch(avro: AvroType, sql_type: SqlType, path: str) -> SerdeError:
    """Return the error for an Avro type that cannot be read as a SQL type."""
    return SerdeError(f"Cannot deserialize type {type_text(avro)} as type {sql_type} for path: {path or '->'}")


def type_text(avro: AvroType) -> str:
    """Return the Avro type's name."""
    match avro:
        case AvroPrimitive(name):
            return avro.logical or name
        case _:
            return type(avro).__name__.removeprefix("Avro").lower()


class ScalarCode:
    """Emits code that reads scalars from `d` at `i` and advances `i`; `n` and `j` are scratch variables."""

    def __init__(self, source: FunctionSource, *, lenient: bool) -> None:
        self.source = source
        self.lenient = lenient
        readers = {"raw": read_raw, "raw_int": read_raw_int, "size": read_size, "decimal": to_decimal}
        for name, value in readers.items():
            source.constants[name] = value

    def primitive(self, avro: AvroPrimitive, name: str, sql_type: SqlType, into: str, path: str) -> None:
        """Read a primitive into a variable."""
        match name:
            case "null":
                self.source.line(f"{into} = None")
            case "int" | "long":
                self.number(avro, sql_type, into, path)
            case "string" if sql_type == STRING:
                self.text(into)
            case "bytes":
                self.chunk(into)
                self.converted_bytes(avro, sql_type, into, path)
            case "boolean" if sql_type in (BOOLEAN, STRING):
                self.source.line(f"{into} = d[i] == 1")
                self.source.line("i += 1")
                if sql_type == STRING:
                    self.source.line(f'{into} = "true" if {into} else "false"')
            case "float" | "double" if sql_type == DOUBLE:
                size, code = (4, "<f") if name == "float" else (8, "<d")
                unpack = self.source.constant(struct.Struct(code).unpack_from, "unpack")
                self.source.line(f"{into}, = {unpack}(d, i)")
                self.source.line(f"i += {size}")
            case _:
                raise mismatch(avro, sql_type, path)

    def number(self, avro: AvroPrimitive, sql_type: SqlType, into: str, path: str) -> None:
        """Read an int or long as a number, a time or text."""
        if sql_type not in (_INT_TARGETS if avro.name == "int" else _LONG_TARGETS):
            raise mismatch(avro, sql_type, path)
        self.raw("n", "raw_int" if avro.name == "int" else "raw")
        number = "(n >> 1) ^ -(n & 1)"
        if sql_type == STRING:
            number = f"str({number})"
        elif avro.logical in ("timestamp-micros", "time-micros") and sql_type in (TIME, TIMESTAMP):
            number = f"({number}) // 1000"
        self.source.line(f"{into} = {number}")

    def raw(self, into: str, reader: str = "raw") -> None:
        """Read a number, still in zig-zag form; `reader` handles numbers of several bytes."""
        source = self.source
        source.line(f"{into} = d[i]")
        with source.block(f"if {into} < 128:"):
            source.line("i += 1")
        with source.block("else:"):
            source.line(f"{into}, i = {reader}(d, i)")

    def length(self, into: str) -> None:
        """Read a number that must not be negative."""
        source = self.source
        source.line(f"{into} = d[i]")
        # Bit 7: more bytes follow. Bit 0: the number is negative. Both are left to the slow path.
        with source.block(f"if {into} & 129:"):
            source.line(f"{into}, i = size(d, i)")
        with source.block("else:"):
            source.line(f"{into} >>= 1")
            source.line("i += 1")

    def text(self, into: str) -> None:
        """Read text; a lenient reader replaces malformed UTF-8 as Java does, the fast one fails."""
        self.chunk(into, f"{self.source.constant(decode_utf8)}(d[i:j])" if self.lenient else "d[i:j].decode()")

    def chunk(self, into: str, value: str = "d[i:j]") -> None:
        """Read a length and as many bytes."""
        self.length("n")
        self.source.line("j = i + n")
        self.source.line(f"{into} = {value}")
        self.source.line("i = j")

    def converted_bytes(self, avro: AvroPrimitive | AvroFixed, sql_type: SqlType, into: str, path: str) -> None:
        """Convert bytes that were read to the SQL type."""
        match sql_type:
            case SqlDecimal(precision, scale) if avro.logical == "decimal":
                self.source.line(f"{into} = decimal({into}, {avro.scale})")
                if (avro.precision, avro.scale) != (precision, scale):
                    fit = self.source.constant(fit_decimal, "fit")
                    self.source.line(f"{into} = {fit}({into}, {precision}, {scale})")
            case _ if sql_type == BYTES and avro.logical is None:
                pass
            case _:
                raise mismatch(avro, sql_type, path)

    def fixed(self, avro: AvroFixed, sql_type: SqlType, into: str, path: str) -> None:
        """Read a fixed number of bytes."""
        self.source.line(f"{into} = d[i:i + {avro.size}]")
        self.source.line(f"i += {avro.size}")
        self.converted_bytes(avro, sql_type, into, path)

    def enum(self, avro: AvroEnum, into: str) -> None:
        """Read a symbol."""
        self.length("n")
        self.source.line(f"{into} = {self.source.constant(avro.symbols)}[n]")

    def skip(self, avro: AvroPrimitive | AvroFixed | AvroEnum) -> None:
        """Skip a scalar."""
        match avro:
            case AvroFixed(size=size):
                self.source.line(f"i += {size}")
            case AvroPrimitive(name) if name in _WIDTHS:
                self.source.line(f"i += {_WIDTHS[name]}")
            case AvroPrimitive(name="string" | "bytes"):
                self.length("n")
                self.source.line("i += n")
            case _:
                # Only the last byte of a number has bit 7 clear.
                with self.source.block("while d[i] > 127:"):
                    self.source.line("i += 1")
                self.source.line("i += 1")
