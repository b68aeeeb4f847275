"""The committed offsets of a query's consumer group, which has no members: its partitions are assigned explicitly."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import TimeoutError as FutureTimeout

from confluent_kafka import Consumer, KafkaException, TopicPartition

from bifrost.clients.group_offsets import GroupOffsets, OffsetsAnswer
from bifrost.engine.runtime.kafka_errors import is_temporary
from bifrost.errors import NotReady, Refused, Unreachable

_DEADLINE_S = 30.0
_STABLE_S = 5.0
_RETRY_S = 0.1


class CommittedOffsets:
    """Reads and commits the offsets of one group; `consumer` opens a consumer of it with an isolation level."""

    def __init__(self, offsets: GroupOffsets, group: str, consumer: Callable[[str], Consumer]) -> None:
        self._offsets = offsets
        self._group = group
        self._consumer = consumer

    def read(self, places: Sequence[TopicPartition]) -> dict[tuple[str, int], int]:
        """Returns the committed offset of each (topic, partition) that has one.

        While a transaction with newer offsets is open, it waits for its end, up to 5 s: a broker that was killed may
        list offsets of an aborted transaction as pending for good.

        Raises:
            Unreachable: no broker answered within the deadline, or the group's offsets may not be read.
        """
        found = self.read_stable(places)
        if found is None:
            found = self._read(places, "read_uncommitted", time.monotonic() + _DEADLINE_S - _STABLE_S)
        if found is None:
            raise Unreachable("Kafka", "read offsets", f"no answer within {_DEADLINE_S:.0f} s")
        return found

    def read_stable(self, places: Sequence[TopicPartition]) -> dict[tuple[str, int], int] | None:
        """Returns what `read` returns; None if a transaction with newer offsets is still open after 5 s.

        Raises:
            Unreachable: the group's offsets may not be read.
        """
        return self._read(places, "read_committed", time.monotonic() + _STABLE_S) if places else {}

    def _read(
        self, places: Sequence[TopicPartition], isolation: str, until: float
    ) -> dict[tuple[str, int], int] | None:
        """Returns the offsets, None if there was no answer in time."""
        # A separate consumer, since an admin client crashes when the group's coordinator has just started.
        consumer = self._consumer(isolation)
        try:
            while True:
                try:
                    return _offsets(consumer.committed(list(places), timeout=max(until - time.monotonic(), _RETRY_S)))
                except KafkaException as error:
                    # Not a missing offset: to begin at the default would repeat or skip records.
                    if not is_temporary(error.args[0]):
                        raise Unreachable("Kafka", "read offsets", error.args[0].str()) from error
                    if time.monotonic() > until:
                        return None
                time.sleep(_RETRY_S)
        finally:
            consumer.close()

    def commit(self, offsets: Sequence[TopicPartition]) -> OffsetsAnswer:
        """Begins to commit offsets."""
        return self._offsets.commit(self._group, offsets)

    def commit_and_wait(self, offsets: Sequence[TopicPartition]) -> None:
        """Commits offsets.

        Raises:
            NotReady: no broker answered within the deadline.
            Refused: the broker refused.
        """
        deadline = time.monotonic() + _DEADLINE_S
        while True:
            answer = self.commit(offsets)
            try:
                answer.offsets(max(deadline - time.monotonic(), 0))
                return
            except FutureTimeout:
                self.give_up(answer)
                raise NotReady("Kafka", "commit offsets", f"no answer within {_DEADLINE_S:.0f} s") from None
            except KafkaException as error:
                problem = error.args[0]
                if not is_temporary(problem) or time.monotonic() > deadline:
                    raise Refused("Kafka", "commit offsets", status=problem.code(), body=problem.str()) from error
            time.sleep(_RETRY_S)

    def give_up(self, commit: OffsetsAnswer) -> None:
        """Stops waiting for the answer to a commit."""
        self._offsets.renew(commit)


def _offsets(places: Sequence[TopicPartition]) -> dict[tuple[str, int], int]:
    problem = next((place.error for place in places if place.error is not None), None)
    if problem is not None:
        raise KafkaException(problem)
    return {(place.topic, place.partition): place.offset for place in places if place.offset >= 0}
