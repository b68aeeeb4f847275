"""Reads records of transactions that are open, or that a broker has ended without markers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import cast

from confluent_kafka import Message, TopicPartition

from bifrost.clients.kafka import OffsetRange
from bifrost.engine.runtime.batches import PartitionId
from bifrost.engine.runtime.cluster import Cluster
from bifrost.engine.runtime.kafka_errors import is_end, is_temporary
from bifrost.engine.runtime.transaction_resend import SentResult
from bifrost.engine.topology.compiled import Headers
from bifrost.errors import NotReady, Refused

_BATCH = 5000
_WAIT_S = 0.1
_STALLED_S = 30.0


def last_records(cluster: Cluster, group: str, ranges: Mapping[PartitionId, OffsetRange]) -> list[SentResult]:
    """Returns the last record of each of these ranges, committed or not; a range without records is omitted.

    A reader that also sees uncommitted records learns nothing wrong if just this one is written again: it is the newest
    of its key.

    Raises:
        Refused: a topic may not be read.
        NotReady: no record arrived within the deadline.
    """
    reader = cluster.consumer(group, isolation_level="read_uncommitted")
    try:
        reader.assign([TopicPartition(*place, found.first) for place, found in ranges.items()])
        found: dict[PartitionId, Message] = {}
        unread, deadline = set(ranges), time.monotonic() + _STALLED_S
        while unread:
            messages = reader.consume(_BATCH, _WAIT_S)
            for message in messages:
                place = (message.topic() or "", message.partition() or 0)
                if _is_last(message, ranges[place].next, place, found):
                    unread.discard(place)
            if messages:
                deadline = time.monotonic() + _STALLED_S
            elif time.monotonic() > deadline:
                text = f"no record within {_STALLED_S:.0f} s in {', '.join(f'{topic}-{at}' for topic, at in unread)}"
                raise NotReady("Kafka", "read open transactions", text)
    finally:
        reader.close()
    return [_sent(place, message) for place, message in found.items()]


def _is_last(message: Message, end: int, place: PartitionId, found: dict[PartitionId, Message]) -> bool:
    """Takes a message of a reader into `found`; returns whether its partition is read to the offset `end`."""
    error = message.error()
    if error is None:
        found[place] = message
        return (message.offset() or 0) + 1 >= end
    if not is_end(error) and not is_temporary(error):
        raise Refused("Kafka", f"read {place[0]}", status=error.code(), body=error.str())
    return is_end(error)


def _sent(place: PartitionId, message: Message) -> SentResult:
    topic, partition = place
    return topic, message.value(), message.key(), partition, message.timestamp()[1], cast(Headers, message.headers())
