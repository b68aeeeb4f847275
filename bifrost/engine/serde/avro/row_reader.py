"""Generated readers of Avro: one function per writer schema that turns a payload into a row.

On a flat record of seven fields, a generated reader is 1.5 times as fast as fastavro's compiled reader plus the
conversion of its dict to a row, and it skips what no column needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from bifrost.engine.serde.avro.binary import bad_branch, bad_count
from bifrost.engine.serde.avro.scalar_readers import ScalarCode, mismatch, type_text
from bifrost.engine.serde.avro.schema import (
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
from bifrost.engine.serde.avro.sql_types import branch_name, matching_field, present_branches
from bifrost.engine.serde.errors import SerdeError
from bifrost.engine.serde.function_source import MAX_DEPTH, FunctionSource
from bifrost.sql.types import STRING, SqlArray, SqlMap, SqlStruct, SqlType, SqlValue

Reader = Callable[[bytes], tuple[SqlValue, ...] | None]
Target = tuple[str, SqlType | None]
"""A column's name and type; the type is None if the column is not needed."""


def row_reader(writer: AvroType, targets: Sequence[Target], start: int, *, lenient: bool = False) -> Reader:
    """Generate a function from a payload, whose Avro begins at `start`, to the row.

    A column reads the field of its name; if the record has no such field, it is null. A null record gives None. A
    lenient reader replaces malformed UTF-8 as Java does, others raise UnicodeDecodeError.

    Raises:
        SerdeError: a field cannot be read as its column's type; the message names it.
    """
    generator = _Generator(start, lenient=lenient)
    generator.row(writer, targets)
    return generator.finished()


def single_reader(writer: AvroType, sql_type: SqlType, start: int, *, lenient: bool = False) -> Reader:
    """Generate a function from a payload that is one unwrapped value to a row of one column; null gives None."""
    generator = _Generator(start, lenient=lenient)
    generator.value(writer, sql_type, "v", "")
    generator.source.line("row = None if v is None else (v,)")
    return generator.finished()


