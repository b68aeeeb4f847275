"""INSERT INTO ... VALUES and the rows of /inserts-stream: one record each, acknowledged by the broker."""

from __future__ import annotations

from collections.abc import Callable

from confluent_kafka import KafkaError, Message

from bifrost.engine.metastore import DataSource
from bifrost.engine.planned import InsertValuesPlan
from bifrost.engine.runtime.cluster import Cluster
from bifrost.engine.serde import Serdes
from bifrost.errors import NotReady, Refused

_DEADLINE_S = 30.0


class InsertWriter:
    """Writes single records to the topics of sources."""

    def __init__(self, cluster: Cluster, serdes: Serdes, now_ms: Callable[[], int]) -> None:
        self._producer = cluster.producer(linger_ms=0)
        self._serdes = serdes
        self._now_ms = now_ms

    def write(self, plan: InsertValuesPlan) -> None:
        """Writes one record and waits until the broker has it.

        Raises:
            SerdeError: a format cannot carry the row.
            Refused, NotReady: the broker did not take it.
        """
        target = plan.target
        written: list[tuple[KafkaError | None, Message]] = []
        self._producer.produce(
            target.topic,
            key=self._key(target, plan.key),
            value=self._value(target, plan.value),
            timestamp=plan.timestamp if plan.timestamp is not None else self._now_ms(),
            on_delivery=lambda error, message: written.append((error, message)),
        )
        self._producer.flush(_DEADLINE_S)
        if not written:
            raise NotReady("Kafka", f"write to {target.topic}", f"no answer within {_DEADLINE_S:.0f} s")
        error = written[0][0]
        if error is not None:
            raise Refused("Kafka", f"write to {target.topic}", status=error.code(), body=error.str())

    def _key(self, target: DataSource, key: tuple[object, ...]) -> bytes | None:
        if not target.schema.key or all(part is None for part in key):
            return None
        return self._serdes.key_serializer(target.topic, target.formats.key, target.schema.key)(key)

    def _value(self, target: DataSource, value: tuple[object, ...]) -> bytes | None:
        return self._serdes.value_serializer(target.topic, target.formats.value, target.schema.value)(value)
