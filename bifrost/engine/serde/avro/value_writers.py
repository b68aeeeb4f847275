"""Code that appends Avro values to a bytearray, for the generated writers."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NoReturn

from bifrost.engine.serde.avro.binary import encode_long, unscaled_bytes
from bifrost.engine.serde.avro.defaults import default_bytes, missing_bytes
from bifrost.engine.serde.avro.scalar_readers import type_text
from bifrost.engine.serde.avro.schema import (
    NO_DEFAULT,
    NULL,
    AvroArray,
    AvroEnum,
    AvroField,
    AvroFixed,
    AvroMap,
    AvroPrimitive,
    AvroRecord,
    AvroType,
    AvroUnion,
)
from bifrost.engine.serde.avro.sql_types import branch_name, present_branches
from bifrost.engine.serde.errors import SerdeError
from bifrost.engine.serde.function_source import MAX_DEPTH, FunctionSource
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
    SqlArray,
    SqlDecimal,
    SqlMap,
    SqlStruct,
    SqlType,
    StructField,
)

_INT_SOURCES = frozenset({INTEGER, DATE, TIME})
_LONG_SOURCES = frozenset({INTEGER, BIGINT, TIMESTAMP, TIME})


def missing_value(path: str) -> NoReturn:
    """Raise the error for a null where the schema requires a value."""
    raise SerdeError(f"Invalid value: null used for required field: {path.removeprefix('->') or 'the value itself'}")


def _not_a_symbol(value: object) -> NoReturn:
    raise SerdeError(f"{value!r} is not a symbol of the schema's enum")


def _wrong_size(size: int) -> NoReturn:
    raise SerdeError(f"The schema's fixed field holds {size} bytes")


class ValueCode:
    """Emits code that appends values to the bytearray `out`; it uses the tables of `number_text`."""

    def __init__(self, source: FunctionSource) -> None:
        self.source = source
        self.out = ""

    def record(self, fields: Sequence[AvroField], values: dict[str, StructField], path: str) -> None:
        """Write a record's fields from the variables that hold columns or struct fields."""
        # Each column fills one field, even if the names of two fields differ only in case.
        free = dict(values)
        for field in fields:
            variable = matching_variable(field.name, free)
            if variable is None:
                self.bytes(missing_bytes(field))
            else:
                self.field(field, free.pop(variable).type, variable, f"{path}->{field.name}")

    def field(self, field: AvroField, sql_type: SqlType, name: str, path: str) -> None:
        """Write a field from its column; as in Connect, a null in a required field becomes the default."""
        if field.default is NO_DEFAULT or isinstance(field.type, AvroUnion):
            self.value(field.type, sql_type, name, path)
            return
        with self.source.block(f"if {name} is None:"):
            self.bytes(default_bytes(field.type, field.default))
        with self.source.block("else:"):
            self.present(field.type, sql_type, name, path)

    def bytes(self, constant: bytes) -> None:
        """Append constant bytes."""
        self.source.line(f"{self.out} += {constant!r}")

    def value(self, avro: AvroType, sql_type: SqlType, name: str, path: str) -> None:
        """Write a variable that may be None."""
        if isinstance(avro, AvroUnion):
            self.union(avro, sql_type, name, path)
            return
        with self.source.block(f"if {name} is None:"):
            self.source.line(f"{self.source.constant(missing_value)}({path!r})")
        self.present(avro, sql_type, name, path)

    def union(self, union: AvroUnion, sql_type: SqlType, name: str, path: str) -> None:
        """Write a union: null, its only other type, or the first field of the struct that is not null."""
        branches = present_branches(union)
        with self.source.block(f"if {name} is None:"):
            if NULL in union.branches:
                self.bytes(encode_long(union.branches.index(NULL)))
            else:
                self.source.line(f"{self.source.constant(missing_value)}({path!r})")
        with self.source.block("else:"):
            if len(branches) == 1:
                self.branch(union, branches[0], sql_type, name, path)
            elif isinstance(sql_type, SqlStruct):
                self.struct_of_branches(union, sql_type, name, path)
            else:
                raise _mismatch(union, sql_type, path)

    def branch(self, union: AvroUnion, branch: AvroType, sql_type: SqlType, name: str, path: str) -> None:
        """Write a value that is not None with its branch's index."""
        index = union.branches.index(branch)
        # The optional numbers begin with the index of a union's second branch.
        if index == 1 and isinstance(branch, AvroPrimitive) and branch.name in ("int", "long"):
            self.number(branch, sql_type, name, path, prefix="OPTIONAL_")
            return
        self.bytes(encode_long(index))
        self.present(branch, sql_type, name, path)

    def struct_of_branches(self, union: AvroUnion, sql_type: SqlStruct, name: str, path: str) -> None:
        """Write the first field that is not None."""
        opening = "if"
        for branch in present_branches(union):
            field = next((f for f in sql_type.fields if f.name.upper() == branch_name(branch).upper()), None)
            if field is None:
                continue
            value = self.source.fresh("v")
            with self.source.block(f"{opening} ({value} := {name}[{field.name!r}]) is not None:"):
                self.branch(union, branch, field.type, value, path)
            opening = "elif"
        with self.source.block("else:" if opening == "elif" else "if True:"):
            self.source.line(f"{self.source.constant(missing_value)}({path!r})")

    def present(self, avro: AvroType, sql_type: SqlType, name: str, path: str) -> None:
        """Write a variable that is not None."""
        match avro:
            case AvroPrimitive("int" | "long"):
                self.number(avro, sql_type, name, path, prefix="")
            case AvroPrimitive():
                self.primitive(avro, sql_type, name, path)
            case AvroFixed():
                self.fixed(avro, sql_type, name, path)
            case AvroEnum(symbols=symbols) if sql_type == STRING:
                index = self.source.constant({symbol: encode_long(at) for at, symbol in enumerate(symbols)})
                self.source.line(f"{self.out} += {index}.get({name}) or {self.source.constant(_not_a_symbol)}({name})")
            case AvroRecord(_, fields) if isinstance(sql_type, SqlStruct):
                values = {self.source.fresh("v"): field for field in sql_type.fields}
                for variable, field in values.items():
                    self.source.line(f"{variable} = {name}[{field.name!r}]")
                self.record(fields, values, path)
            case _:
                self.collection(avro, sql_type, name, path)

    def number(self, avro: AvroPrimitive, sql_type: SqlType, name: str, path: str, *, prefix: str) -> None:
        """Write a number that is not None."""
        if sql_type not in _sources(avro.name):
            raise _mismatch(avro, sql_type, path)
        micros = avro.logical in ("timestamp-micros", "time-micros")
        number = name
        if micros:
            number = self.source.fresh("n")
            self.source.line(f"{number} = {name} * 1000")
        self.source.line(f"{self.out} += {number_text(number, prefix)}")

    def primitive(self, avro: AvroPrimitive, sql_type: SqlType, name: str, path: str) -> None:
        """Write text, bytes, a boolean or a fraction that is not None."""
        match avro.name, sql_type:
            case "string", _ if sql_type == STRING:
                self.source.line(f"e = {name}.encode()")
                self.chunk("e")
            case "bytes", _ if sql_type == BYTES and avro.logical is None:
                self.chunk(name)
            case "bytes", SqlDecimal() if avro.logical == "decimal":
                unscaled = self.source.constant(unscaled_bytes)
                self.source.line(f"e = {unscaled}({name}, {avro.precision}, {avro.scale})")
                self.chunk("e")
            case "boolean", _ if sql_type == BOOLEAN:
                self.source.line(f'{self.out} += b"\\1" if {name} else b"\\0"')
            case "double" | "float", _ if sql_type == DOUBLE:
                pack = self.source.constant(struct.Struct("<d" if avro.name == "double" else "<f").pack, "pack")
                self.source.line(f"{self.out} += {pack}({name})")
            case _:
                raise _mismatch(avro, sql_type, path)

    def chunk(self, name: str) -> None:
        """Append a length and the bytes."""
        self.source.line(f"{self.out} += LONGS[len({name})]")
        self.source.line(f"{self.out} += {name}")

    def fixed(self, avro: AvroFixed, sql_type: SqlType, name: str, path: str) -> None:
        """Write a fixed number of bytes; a decimal is padded with its sign."""
        if isinstance(sql_type, SqlDecimal) and avro.logical == "decimal":
            unscaled = self.source.constant(unscaled_bytes)
            self.source.line(f"e = {unscaled}({name}, {avro.precision}, {avro.scale})")
            self.source.line(f'e = e.rjust({avro.size}, b"\\xff" if e[0] > 127 else b"\\0")')
        elif sql_type == BYTES and avro.logical is None:
            self.source.line(f"e = {name}")
        else:
            raise _mismatch(avro, sql_type, path)
        with self.source.block(f"if len(e) != {avro.size}:"):
            self.source.line(f"{self.source.constant(_wrong_size)}({avro.size})")
        self.source.line(f"{self.out} += e")

    def collection(self, avro: AvroType, sql_type: SqlType, name: str, path: str) -> None:
        """Write an array or a map as one block."""
        if self.source.depth > MAX_DEPTH * 2:
            raise SerdeError("The Avro schema is nested too deeply to be columns")
        key, value = self.source.fresh("v"), self.source.fresh("v")
        # An empty collection has no block, only the end mark.
        with self.source.block(f"if {name}:"):
            self.source.line(f"{self.out} += LONGS[len({name})]")
            match avro, sql_type:
                case AvroArray(AvroRecord(_, (first, second), is_entry=True)), SqlMap(key_type, value_type):
                    with self.source.block(f"for {key}, {value} in {name}.items():"):
                        self.value(first.type, key_type, key, f"{path}->{first.name}")
                        self.value(second.type, value_type, value, f"{path}->{second.name}")
                case AvroArray(item), SqlArray(item_type):
                    with self.source.block(f"for {value} in {name}:"):
                        self.value(item, item_type, value, f"{path}[]")
                case AvroMap(item), SqlMap(key_type, value_type) if key_type == STRING:
                    with self.source.block(f"for {key}, {value} in {name}.items():"):
                        self.value(AvroPrimitive("string"), STRING, key, f"{path}->key")
                        self.value(item, value_type, value, f"{path}[]")
                case _:
                    raise _mismatch(avro, sql_type, path)
        self.source.line(f'{self.out} += b"\\0"')


