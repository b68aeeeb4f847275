"""Batches of records between the consumer and the tasks: grouped by partition, merged in processing order."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

from confluent_kafka import KafkaError, KafkaException, Message

from bifrost.engine.runtime.kafka_errors import is_end, is_temporary
from bifrost.engine.topology.compiled import InputRecord

PartitionId = tuple[str, int]
"""A topic and the number of one of its partitions."""

_TIMESTAMP = 2
_KEY, _VALUE = itemgetter(0), itemgetter(1)


@dataclass(frozen=True, slots=True)
class Batch:
    """Records by partition in the order of their offsets, and the ends of partitions that have no more for now.

    `problems` are errors that a client does not recover from without help, by topic; None is the topic of an error of
    the client itself. `sizes` are the average bytes of a record where they are known.
    """

    records: dict[PartitionId, list[InputRecord]] = field(default_factory=dict)
    ends: dict[PartitionId, int] = field(default_factory=dict)
    problems: dict[str | None, KafkaError] = field(default_factory=dict)
    sizes: dict[PartitionId, float] = field(default_factory=dict)

    def check(self) -> None:
        """Raises a problem, if there is one.

        Raises:
            KafkaException: it.
        """
        for problem in self.problems.values():
            raise KafkaException(problem)


def size_of(records: Sequence[InputRecord]) -> int:
    """Returns the bytes of the keys and values of records."""
    return sum(map(len, filter(None, map(_KEY, records)))) + sum(map(len, filter(None, map(_VALUE, records))))


def batch_of(messages: Iterable[Message]) -> Batch:
    """Sorts the messages of a consumer into records, ends and problems."""
    batch = Batch()
    by_partition = batch.records
    for message in messages:
        error = message.error()
        if error is not None:
            if is_end(error):
                batch.ends[message.topic() or "", message.partition() or 0] = message.offset() or 0
            elif not is_temporary(error):
                batch.problems[message.topic()] = error
            continue
        partition = message.partition() or 0
        record = (
            message.key(),
            message.value(),
            message.timestamp()[1],
            partition,
            message.offset() or 0,
            message.headers(),
        )
        source = (message.topic() or "", partition)
        records = by_partition.get(source)
        if records is None:
            by_partition[source] = [record]  # type: ignore[list-item]  # keys and values are bytes without deserializers
        else:
            records.append(record)  # type: ignore[arg-type]
    return batch


def in_time_order(topics: Mapping[str, Sequence[InputRecord]]) -> Iterator[tuple[str, Sequence[InputRecord]]]:
    """Merges the records of several topics into runs of one topic, oldest next record first, as Kafka Streams does.

    Within a topic the order of offsets is kept, whatever the timestamps are.
    """
    if len(topics) == 1:
        yield from topics.items()
        return
    # `merge` compares times only, and takes equal ones from the earlier topic: records themselves are never compared.
    tagged = ([(record[_TIMESTAMP], topic, record) for record in records] for topic, records in topics.items())
    merged = heapq.merge(*tagged, key=itemgetter(0))
    for topic, run in groupby(merged, key=itemgetter(1)):
        yield topic, [record for _, _, record in run]
