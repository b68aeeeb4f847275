"""Measures a run from outside: the output topic's offsets over time, and the CPU time of the program that writes it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from benchmarks.engine_server import cpu_seconds
from benchmarks.platform import QUIET
from benchmarks.throughput.workload import PARTITIONS

_DEADLINE_S = 300.0
_POLL_S, _CHECK_S = 0.02, 1.0
_LEADERLESS = (
    *("_NOENT", "NOT_LEADER_FOR_PARTITION", "LEADER_NOT_AVAILABLE", "UNKNOWN_TOPIC_OR_PART"),
    *("FENCED_LEADER_EPOCH", "UNKNOWN_LEADER_EPOCH", "_TRANSPORT", "_TIMED_OUT", "REQUEST_TIMED_OUT"),
)
"""Errors of a topic that was just created, or whose broker lost its leadership for a moment on a busy machine."""

_LEAST_CPU_S = 0.01


@dataclass(frozen=True, slots=True)
class Rate:
    """Input rows per second of wall clock, and per CPU second of all its processes, between first and last output."""

    wall: float
    cpu: float


class OutputWatch:
    """Watches output topics; requests only offsets, so that it takes no time from the contenders."""

    def __init__(self, client: dict[str, str]) -> None:
        self._client = {**client, **QUIET}
        self._admin = AdminClient(self._client)

    def written(self, topic: str) -> int:
        """The number of records in the topic."""
        places = {TopicPartition(topic, number): OffsetSpec.latest() for number in range(PARTITIONS)}
        answers = self._admin.list_offsets(places, request_timeout=10)
        try:
            return sum(answer.result().offset for answer in answers.values())
        except KafkaException as error:
            if error.args[0].name() in _LEADERLESS:
                # A client that has found no leader may report so for minutes; another one finds it.
                self._admin = AdminClient(self._client)
                return 0
            raise

    def measure(self, topic: str, rows: int, expected: int, pid: Callable[[], int]) -> Rate:
        """Wait until the topic has the `expected` records that result from `rows` input rows.

        Raises:
            TimeoutError: they did not arrive.
            RuntimeError: the process has ended.
        """
        pause = _Pause(topic, pid)
        while not (first := self.written(topic)):
            pause(0)
        started, started_cpu = time.perf_counter(), cpu_seconds(pid())
        while (seen := self.written(topic)) < expected:
            pause(seen)
        seconds, cpu = time.perf_counter() - started, cpu_seconds(pid()) - started_cpu
        share = rows * (expected - first) / expected
        return Rate(share / seconds, share / max(cpu, _LEAST_CPU_S))


class _Pause:
    """Waits between two looks at a topic, and looks whether its process still runs."""

    def __init__(self, topic: str, pid: Callable[[], int]) -> None:
        self._topic = topic
        self._pid = pid
        self._began = self._checked = time.monotonic()

    def __call__(self, seen: int) -> None:
        now = time.monotonic()
        if now > self._began + _DEADLINE_S:
            raise TimeoutError(f"{self._topic}: {seen} records after {_DEADLINE_S:.0f} s")
        if now > self._checked + _CHECK_S:
            self._checked = now
            self._pid()
        time.sleep(_POLL_S)
