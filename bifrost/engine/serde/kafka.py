"""The KAFKA format: one column, encoded as Kafka's own serializers do."""

from __future__ import annotations

import struct
from collections.abc import Callable

from bifrost.engine.functions.java.text import decode_utf8
from bifrost.engine.serde.errors import SerdeError
from bifrost.sql.types import BIGINT, BYTES, DOUBLE, INTEGER, STRING, SqlType, SqlValue

_NUMBERS: dict[SqlType, tuple[str, struct.Struct]] = {
    INTEGER: ("IntegerDeserializer", struct.Struct(">i")),
    BIGINT: ("LongDeserializer", struct.Struct(">q")),
    DOUBLE: ("DoubleDeserializer", struct.Struct(">d")),
}


def kafka_reader(sql_type: SqlType) -> Callable[[bytes], tuple[SqlValue, ...]]:
    """Return a function from a payload to a row of one column."""
    if sql_type in _NUMBERS:
        return _number_reader(*_NUMBERS[sql_type])
    if sql_type == STRING:
        return lambda data: (decode_utf8(data),)
    if sql_type == BYTES:
        return lambda data: (bytes(data),)
    raise SerdeError(f"The 'KAFKA' format does not support type '{sql_type}'")


def _number_reader(name: str, layout: struct.Struct) -> Callable[[bytes], tuple[SqlValue, ...]]:
    unpack, size = layout.unpack, layout.size

    def read(data: bytes) -> tuple[SqlValue, ...]:
        if len(data) != size:
            raise SerdeError(f"Size of data received by {name} is not {size}")
        return unpack(data)

    return read


def kafka_writer(sql_type: SqlType) -> Callable[[tuple[SqlValue, ...]], bytes]:
    """Return a function from a row of one column, which is not None, to its payload."""
    if sql_type in _NUMBERS:
        pack = _NUMBERS[sql_type][1].pack
        return lambda row: pack(row[0])
    if sql_type == STRING:
        return lambda row: row[0].encode()
    if sql_type == BYTES:
        return lambda row: row[0]
    raise SerdeError(f"The 'KAFKA' format does not support type '{sql_type}'")
