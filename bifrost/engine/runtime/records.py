"""Records on their way from the consumer to the tasks: grouped by task, in the order in which they are processed."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter

from confluent_kafka import KafkaError, KafkaException, Message

Record = tuple[bytes | None, bytes | None, int, int, int, list[tuple[str, bytes | None]] | None]
"""Key, value, timestamp (epoch ms), partition, offset, headers."""

_TIMESTAMP = 2


def by_place(messages: Iterable[Message]) -> dict[tuple[str, int], list[Record]]:
    """Records by (topic, partition), in the order of their offsets.

    Raises:
        KafkaException: the consumer reports an error that does not pass by itself.
    """
    places: dict[tuple[str, int], list[Record]] = {}
    for message in messages:
        error = message.error()
        if error is not None:
            _check(error)
            continue
        topic, partition = message.topic(), message.partition()
        record = (
            message.key(),
            message.value(),
            message.timestamp()[1],
            partition,
            message.offset(),
            message.headers(),
        )
        try:
            places[topic, partition].append(record)  # type: ignore[index,arg-type]
        except KeyError:
            places[topic, partition] = [record]  # type: ignore[index,list-item]
    return places


def _check(error: KafkaError) -> None:
    if error.code() == KafkaError._PARTITION_EOF or error.retriable():  # noqa: SLF001
        return
    if error.fatal() or error.code() in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC):  # noqa: SLF001
        raise KafkaException(error)


def in_time_order(topics: Mapping[str, Sequence[Record]]) -> Iterator[tuple[str, list[Record]]]:
    """Runs of records of one topic, the topic whose next record is oldest first (as Kafka Streams chooses).

    Within a topic the order of offsets holds, whatever the timestamps are.
    """
    if len(topics) == 1:
        for topic, records in topics.items():
            yield topic, list(records)
        return
    tagged = ([(record[_TIMESTAMP], topic, record) for record in records] for topic, records in topics.items())
    merged = heapq.merge(*tagged, key=itemgetter(0))
    for topic, run in groupby(merged, key=itemgetter(1)):
        yield topic, [record for _, _, record in run]