class _Generator:
    """Emits code that reads `d` from position `i`, depth first along the writer's schema."""

    def __init__(self, start: int, *, lenient: bool) -> None:
        self.source = FunctionSource("read(d)")
        self.source.line(f"i = {start}")
        self.scalars = ScalarCode(self.source, lenient=lenient)

    def finished(self) -> Reader:
        """Compile the function. Slices do not fail on a truncated payload, so the code checks the final position."""
        source = self.source
        with source.block("if i > len(d):"):
            source.line("raise IndexError(i)")
        source.line("return row")
        return source.compile("avro reader")

    def row(self, writer: AvroType, targets: Sequence[Target]) -> None:
        """Emit code that assigns the row to `row`."""
        match writer:
            case AvroRecord(_, fields):
                names = self.fields(fields, targets, "", is_row=True)
                self.source.line(f"row = ({''.join(name + ', ' for name in names)})")
            case AvroUnion(branches) if len(present_branches(writer)) == 1:
                self.choose(branches, lambda branch: self.nullable_row(branch, targets))
            case AvroUnion(branches):
                self.choose(branches, lambda branch: self.branch_row(branch, targets))
            case _:
                raise SerdeError(f"The schema's type is {type_text(writer)}, but a record with the columns is needed")

    def nullable_row(self, branch: AvroType, targets: Sequence[Target]) -> None:
        if branch == NULL:
            self.source.line("row = None")
        else:
            self.row(branch, targets)

    def branch_row(self, branch: AvroType, targets: Sequence[Target]) -> None:
        """Read one of several branches as the column of its name, as Connect does; the other columns are null."""
        if branch == NULL:
            self.source.line("row = None")
            return
        names = self.fields([AvroField(branch_name(branch), branch)], targets, "", is_row=True)
        self.source.line(f"row = ({''.join(name + ', ' for name in names)})")

    def fields(
        self, fields: Sequence[AvroField], targets: Sequence[Target], path: str, *, is_row: bool = False
    ) -> list[str]:
        """Read a record; return the names of the variables with the targets' values, in the targets' order.

        The row's own record is read only up to its last needed field; an inner record must be skipped to its end.
        """
        wanted = _readers(fields, targets)
        last = max((at for at, field in enumerate(fields) if field.name in wanted), default=-1)
        names = ["None"] * len(targets)
        for field in fields[: last + 1] if is_row else fields:
            if field.name not in wanted:
                self.skip(field.type)
                continue
            # Two columns may read one field: the second starts where the first did.
            again = self.source.fresh("i") if len(wanted[field.name]) > 1 else ""
            if again:
                self.source.line(f"{again} = i")
            for count, (position, kind) in enumerate(wanted[field.name]):
                if count:
                    self.source.line(f"i = {again}")
                names[position] = self.source.fresh("v")
                self.value(field.type, kind, names[position], f"{path}->{field.name}")
        return names

    def value(self, avro: AvroType, sql_type: SqlType, into: str, path: str) -> None:
        """Read one value as that SQL type into a variable."""
        match avro:
            case AvroUnion():
                self.union(avro, sql_type, into, path)
            case AvroPrimitive():
                self.scalars.primitive(avro, avro.name, sql_type, into, path)
            case AvroFixed():
                self.scalars.fixed(avro, sql_type, into, path)
            case AvroEnum() if sql_type == STRING:
                self.scalars.enum(avro, into)
            case AvroArray(AvroRecord(_, fields, is_entry=True)) if isinstance(sql_type, SqlMap) and len(fields) == 2:
                self.entries(fields, sql_type, into, path)
            case AvroArray(item) if isinstance(sql_type, SqlArray):
                self.array(item, sql_type.item, into, path)
            case AvroMap(value) if isinstance(sql_type, SqlMap) and sql_type.key == STRING:
                self.map(value, sql_type.value, into, path)
            case AvroRecord(_, fields) if isinstance(sql_type, SqlStruct):
                names = self.fields(fields, [(field.name, field.type) for field in sql_type.fields], path)
                self.struct(sql_type, names, into)
            case _:
                raise mismatch(avro, sql_type, path)

    def struct(self, sql_type: SqlStruct, names: Sequence[str], into: str) -> None:
        """Build a struct's dict from the variables of its values."""
        pairs = ", ".join(f"{field.name!r}: {name}" for field, name in zip(sql_type.fields, names, strict=True))
        self.source.line(f"{into} = {{{pairs}}}")

    def union(self, union: AvroUnion, sql_type: SqlType, into: str, path: str) -> None:
        """Read the union's branch: as it is, or as a struct's field if the union has several types."""
        if len(present_branches(union)) == 1:
            self.choose(union.branches, lambda branch: self.value(branch, sql_type, into, path))
        elif isinstance(sql_type, SqlStruct):
            self.choose(union.branches, lambda branch: self.branch(branch, sql_type, into, path))
        else:
            raise mismatch(union, sql_type, path)

    def branch(self, branch: AvroType, sql_type: SqlStruct, into: str, path: str) -> None:
        """Read one of several branches into the struct that represents the union."""
        if branch == NULL:
            self.source.line(f"{into} = None")
            return
        name = branch_name(branch)
        targets: list[Target] = [(field.name, field.type) for field in sql_type.fields]
        self.struct(sql_type, self.fields([AvroField(name, branch)], targets, path), into)

    def choose(self, branches: Sequence[AvroType], read: Callable[[AvroType], None]) -> None:
        """Read the union's index, then the branch."""
        source = self.source
        # The index of a branch below 64 takes one byte, which holds twice the index.
        source.line("n = d[i]")
        source.line("i += 1")
        # Test the likelier branch first: a value is seldom null.
        order = sorted(enumerate(branches), key=lambda numbered: numbered[1] == NULL)
        for at, (index, branch) in enumerate(order):
            with source.block(f"{'elif' if at else 'if'} n == {index * 2}:"):
                # Skipping null takes no code, but a block must not be empty.
                source.line("pass")
                read(branch)
        with source.block("else:"):
            source.line(f"{source.constant(bad_branch)}(n)")

    def array(self, item: AvroType, sql_type: SqlType, into: str, path: str) -> None:
        """Read an array into a list."""
        self.source.line(f"{into} = []")
        value = self.source.fresh("v")
        with self.items():
            self.value(item, sql_type, value, f"{path}[]")
            self.source.line(f"{into}.append({value})")

    def map(self, avro: AvroType, sql_type: SqlType, into: str, path: str) -> None:
        """Read a map with text keys into a dict."""
        self.source.line(f"{into} = {{}}")
        key, value = self.source.fresh("v"), self.source.fresh("v")
        with self.items():
            self.scalars.text(key)
            self.value(avro, sql_type, value, f"{path}[]")
            self.source.line(f"{into}[{key}] = {value}")

    def entries(self, fields: Sequence[AvroField], sql_type: SqlMap, into: str, path: str) -> None:
        """Read Connect's array of keys and values into a dict."""
        self.source.line(f"{into} = {{}}")
        names = self.source.fresh("v"), self.source.fresh("v")
        with self.items():
            for field, part, name in zip(fields, (sql_type.key, sql_type.value), names, strict=True):
                self.value(field.type, part, name, f"{path}->{field.name}")
            self.source.line(f"{into}[{names[0]}] = {names[1]}")

    @contextmanager
    def items(self) -> Iterator[None]:
        """Emit a loop over the items of an array's or map's blocks."""
        source, count = self.source, self.source.fresh("n")
        if source.depth > MAX_DEPTH * 2:
            raise SerdeError("The Avro schema is nested too deeply to be columns")
        with source.block("while True:"):
            self.scalars.raw("n")
            source.line(f"{count} = (n >> 1) ^ -(n & 1)")
            with source.block(f"if not {count}:"):
                source.line("break")
            # A negative count announces the block's size in bytes, which is not needed here.
            with source.block(f"if {count} < 0:"):
                source.line(f"{count} = -{count}")
                self.scalars.length("n")
            # Damaged bytes may claim billions of items: refuse them before a list fills the memory.
            with source.block(f"if {count} > len(d) - i:"):
                source.line(f"{source.constant(bad_count)}()")
            with source.block(f"for _ in range({count}):"):
                yield

    def skip(self, avro: AvroType) -> None:
        """Skip a value."""
        match avro:
            case AvroUnion(branches):
                self.choose(branches, self.skip)
            case AvroArray(item):
                with self.items():
                    self.skip(item)
            case AvroMap(value):
                with self.items():
                    self.scalars.skip(AvroPrimitive("string"))
                    self.skip(value)
            case AvroRecord(_, fields):
                for field in fields:
                    self.skip(field.type)
            case AvroPrimitive() | AvroFixed() | AvroEnum():
                self.scalars.skip(avro)


def _readers(fields: Sequence[AvroField], targets: Sequence[Target]) -> dict[str, list[tuple[int, SqlType]]]:
    """Return which targets read each field. Two targets whose names differ only in case may share a field."""
    readers: dict[str, list[tuple[int, SqlType]]] = {}
    for position, (name, kind) in enumerate(targets):
        field = None if kind is None else matching_field(name, fields)
        if field is not None and kind is not None:
            readers.setdefault(field.name, []).append((position, kind))
    return readers
