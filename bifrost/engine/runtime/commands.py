"""The command topic: every statement that changed the engine, in order. A restart replays it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import orjson
from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from bifrost.engine.runtime.cluster import Cluster
from bifrost.engine.runtime.kafka_errors import is_end, is_temporary
from bifrost.errors import NotReady, Refused, StateError

_DEADLINE_S = 30.0
_MAYBE_WRITTEN = frozenset(("_MSG_TIMED_OUT", "_TIMED_OUT", "_PURGE_INFLIGHT", "_TRANSPORT", "REQUEST_TIMED_OUT"))


@dataclass(frozen=True, slots=True)
class Command:
    """A statement as it was accepted.

    `statement` is the completed text (with columns, so that later changes in the schema registry do not matter),
    `properties` are the session's at that time, `query_id` is the id assigned to the statement's query, `partitions`
    are the partition counts of the topics that it relies on.
    """

    id: str
    statement: str
    properties: Mapping[str, str] = field(default_factory=dict)
    query_id: str | None = None
    partitions: Mapping[str, int] = field(default_factory=dict)


class CommandTopic:
    """Appends and replays commands. Only one engine may write to it at a time.

    Whether a command was written is unknown if no acknowledgement arrives in time. Each record has a unique token, and
    the next record voids the tokens of such commands: a replay skips them, so that the statement can be repeated.
    """

    def __init__(self, cluster: Cluster, service_id: str) -> None:
        self._cluster = cluster
        self.name = f"_confluent-ksql-{service_id}_command_topic"
        # The producer gives up before `append` does, so nothing stays queued that is written later.
        self._producer = cluster.producer(linger_ms=0, delivery_timeout_ms=int(_DEADLINE_S * 800))
        self._void: list[str] = []
        self.next_offset = 0

    def prepare(self) -> None:
        """Creates the topic if it is missing: one partition, unlimited retention."""
        self._cluster.create_topic(self.name, 1, {"cleanup.policy": "delete", "retention.ms": "-1"})

    def append(self, command: Command) -> int:
        """Writes a command and waits until the broker acknowledges it.

        Returns:
            its offset (ksqlDB's command sequence number).

        Raises:
            Refused: the broker refused it.
            NotReady: no broker acknowledged it within the deadline.
        """
        written: list[tuple[KafkaError | None, Message]] = []
        token = uuid4().hex
        record = {**_as_json(command), "token": token, "void": self._void}
        try:
            self._producer.produce(
                self.name,
                key=command.id,
                value=orjson.dumps(record),
                partition=0,
                on_delivery=lambda error, message: written.append((error, message)),
            )
        except KafkaException as error:
            raise Refused("Kafka", f"write to {self.name}", status=0, body=error.args[0].str()) from error
        self._producer.flush(_DEADLINE_S)
        if not written or (written[0][0] is not None and written[0][0].name() in _MAYBE_WRITTEN):
            self._producer.purge()
            self._void = [*self._void, token]
            raise NotReady(
                "Kafka", f"write to {self.name}", f"no answer within {_DEADLINE_S:.0f} s; repeat the statement"
            )
        problem, message = written[0]
        if problem is not None:
            raise Refused("Kafka", f"write to {self.name}", status=0, body=problem.str())
        self._void = []
        offset = message.offset()
        if offset is None:
            raise StateError(f"{self.name}: the broker acknowledged a command without its offset; restart the server")
        self.next_offset = offset + 1
        return int(offset)

    def replay(self) -> Iterator[tuple[int, Command]]:
        """Returns all commands so far with their offsets, oldest first, without those that a later one voids.

        Raises:
            NotReady, Unreachable: the broker does not answer.
            StateError: a record of the topic is not a command.
        """
        records = list(self._records())
        void = {token for _, record in records for token in record.get("void", ())}
        for offset, record in records:
            if record.get("token") not in void:
                yield offset, _command_of(record)

    def _records(self) -> Iterator[tuple[int, dict[str, Any]]]:
        consumer = self._cluster.consumer(f"{self.name}-reader")
        try:
            low, self.next_offset = self._cluster.watermarks(consumer, self.name, 0)
            if low == self.next_offset:
                return
            consumer.assign([TopicPartition(self.name, 0, low)])
            while True:
                message = consumer.poll(_DEADLINE_S)
                if message is None:
                    raise NotReady("Kafka", f"read {self.name}", f"no answer within {_DEADLINE_S:.0f} s")
                error = message.error()
                if error is None:
                    offset = message.offset() or 0
                    yield offset, _record_of(message.value() or b"{}", self.name, offset)
                elif is_end(error):
                    return
                elif not is_temporary(error):
                    raise Refused("Kafka", f"read {self.name}", status=error.code(), body=error.str())
        finally:
            consumer.close()

    def forget(self) -> None:
        """Deletes all commands; the numbers of later ones continue from there."""
        self._cluster.admin.delete_records([TopicPartition(self.name, 0, self.next_offset)])

    def close(self) -> None:
        """Closes the producer."""
        self._producer.flush(_DEADLINE_S)


def _as_json(command: Command) -> dict[str, object]:
    return {
        "id": command.id,
        "statement": command.statement,
        "properties": dict(command.properties),
        "queryId": command.query_id,
        "partitions": dict(command.partitions),
    }


def _command_of(record: Mapping[str, Any]) -> Command:
    return Command(record["id"], record["statement"], record["properties"], record["queryId"], record["partitions"])


def _record_of(data: bytes, topic: str, offset: int) -> dict[str, Any]:
    try:
        record: dict[str, Any] = orjson.loads(data)
        _command_of(record)
        return record
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise StateError(f"{topic}-0@{offset}: not a command; was something else written to this topic?") from error
