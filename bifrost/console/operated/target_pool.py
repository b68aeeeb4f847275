"""The clients of the target for the console's pages: a request takes a set of them, and puts it back."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bifrost.alerts import Alert, read_alerts
from bifrost.clients.csv_error_folder import RejectedFile, rejected_files
from bifrost.clients.http import Clock, SystemClock
from bifrost.clients.key_topic import KeyTopic
from bifrost.clients.topic_records import TopicRecords
from bifrost.deployer.live.ownership import Entries
from bifrost.deployer.live.state import Platform, open_platform
from bifrost.operations.dead_letter_queues import DeadLetterQueues, RecordStore
from bifrost.operations.group_owners import GroupOwners, read_known_owners, read_owners
from bifrost.operations.live_things import service_names
from bifrost.operations.replay_marks import TOPIC as MARKS_TOPIC
from bifrost.redaction import secrets_of
from bifrost.settings import Settings

MAX_KEPT = 4
PATIENCE_S = 2.0
"""Retries of one request: a page shows what does not answer, rather than wait for it."""
RECORDS_TIMEOUT_S = 6.0
_PREFETCH_KIB = 4096


@dataclass(frozen=True)
class OperatedTarget:
    """A target as the pages operate it. One thread at a time may use it.

    `log_folder` is where the broker of this machine stores its partitions; `None` if it is elsewhere. `rejected_files`
    are those that the CSV connector could not read. `secrets` must not appear in texts.
    """

    platform: Platform
    records: RecordStore
    marks: Entries
    project: Path
    services: Callable[[], frozenset[str]]
    log_folder: Path | None = None
    rejected_files: Callable[[], Sequence[RejectedFile]] = tuple
    secrets: tuple[str, ...] = field(default=(), repr=False)
    clock: Clock = field(default_factory=SystemClock)
    now: Callable[[], float] = time.time

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """The project's alerts; a faulty file is skipped."""
        return read_alerts(self.project / "alerts", lambda _error: None)

    def owners(self) -> GroupOwners:
        """The owners of consumer groups.

        Raises:
            RemoteError: Connect or ksqlDB does not answer.
        """
        return read_owners(self.platform, self.alerts, self.services())

    def known_owners(self) -> tuple[GroupOwners, tuple[str, ...]]:
        """The owners of consumer groups as far as Connect and ksqlDB answer, and the errors of what does not."""
        return read_known_owners(self.platform, self.alerts, self.services())

    def dead_letters(self) -> DeadLetterQueues:
        """The dead-letter topics.

        Raises:
            RemoteError: Connect does not answer.
        """
        configs = self.platform.connect.configs()
        return DeadLetterQueues(self.platform.kafka, self.records, self.marks, configs, self.alerts, self.services())

    def now_ms(self) -> int:
        """The time (epoch, milliseconds)."""
        return int(self.now() * 1000)


class TargetPool:
    """Opens a target's clients when a request needs them, and keeps a few for the next ones. Thread-safe."""

    def __init__(self, open_target: Callable[[], OperatedTarget], max_kept: int = MAX_KEPT) -> None:
        self._open = open_target
        self._idle: queue.LifoQueue[OperatedTarget] = queue.LifoQueue(max_kept)

    @contextmanager
    def target(self) -> Iterator[OperatedTarget]:
        """A target that no other thread uses meanwhile."""
        try:
            found = self._idle.get_nowait()
        except queue.Empty:
            found = self._open()
        try:
            yield found
        finally:
            try:
                self._idle.put_nowait(found)
            except queue.Full:
                found.platform.__exit__(None, None, None)


def pool_of(settings: Settings) -> TargetPool:
    """The pool of the settings' target."""
    is_local = settings.target == "embedded"

    def opened() -> OperatedTarget:
        return OperatedTarget(
            open_platform(settings, patience_s=PATIENCE_S),
            TopicRecords(settings, timeout_s=RECORDS_TIMEOUT_S, prefetch_kib=_PREFETCH_KIB),
            KeyTopic(settings, MARKS_TOPIC),
            settings.project,
            lambda: service_names(settings),
            settings.data / "broker" / "log" if is_local else None,
            lambda: rejected_files(settings),
            secrets_of(settings.secrets),
        )

    return TargetPool(opened)
