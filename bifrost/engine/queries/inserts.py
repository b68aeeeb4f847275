"""Writes INSERT INTO ... VALUES and rows of /inserts-stream: one record each, acknowledged by the broker."""

from __future__ import annotations

from collections.abc import Callable

from bifrost.engine.catalog.metastore import DataSource
from bifrost.engine.planner.outcome import InsertValuesPlan
from bifrost.engine.runtime.insert_producer import InsertProducer, WriteCallback
from bifrost.engine.serde import Serdes
from bifrost.engine.serde.record_part import Encoder


class InsertWriter:
    """Writes rows to the topics of sources."""

    def __init__(self, writer: InsertProducer, serdes: Serdes, now_ms: Callable[[], int]) -> None:
        self._writer = writer
        self._serdes = serdes
        self._now_ms = now_ms
        self._encoders: dict[str, tuple[DataSource | None, Encoder, Encoder]] = {}

    def write(self, plan: InsertValuesPlan) -> None:
        """Writes one record and waits until the broker acknowledges it.

        Raises:
            SerdeError: a format cannot carry the row.
            Refused, NotReady: the broker did not acknowledge it.
        """
        timestamp = plan.timestamp if plan.timestamp is not None else self._now_ms()
        self._writer.write(plan.target.topic, *self._record(plan.target, plan.key, plan.value), timestamp)

    def send(
        self, target: DataSource, key: tuple[object, ...], value: tuple[object, ...], written: WriteCallback
    ) -> None:
        """Queues one record; `written` receives the outcome.

        Raises:
            SerdeError: a format cannot carry the row.
            Refused: the record cannot be queued.
        """
        self._writer.send(target.topic, *self._record(target, key, value), self._now_ms(), written)

    def close(self) -> None:
        """Closes the producer."""
        self._writer.close()

    def _record(
        self, target: DataSource, key: tuple[object, ...], value: tuple[object, ...]
    ) -> tuple[bytes | None, bytes | None]:
        known, write_key, write_value = self._encoders.get(target.name, (None, _no_bytes, _no_bytes))
        # By identity: a source that was dropped and created again is another object, perhaps with other columns.
        if known is not target:
            schema, formats = target.schema, target.formats
            if schema.key:
                write_key = self._serdes.key_serializer(target.topic, formats.key, schema.key)
            write_value = self._serdes.value_serializer(target.topic, formats.value, schema.value)
            self._encoders[target.name] = (target, write_key, write_value)
        # A key without any value is a null key, not a key of nulls.
        is_keyed = any(part is not None for part in key)
        return write_key(key) if is_keyed else None, write_value(value)


def _no_bytes(_: tuple[object, ...] | None) -> bytes | None:
    return None
