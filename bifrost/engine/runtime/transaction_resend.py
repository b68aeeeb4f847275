"""Sends the results of a failed transaction again, without those that the broker refuses.

A broker that refuses one record refuses its whole batch, and nothing more can be written in its transaction. So the
results are divided into groups that the broker takes, in transactions that are aborted: around the record that is
likely to blame, else by halving. Then all groups are sent in one transaction, one after another, so that their order
stays, and so that a topic for small batches gets no larger ones.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from confluent_kafka import KafkaError, KafkaException, Message

from bifrost.engine.runtime.kafka_errors import is_record_refused
from bifrost.engine.runtime.shared_producer import SharedProducer
from bifrost.engine.runtime.transaction import Transaction
from bifrost.engine.topology.compiled import Headers
from bifrost.errors import NotReady

_DEADLINE_S, _STOPPING_S, _CAUSE_S = 30.0, 1.0, 1.0
_POLL_S = 0.05

SentResult = tuple[str, bytes | None, bytes | None, int, int, Headers]
"""Topic, value, key, partition (-1: the producer's choice), timestamp (epoch ms), headers."""

_Group = Sequence[SentResult]


class _Reports:
    """The delivery reports of a group."""

    def __init__(self) -> None:
        self.sent = 0
        self.arrived = 0
        self.last_at = time.monotonic()
        self.refusal: KafkaError | None = None
        self.failure: KafkaError | None = None

    def delivered(self, error: KafkaError | None, _: Message) -> None:
        self.arrived += 1
        self.last_at = time.monotonic()
        if error is not None:
            self.fail(error)

    def fail(self, error: KafkaError) -> None:
        """Takes an error. A refusal is the cause of all others, before it and after it."""
        if is_record_refused(error):
            self.refusal = self.refusal or error
        else:
            self.failure = self.failure or error

    @property
    def patience_s(self) -> float:
        """How long to wait for the next report."""
        return _DEADLINE_S if self.failure is None else _CAUSE_S


class TransactionResend:
    """Sends `results` in a new transaction of a producer, which is open and complete when `send` returns.

    A result that the broker refuses is removed from `results` and passed to `refused`, with the reason.
    """

    def __init__(
        self,
        transaction: Transaction,
        producer: SharedProducer,
        results: list[SentResult],
        refused: Callable[[str, KafkaError], None],
        stopping: Callable[[], bool],
    ) -> None:
        self._transaction = transaction
        self._producer = producer
        self._results = results
        self._refused = refused
        self._stopping = stopping
        self._has_skipped = True  # the failed transaction may have been refused, too

    def send(self) -> None:
        """Sends the results, and waits until the broker has all of them.

        Raises:
            NotReady: the broker did not answer within the deadline, a short one if the query is stopping.
            KafkaException: a result was not delivered for another reason than what it is.
        """
        groups: list[_Group] = [self._results.copy()]
        while (found := self._refused_group(groups)) is not None:
            index, refusal = found
            groups[index : index + 1] = self._divided(groups[index], refusal)

    def _divided(self, group: _Group, refusal: KafkaError) -> list[_Group]:
        """Returns the parts of a refused group that the broker takes, in their order."""
        if len(group) == 1:
            self._leave_out(group[0], refusal)
            return []
        accepted: list[_Group] = []
        waiting = [(part, True) for part in reversed(_parts(group, refusal, by_halves=False))]
        while waiting:
            part, by_halves = waiting.pop()
            found = self._refused_group([part])
            if found is None:
                accepted.append(part)
            elif len(part) == 1:
                self._leave_out(part[0], found[1])
            else:
                # By turns: no single record may be to blame, if the batch is too large as a whole.
                parts = _parts(part, found[1], by_halves=by_halves)
                waiting += [(smaller, not by_halves) for smaller in reversed(parts)]
        return accepted

    def _leave_out(self, refused: SentResult, refusal: KafkaError) -> None:
        self._results[:] = [result for result in self._results if result is not refused]
        self._refused(refused[0], refusal)

    def _refused_group(self, groups: Sequence[_Group]) -> tuple[int, KafkaError] | None:
        """Sends groups in a new transaction; returns the index of the first that is refused, and the reason."""
        while True:
            self._transaction.abort()
            self._transaction.begin()
            try:
                refusals = ((index, self._send(group)) for index, group in enumerate(groups))
                found = next(((index, refusal) for index, refusal in refusals if refusal is not None), None)
            except KafkaException:
                if not self._has_skipped:
                    raise
                # The client has counted the records that were refused, and the broker has not. So the transaction after
                # a refusal fails, and its end puts that right.
                self._has_skipped = False
                continue
            self._has_skipped = found is not None
            return found

    def _send(self, group: _Group) -> KafkaError | None:
        """Sends a group and waits for its reports; returns the reason if records are refused for what they are."""
        reports = _Reports()
        try:
            for result in group:
                self._produce(result, reports)
        except KafkaException as error:
            reports.fail(error.args[0])
        while reports.refusal is None and reports.arrived < reports.sent:
            try:
                self._wait(reports)
            except NotReady:
                if reports.failure is None:
                    raise
                break
        if reports.refusal is None and reports.failure is not None:
            raise KafkaException(reports.failure)
        return reports.refusal

    def _produce(self, result: SentResult, reports: _Reports) -> None:
        topic, value, key, partition, timestamp, headers = result
        while True:
            try:
                self._producer.produce(topic, value, key, partition, reports.delivered, None, timestamp, headers)  # type: ignore[arg-type]  # list is invariant
            except BufferError:
                self._wait(reports)
            else:
                reports.sent += 1
                return

    def _wait(self, reports: _Reports) -> None:
        self._producer.poll(_POLL_S)
        patience_s = _STOPPING_S if self._stopping() else reports.patience_s
        if time.monotonic() > reports.last_at + patience_s:
            raise NotReady("Kafka", "write a transaction again", f"no answer within {patience_s:.0f} s")


def _parts(group: _Group, refusal: KafkaError, *, by_halves: bool) -> list[_Group]:
    """Divides a group in the middle, or around the record that is likely to blame."""
    middle = len(group) // 2
    if by_halves:
        return [group[:middle], group[middle:]]
    match refusal.name():
        case "INVALID_TIMESTAMP":
            index = max(range(len(group)), key=lambda number: group[number][4])
        case "MSG_SIZE_TOO_LARGE" | "RECORD_LIST_TOO_LARGE":
            index = max(
                range(len(group)), key=lambda number: len(group[number][1] or b"") + len(group[number][2] or b"")
            )
        case _:
            index = middle
    return [part for part in (group[:index], group[index : index + 1], group[index + 1 :]) if part]
