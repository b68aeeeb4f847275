"""Writes single records for INSERT VALUES and /inserts-stream."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout

from confluent_kafka import KafkaError, KafkaException, Message

from bifrost.engine.runtime.cluster import Cluster
from bifrost.errors import BifrostError, NotReady, Refused

_DEADLINE_S = 30.0
_POLL_S = 0.5

WriteCallback = Callable[[BifrostError | None], None]
"""Receives the outcome of a write: an error, or None once the broker has the record. Runs on the producer's thread."""


class InsertProducer:
    """Writes records one by one, each acknowledged by the broker, in order within a partition."""

    def __init__(self, cluster: Cluster) -> None:
        self._producer = cluster.producer(linger_ms=0)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="insert producer", daemon=True)
        self._thread.start()

    def send(self, topic: str, key: bytes | None, value: bytes | None, timestamp: int, written: WriteCallback) -> None:
        """Queues a record; `written` receives the outcome.

        Raises:
            Refused: it cannot be queued (it is too large, or too many records are waiting).
        """

        def delivered(error: KafkaError | None, _: Message) -> None:
            written(
                None if error is None else Refused("Kafka", f"write to {topic}", status=error.code(), body=error.str())
            )

        try:
            self._producer.produce(topic, value, key, -1, delivered, None, timestamp)
        except BufferError as error:
            raise Refused("Kafka", f"write to {topic}", status=0, body="too many records are waiting") from error
        except KafkaException as error:
            problem = error.args[0]
            raise Refused("Kafka", f"write to {topic}", status=problem.code(), body=problem.str()) from error

    def write(self, topic: str, key: bytes | None, value: bytes | None, timestamp: int) -> None:
        """Writes a record and waits until the broker acknowledges it.

        Raises:
            Refused, NotReady: the broker did not acknowledge it.
        """
        done: Future[BifrostError | None] = Future()
        self.send(topic, key, value, timestamp, done.set_result)
        try:
            error = done.result(_DEADLINE_S)
        except FutureTimeout:
            raise NotReady("Kafka", f"write to {topic}", f"no answer within {_DEADLINE_S:.0f} s") from None
        if error is not None:
            raise error

    def close(self) -> None:
        """Waits for pending records for a moment, then closes the producer."""
        self._closed.set()
        self._thread.join(_DEADLINE_S)

    def _serve(self) -> None:
        while not self._closed.is_set():
            self._producer.poll(_POLL_S)
        self._producer.flush(_POLL_S)
