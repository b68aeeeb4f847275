"""Offsets without a record: the markers of transactions, and what compaction removed."""

from __future__ import annotations

import time

from confluent_kafka import Consumer

from bifrost.clients.kafka_codes import PARTITION_EOF

_READ_S = 1.0


def holds_record(reader: Consumer, end: int, timeout_s: float) -> bool:
    """Return whether the partition that a consumer is assigned to has a committed record before offset `end`.

    Args:
        reader: a consumer that reports the end of its partition (`enable.partition.eof`).
        timeout_s: after this time without an answer, the result is `True`.
    """
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        message = reader.poll(_READ_S)
        if message is None:
            continue
        error = message.error()
        if error is None:
            return bool((message.offset() or 0) < end)
        if error.code() == PARTITION_EOF:
            return False
    return True
