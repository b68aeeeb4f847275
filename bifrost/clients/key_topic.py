"""A small map of texts in a compacted topic of one partition."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from bifrost.clients import kafka
from bifrost.clients.kafka import KafkaAdmin, TopicDescription
from bifrost.errors import Refused, Unreachable
from bifrost.settings import Settings

TIMEOUT_S = 15.0


class KeyTopic:
    """Reads and writes all entries of one topic; creates the topic with the first write."""

    def __init__(self, settings: Settings, topic: str) -> None:
        self._client = settings.kafka_client()
        self._admin = KafkaAdmin(self._client)
        self._topic = topic

    def read(self) -> dict[str, str]:
        """Return all entries; none if the topic does not exist.

        Raises:
            Unreachable: no broker answered in time.
            Refused: the broker refused access.
        """
        if self._topic not in self._admin.topics():
            return {}
        end = self._admin.offsets(self._topic)[0].next
        entries: dict[str, str] = {}
        # Nothing is committed, so the group's name only has to differ from all others.
        reader = kafka.consumer(self._client, f"{self._topic}-{uuid.uuid4()}", enable_partition_eof=True)
        try:
            reader.assign([TopicPartition(self._topic, 0, 0)])
            deadline = time.monotonic() + TIMEOUT_S
            position = 0
            while position < end:
                record = reader.poll(1.0)
                error = None if record is None else record.error()
                if record is not None and error is None:
                    position = (record.offset() or 0) + 1
                    self._apply(entries, record.key(), record.value())
                # Compaction may have removed the last record, so the position alone may never reach the end.
                elif error is not None and error.code() == kafka.PARTITION_EOF:
                    break
                elif error is not None and not error.retriable():
                    raise Refused(kafka.SYSTEM, f"read topic {self._topic}", status=error.code(), body=error.str())
                elif time.monotonic() > deadline:
                    raise Unreachable(kafka.SYSTEM, f"read topic {self._topic}", f"no answer within {TIMEOUT_S:.0f} s")
        finally:
            reader.close()
        return entries

    def write(self, changed: Mapping[str, str | None]) -> None:
        """Set entries; `None` removes one.

        Raises:
            Unreachable: no broker accepted them in time.
            Refused: the broker refused them.
        """
        if not changed:
            return
        request = f"write topic {self._topic}"
        self._admin.create(TopicDescription(self._topic, 1, -1, {"cleanup.policy": "compact"}))
        failures: list[KafkaError] = []
        # The producer gives up a second before the flush does, so that the outcome is known by then.
        writer = kafka.producer(self._client, message_timeout_ms=int(TIMEOUT_S * 1000) - 1000)
        try:
            for key, value in changed.items():
                writer.produce(
                    self._topic,
                    None if value is None else value.encode(),
                    key.encode(),
                    on_delivery=lambda error, _: failures.append(error) if error is not None else None,
                )
        except (KafkaException, BufferError) as error:
            raise Refused(kafka.SYSTEM, request, status=0, body=str(error)) from error
        if writer.flush(TIMEOUT_S):
            raise Unreachable(kafka.SYSTEM, request, f"not accepted within {TIMEOUT_S:.0f} s")
        if failures:
            raise Refused(kafka.SYSTEM, request, status=failures[0].code(), body=failures[0].str())

    @staticmethod
    def _apply(entries: dict[str, str], key: bytes | None, value: bytes | None) -> None:
        name = (key or b"").decode("utf-8", "replace")
        if value is None:
            entries.pop(name, None)
        else:
            entries[name] = value.decode("utf-8", "replace")
