"""Writes texts to a topic in order, one by one. What the broker does not accept now waits for the next call."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping
from typing import Protocol

from confluent_kafka import KafkaException, Producer

from bifrost.clients import kafka

MOST_WAITING = 1_000
"""Events that wait for a broker; the oldest are dropped first."""
DELIVERY_TIMEOUT_S = 10.0

_log = logging.getLogger("kafka")


class TimedEvent(Protocol):
    """A record without a key; `at_ms` is its time in epoch milliseconds."""

    @property
    def at_ms(self) -> int:
        """When it happened."""
        ...

    def as_json(self) -> str:
        """The value of the record."""
        ...


class EventTopic:
    """Publishes events to one topic, at least once each. Not thread-safe."""

    def __init__(self, client: Mapping[str, str], topic: str) -> None:
        self._client = client
        self._topic = topic
        self._producer: Producer | None = None
        self._waiting: deque[TimedEvent] = deque(maxlen=MOST_WAITING)

    def publish(self, *events: TimedEvent) -> bool:
        """Publish what waits and these events, in order; returns whether the broker has accepted all."""
        self._waiting.extend(events)
        while self._waiting:
            if not self._send(self._waiting[0]):
                return False
            self._waiting.popleft()
        return True

    def _send(self, event: TimedEvent) -> bool:
        if self._producer is None:
            # The producer gives up a second before the flush does, so that the outcome is known by then.
            self._producer = kafka.producer(self._client, message_timeout_ms=int(DELIVERY_TIMEOUT_S * 1000) - 1000)
        problems: list[object] = []
        try:
            self._producer.produce(
                self._topic,
                event.as_json().encode(),
                timestamp=event.at_ms,
                on_delivery=lambda error, _message: problems.append(error) if error else None,
            )
            if self._producer.flush(DELIVERY_TIMEOUT_S):
                problems.append("no answer")
        except (KafkaException, BufferError) as error:
            problems.append(error)
        if problems:
            _log.warning("an event waits: topic %s does not accept it: %s", self._topic, problems[0])
        return not problems
