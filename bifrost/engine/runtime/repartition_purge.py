"""Deletes records of repartition topics that the query has read; these topics have unlimited retention."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence

from confluent_kafka import TopicPartition

from bifrost.clients.kafka import KafkaAdmin
from bifrost.engine.runtime.batches import PartitionId
from bifrost.errors import RemoteError

_EVERY_S = 30.0
_log = logging.getLogger(__name__)


class RepartitionPurge:
    """Deletes read records every 30 s, on a separate thread since brokers are slow at it.

    `now` is in seconds of any steady clock.
    """

    def __init__(self, admin: KafkaAdmin, query: str, topics: frozenset[str], now: float) -> None:
        self._admin = admin
        self._query = query
        self._topics = topics
        self._next = now + _EVERY_S

    def committed(self, offsets: Mapping[PartitionId, int], now: float) -> None:
        """Takes committed offsets; the records before them are never read again."""
        if now < self._next:
            return
        self._next = now + _EVERY_S
        read = [TopicPartition(*place, offset) for place, offset in offsets.items() if place[0] in self._topics]
        if read:
            threading.Thread(target=self._drop, args=(read,), name=f"{self._query} purge", daemon=True).start()

    def _drop(self, read: Sequence[TopicPartition]) -> None:
        try:
            self._admin.delete_records(read)
        except RemoteError as error:
            _log.warning("query %s: records of repartition topics not deleted, retrying later: %s", self._query, error)
