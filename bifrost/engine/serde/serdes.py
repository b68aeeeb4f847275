"""Creates the functions that convert the bytes of keys and values to rows and back."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

from bifrost.engine.catalog.schema import Column, Formats, KeyFormat, LogicalSchema, ValueFormat
from bifrost.engine.serde.avro.format import avro_readers, avro_text, avro_writer
from bifrost.engine.serde.delimited import delimited_reader, delimited_writer
from bifrost.engine.serde.errors import SerdeError
from bifrost.engine.serde.json.format import (
    json_reader,
    json_schema_text,
    json_sr_reader,
    json_sr_writer,
    json_writer,
)
from bifrost.engine.serde.kafka import kafka_reader, kafka_writer
from bifrost.engine.serde.protobuf.format import (
    plain_proto_reader,
    plain_proto_writer,
    proto_readers,
    proto_schema_text,
    proto_writer,
)
from bifrost.engine.serde.record_part import Decoder, Encoder, RecordPart, Row
from bifrost.engine.serde.schema_registry import InMemoryRegistry, SchemaRegistry
from bifrost.engine.serde.wire_format import HEAD, Reader, ReadersBySchema, Writer, sink_schema

# What generated readers raise on bad bytes: UnicodeDecodeError and orjson's JSONDecodeError are ValueErrors, decimal
# raises ArithmeticErrors, and data nested some hundred levels deep causes a RecursionError.
_UNREADABLE = (ValueError, ArithmeticError, IndexError, struct.error, RecursionError, MemoryError)
_UNWRITABLE = (ValueError, TypeError, KeyError, struct.error, ArithmeticError, RecursionError)


class Serdes:
    """Creates deserializers and serializers for any format."""

    def __init__(self, registry: SchemaRegistry | None = None) -> None:
        self.registry: SchemaRegistry = InMemoryRegistry() if registry is None else registry

    def key_deserializer(
        self, topic: str, key_format: KeyFormat, columns: Sequence[Column], needed: frozenset[str] | None = None
    ) -> Decoder:
        """Return a function from a key's bytes (without window) to the key columns' values; null bytes give None.

        The function raises SerdeError for a key that is not in the format, and RegistryUnavailable if it cannot fetch
        the schema now. Columns not in `needed` may be None.
        """
        return self.decoder(RecordPart.of_key(topic, key_format, tuple(columns)), needed)

    def value_deserializer(
        self, topic: str, value_format: ValueFormat, columns: Sequence[Column], needed: frozenset[str] | None = None
    ) -> Decoder:
        """Return a function from a value's bytes to the value columns' values, like `key_deserializer`."""
        return self.decoder(RecordPart.of_value(topic, value_format, tuple(columns)), needed)

    def key_serializer(self, topic: str, key_format: KeyFormat, columns: Sequence[Column]) -> Encoder:
        """Return a function from the key columns' values to a key's bytes (without window); None gives None.

        The function raises SerdeError for a row that the format cannot represent, and RegistryUnavailable.
        """
        return self.encoder(RecordPart.of_key(topic, key_format, tuple(columns)))

    def value_serializer(self, topic: str, value_format: ValueFormat, columns: Sequence[Column]) -> Encoder:
        """Return a function from the value columns' values to a value's bytes, like `key_serializer`."""
        return self.encoder(RecordPart.of_value(topic, value_format, tuple(columns)))

    def register(self, topic: str, formats: Formats, schema: LogicalSchema) -> None:
        """Register the schemas of a sink topic, as ksqlDB does when it runs the statement that creates the sink.

        Raises:
            SerdeError: a format does not support the columns, or the registry refuses the schema.
            RegistryUnavailable: the registry does not answer.
        """
        for part in (
            RecordPart.of_key(topic, formats.key, schema.key),
            RecordPart.of_value(topic, formats.value, schema.value),
        ):
            text = schema_text(part)
            if part.columns and text is not None:
                sink_schema(self.registry, part, text)

    def decoder(self, part: RecordPart, needed: frozenset[str] | None = None) -> Decoder:
        """Return the deserializer of a part."""
        if part.has_nothing:
            return lambda data: None
        failed = f"Failed to deserialize {part.word} from topic: {part.topic}."
        match part.format.name:
            case "AVRO":
                fast = avro_readers(self.registry, part, needed)
                return _choosing(fast, failed, avro_readers(self.registry, part, needed, lenient=True))
            case "PROTOBUF":
                return _choosing(proto_readers(self.registry, part, needed), failed)
            case name:
                return _guarded(_reader(part, needed), failed, name)

    def encoder(self, part: RecordPart) -> Encoder:
        """Return the serializer of a part; it registers its schema with the first row."""
        if part.has_nothing:
            return lambda row: None
        write: Writer | None = None
        failed = f"Failed to serialize {part.word} to topic: {part.topic}."
        null_is_absent = part.null_is_absent

        def encode(row: Row | None) -> bytes | None:
            nonlocal write
            if row is None or (null_is_absent and row[0] is None):
                return None
            try:
                # Stays None if this fails, so the next row tries again: the registry may be back by then.
                if write is None:
                    write = self._writer(part)
                return write(row)
            except SerdeError as error:
                raise SerdeError(f"{failed} {error}") from error
            except _UNWRITABLE as error:
                raise SerdeError(f"{failed} {error}") from error

        return encode

    def _writer(self, part: RecordPart) -> Writer:
        match part.format.name:
            case "AVRO":
                return avro_writer(self.registry, part)
            case "JSON":
                return json_writer(part)
            case "JSON_SR":
                return json_sr_writer(self.registry, part)
            case "PROTOBUF":
                return proto_writer(self.registry, part)
            case "PROTOBUF_NOSR":
                return plain_proto_writer(part)
            case "DELIMITED":
                return delimited_writer(part)
            case "KAFKA":
                return kafka_writer(part.columns[0].type)
            case name:
                raise SerdeError(f"Unknown format: {name}")


def _reader(part: RecordPart, needed: frozenset[str] | None) -> Reader:
    """Return the reader of a format that needs no registry."""
    match part.format.name:
        case "JSON":
            return json_reader(part, needed)
        case "JSON_SR":
            return json_sr_reader(part, needed)
        case "PROTOBUF_NOSR":
            return plain_proto_reader(part, needed)
        case "DELIMITED":
            return delimited_reader(part, needed)
        case "KAFKA":
            return kafka_reader(part.columns[0].type)
        case name:
            raise SerdeError(f"Unknown format: {name}")


def _guarded(read: Reader, failed: str, name: str) -> Decoder:
    """Wrap the reader: any failure becomes a SerdeError that begins with `failed`."""

    def decode(data: bytes | None) -> Row | None:
        if data is None:
            return None
        try:
            return read(data)
        except SerdeError as error:
            raise SerdeError(f"{failed} {error}") from error
        except _UNREADABLE as error:
            raise SerdeError(f"{failed} Not {name}: {error}") from error

    return decode


def _choosing(readers: ReadersBySchema, failed: str, lenient: ReadersBySchema | None = None) -> Decoder:
    """Like `_guarded`, with the reader selected by schema id; one function, because every call counts per record.

    `lenient` readers take the payloads whose text is not UTF-8.
    """
    read_again = _choosing(lenient, failed) if lenient is not None else None

    def decode(data: bytes | None) -> Row | None:
        if data is None:
            return None
        try:
            return readers[data[:HEAD]](data)
        except SerdeError as error:
            raise SerdeError(f"{failed} {error}") from error
        except UnicodeDecodeError as error:
            # It is a ValueError too: this clause must come before those of _UNREADABLE.
            if read_again is not None:
                return read_again(data)
            raise SerdeError(f"{failed} Not text: {error}") from error
        except _UNREADABLE as error:
            raise SerdeError(f"{failed} Not written with the schema it names: {error}") from error

    return decode


def schema_text(part: RecordPart) -> Callable[[], str] | None:
    """Return a function that makes the text of a part's schema; None for a format without registered schemas."""
    match part.format.name:
        case "AVRO":
            return lambda: avro_text(part)
        case "JSON_SR":
            return lambda: json_schema_text(part)
        case "PROTOBUF":
            return lambda: proto_schema_text(part)
        case _:
            return None
