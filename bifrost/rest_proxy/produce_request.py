"""`POST /topics/{topic}`: checks, encodes and produces the records of a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from bifrost.rest_proxy.formats import AvroSchema, Format, Schemas, require_object, to_bytes
from bifrost.rest_proxy.proxy_error import (
    KAFKA_ERROR,
    NO_KEY_SCHEMA,
    NO_VALUE_SCHEMA,
    PARTITION_NOT_FOUND,
    RETRIABLE,
    TOPIC_NOT_FOUND,
    ProxyError,
)
from bifrost.rest_proxy.record_producer import ProduceResult, RecordToProduce

Json = dict[str, Any]
# Kafka stores a timestamp as a signed 64-bit integer.
MAX_TIMESTAMP = 2**63


class Placer(Protocol):
    """What is needed of Kafka."""

    def partitions(self, topic: str) -> int | None:
        """How many partitions a topic has; `None` when there is none of that name."""
        ...

    def produce(self, topic: str, records: list[RecordToProduce]) -> list[ProduceResult]:
        """Partition records; what became of each."""
        ...


def produce(
    producer: Placer, schemas: Schemas, topic: str, format_: Format, body: object, *, partition: int | None = None
) -> Json:
    """Produce the records of a request, and return the answer. If one record is invalid, none is produced.

    Raises:
        ProxyError: the request or one of its records is invalid.
    """
    request = require_object(body, "the request")
    count = producer.partitions(topic)
    if count is None:
        raise ProxyError(*TOPIC_NOT_FOUND)
    key_schema, value_schema = _schemas(schemas, topic, request) if format_ == "avro" else (None, None)
    entries = request.get("records")
    if not isinstance(entries, list) or not entries:
        raise ProxyError(422, "records must be a list of at least one record")
    # Encode all records before producing the first: a wrong one must not leave half a request in the
    # topic.
    records = [_record_to_produce(format_, entry, key_schema, value_schema, partition) for entry in entries]
    if any(record.partition is not None and not 0 <= record.partition < count for record in records):
        raise ProxyError(*PARTITION_NOT_FOUND)
    return {
        "offsets": [_offset(result) for result in producer.produce(topic, records)],
        "key_schema_id": key_schema.id if key_schema else None,
        "value_schema_id": value_schema.id if value_schema else None,
    }


def _schemas(schemas: Schemas, topic: str, request: Mapping[str, Any]) -> tuple[AvroSchema | None, AvroSchema | None]:
    entries = [entry for entry in request.get("records") or () if isinstance(entry, dict)]
    key = schemas.find(f"{topic}-key", request.get("key_schema"), request.get("key_schema_id"))
    value = schemas.find(f"{topic}-value", request.get("value_schema"), request.get("value_schema_id"))
    if key is None and any(entry.get("key") is not None for entry in entries):
        raise ProxyError(*NO_KEY_SCHEMA)
    if value is None and any(entry.get("value") is not None for entry in entries):
        raise ProxyError(*NO_VALUE_SCHEMA)
    return key, value


def _record_to_produce(
    format_: Format, entry: object, key: AvroSchema | None, value: AvroSchema | None, partition: int | None
) -> RecordToProduce:
    record = require_object(entry, "a record")
    unknown = sorted(record.keys() - {"key", "value", "partition", "timestamp"})
    if unknown:
        raise ProxyError(422, f"Unrecognized field: {unknown[0]}")
    record_partition, timestamp = record.get("partition"), record.get("timestamp")
    for name, number in (("partition", record_partition), ("timestamp", timestamp)):
        if number is not None and (not isinstance(number, int) or isinstance(number, bool)):
            raise ProxyError(422, f"{name} must be an integer")
    if timestamp is not None and not 0 <= timestamp < MAX_TIMESTAMP:
        raise ProxyError(422, "timestamp must be milliseconds since the epoch, from 0 to 2^63 - 1")
    if partition is not None and record_partition is not None:
        raise ProxyError(422, "the path already contains the partition")
    # With a schema, null is Avro's null; without a value, or without a schema, the record is a tombstone.
    encoded_key = to_bytes(format_, record.get("key"), key) if "key" in record else None
    encoded_value = to_bytes(format_, record.get("value"), value) if "value" in record else None
    return RecordToProduce(encoded_key, encoded_value, record_partition if partition is None else partition, timestamp)


def _offset(result: ProduceResult) -> Json:
    code = (RETRIABLE if result.is_retriable else KAFKA_ERROR) if result.error else None
    return {"partition": result.partition, "offset": result.offset, "error_code": code, "error": result.error or None}
