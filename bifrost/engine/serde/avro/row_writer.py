"""Generated writers of Avro: one function per schema that turns a row into a payload."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bifrost.engine.serde.avro.binary import (
    FIRST_BYTES,
    LAST_BYTES,
    LONGS,
    OPTIONAL_FIRST_BYTES,
    OPTIONAL_LAST_BYTES,
    OPTIONAL_LONGS,
    encode_long,
)
from bifrost.engine.serde.avro.defaults import missing_bytes
from bifrost.engine.serde.avro.scalar_readers import type_text
from bifrost.engine.serde.avro.schema import NO_DEFAULT, AvroField, AvroPrimitive, AvroRecord, AvroType, AvroUnion
from bifrost.engine.serde.avro.sql_types import present_branches
from bifrost.engine.serde.avro.value_writers import ValueCode, is_plain, matching_variable, missing_value, number_text
from bifrost.engine.serde.errors import SerdeError
from bifrost.engine.serde.function_source import FunctionSource
from bifrost.sql.types import SqlStruct, SqlType, SqlValue, StructField

_TABLES: Mapping[str, object] = {
    "LONGS": LONGS,
    "FIRST": FIRST_BYTES,
    "LAST": LAST_BYTES,
    "OPTIONAL_LONGS": OPTIONAL_LONGS,
    "OPTIONAL_FIRST": OPTIONAL_FIRST_BYTES,
    "OPTIONAL_LAST": OPTIONAL_LAST_BYTES,
}
Writer = Callable[[tuple[SqlValue, ...]], bytes]


def row_writer(avro: AvroType, columns: Sequence[StructField], prefix: bytes) -> Writer:
    """Generate a function from a row to `prefix` and its Avro.

    A field without a column gets its default.

    Raises:
        SerdeError: a field cannot hold its column; the message names it.
    """
    generator = _Generator(prefix)
    names = [f"c{position}" for position in range(len(columns))]
    if names:
        generator.source.line(f"{', '.join(names)}, = row")
    generator.top_record(avro, dict(zip(names, columns, strict=True)))
    return generator.finished()


def single_writer(avro: AvroType, sql_type: SqlType, prefix: bytes) -> Writer:
    """Generate a function from a row of one column to `prefix` and the Avro of its unwrapped value."""
    generator = _Generator(prefix)
    generator.source.line("c0, = row")
    generator.part(AvroField("", avro), sql_type, "c0", "")
    return generator.finished()


class _Generator:
    """Emits code that creates the parts of a payload and joins them at the end.

    A simple field is one part; any other field is a bytearray that collects its values.
    """

    def __init__(self, prefix: bytes) -> None:
        self.source = FunctionSource("write(row)")
        self.source.constants.update(_TABLES, PREFIX=prefix, JOIN=b"".join)
        self.parts = ["PREFIX"]
        self.values = ValueCode(self.source)

    def finished(self) -> Writer:
        self.source.line(f"return JOIN(({', '.join(self.parts)},))")
        return self.source.compile("avro writer")

    def top_record(self, avro: AvroType, columns: dict[str, StructField]) -> None:
        """Write the row's record; `columns` are keyed by their variables."""
        match avro:
            case AvroRecord(_, fields):
                self.top_fields(fields, columns)
            case AvroUnion(branches) if len(records := [b for b in branches if isinstance(b, AvroRecord)]) == 1:
                self.parts.append(repr(encode_long(branches.index(records[0]))))
                self.top_fields(records[0].fields, columns)
            case AvroUnion() if len(present_branches(avro)) > 1:
                self.top_union(avro, columns)
            case _:
                raise SerdeError(f"The schema's type is {type_text(avro)}, but a record with the columns is needed")

    def top_union(self, union: AvroUnion, columns: dict[str, StructField]) -> None:
        """Write the branch whose column is not null."""
        struct, out = self.source.fresh("s"), self.source.fresh("o")
        pairs = ", ".join(f"{column.name!r}: {variable}" for variable, column in columns.items())
        self.source.line(f"{struct} = {{{pairs}}}")
        self.source.line(f"{out} = bytearray()")
        self.values.out = out
        self.values.union(union, SqlStruct(tuple(columns.values())), struct, "")
        self.parts.append(out)

    def top_fields(self, fields: Sequence[AvroField], columns: dict[str, StructField]) -> None:
        """Write the row's fields, each as a part."""
        free = dict(columns)
        for field in fields:
            variable = matching_variable(field.name, free)
            if variable is None:
                self.parts.append(repr(missing_bytes(field)))
            else:
                self.part(field, free.pop(variable).type, variable, f"->{field.name}")

    def part(self, field: AvroField, sql_type: SqlType, name: str, path: str) -> None:
        """Write one field as a part of the payload: numbers and text in the fewest steps."""
        match field:
            case AvroField(type=AvroUnion((AvroPrimitive("null"), AvroPrimitive() as value))) if is_plain(
                value, sql_type
            ):
                if value.name == "string":
                    self.optional_text_part(name)
                else:
                    self.parts.append(f'b"\\0" if {name} is None else {number_text(name, "OPTIONAL_")}')
            case AvroField(type=AvroPrimitive() as value) if is_plain(value, sql_type) and field.default is NO_DEFAULT:
                with self.source.block(f"if {name} is None:"):
                    self.source.line(f"{self.source.constant(missing_value)}({path!r})")
                if value.name == "string":
                    self.text_part(name, "LONGS")
                else:
                    self.parts.append(number_text(name))
            case _:
                out = self.values.out = self.source.fresh("o")
                self.source.line(f"{out} = bytearray()")
                self.values.field(field, sql_type, name, path)
                self.parts.append(out)

    def text_part(self, name: str, lengths: str) -> None:
        """Write text as two parts, its length and its bytes."""
        head, text = self.source.fresh("h"), self.source.fresh("e")
        self.source.line(f"{text} = {name}.encode()")
        self.source.line(f"{head} = {lengths}[len({text})]")
        self.parts += [head, text]

    def optional_text_part(self, name: str) -> None:
        """Write text that may be None as two parts."""
        with self.source.block(f"if {name} is not None:"):
            self.text_part(name, "OPTIONAL_LONGS")
        head, text = self.parts[-2:]
        with self.source.block("else:"):
            self.source.line(f'{head}, {text} = b"\\0", b""')