def _sources(word: str) -> frozenset[SqlType]:
    """Return the SQL types that an Avro number can hold."""
    return _INT_SOURCES if word == "int" else _LONG_SOURCES


def is_plain(avro: AvroPrimitive, sql_type: SqlType) -> bool:
    """Return whether the value is a number or text that needs no conversion."""
    if avro.name in ("int", "long"):
        # The engine has milliseconds, micros need a conversion.
        return sql_type in _sources(avro.name) and not (avro.logical or "").endswith("micros")
    return avro.name == "string" and sql_type == STRING


def matching_variable(field: str, values: dict[str, StructField]) -> str | None:
    """Return the variable whose column goes into a field: first by exact name, then ignoring case."""
    upper = field.upper()
    found = None
    for variable, column in values.items():
        if column.name == field:
            return variable
        if found is None and column.name.upper() == upper:
            found = variable
    return found


def _mismatch(avro: AvroType, sql_type: SqlType, path: str) -> SerdeError:
    return SerdeError(f"Cannot serialize type {sql_type} as type {type_text(avro)} for path: {path or '->'}")


def number_text(name: str, prefix: str = "") -> str:
    """Return the expression of an encoded number; the prefix `OPTIONAL_` puts the index of a union's branch before it.

    Up to 2^41, which includes times of this century, it calls no function: `raw` is the zig-zag form of a number that
    is not negative. The table of LONGS encodes the others.
    """
    return (
        f"{prefix}LAST[raw] if 0 <= (raw := {name} << 1) < 16384"
        f" else {prefix}FIRST[raw & 16383] + LAST[raw >> 14] if 0 <= raw < 268435456"
        f" else {prefix}FIRST[raw & 16383] + FIRST[raw >> 14 & 16383] + LAST[raw >> 28] if 0 <= raw < 4398046511104"
        f" else {prefix}LONGS[{name}]"
    )
