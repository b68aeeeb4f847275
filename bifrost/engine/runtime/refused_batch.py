"""Finds the records that are to blame for the refusal of their batch, and sends the others again.

A broker that refuses one record refuses its whole batch, and all records of the batch are reported with the same error.
Were all of them skipped, one record with a wrong time would take hundreds of others with it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from confluent_kafka import KafkaError, Message

from bifrost.engine.runtime.delivery_ledger import DeliveryLedger, OutputRecord, RefusedRecord
from bifrost.engine.runtime.kafka_errors import is_record_refused
from bifrost.engine.runtime.shared_producer import SharedProducer
from bifrost.errors import NotReady

_DEADLINE_S = 30.0
_POLL_S = 0.05
_HOUR_MS = 3_600_000

Outcomes = dict[int, KafkaError | None]
"""The delivery reports so far, by the index of the record."""


class RefusedBatch:
    """Settles records of refused batches by halving: about log2(n) attempts for each record that is to blame.

    They come after records that were sent meanwhile, among themselves in their order. That is better than to lose them,
    or to fail at the same batch after every restart.
    """

    def __init__(self, producer: SharedProducer, ledger: DeliveryLedger) -> None:
        self._producer = producer
        self._ledger = ledger

    def settle(self, records: Sequence[RefusedRecord]) -> None:
        """Sends all records again that the broker takes, and reports the others to the ledger.

        Raises:
            NotReady: the broker did not answer within the deadline.
        """
        # By default brokers refuse times of more than an hour ahead: a good guess for the first division.
        latest = time.time() * 1000 + _HOUR_MS
        self._divide([entry for entry in records if entry[1].timestamp <= latest])
        self._divide([entry for entry in records if entry[1].timestamp > latest])

    def _divide(self, records: Sequence[RefusedRecord]) -> None:
        refused = self._send(records)
        if len(records) == 1:
            for (group, record), error in refused:
                self._ledger.take_refusal(group, record.topic, error)
            return
        left = [entry for entry, _ in refused]
        if left:
            middle = (len(left) + 1) // 2
            self._divide(left[:middle])
            self._divide(left[middle:])

    def _send(self, records: Sequence[RefusedRecord]) -> list[tuple[RefusedRecord, KafkaError]]:
        """Sends records together, waits for their reports, and returns those that are refused."""
        outcomes: Outcomes = {}
        for index, (_, record) in enumerate(records):
            self._produce(record, index, outcomes)
        deadline = time.monotonic() + _DEADLINE_S
        while len(outcomes) < len(records):
            self._producer.poll(_POLL_S)
            if time.monotonic() > deadline:
                raise NotReady("Kafka", "write output", f"no answer within {_DEADLINE_S:.0f} s")
        refused = []
        for index, entry in enumerate(records):
            error = outcomes[index]
            if error is None:
                entry[0].acknowledged += 1
            elif is_record_refused(error):
                refused.append((entry, error))
            else:
                self._ledger.fail(error)
        return refused

    def _produce(self, record: OutputRecord, index: int, outcomes: Outcomes) -> None:
        def delivered(error: KafkaError | None, _: Message) -> None:
            outcomes[index] = error

        topic, key, value, timestamp, headers, partition = record
        while True:
            try:
                self._producer.produce(topic, value, key, partition, delivered, None, timestamp, headers)  # type: ignore[arg-type]  # list is invariant
                return
            except BufferError:
                self._producer.poll(_POLL_S)
