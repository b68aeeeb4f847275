"""A running query: the thread that keeps a session going, and the state that people see."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from confluent_kafka import KafkaException, TopicPartition

from bifrost.engine.runtime.cluster import OFFSET_BEGINNING, Cluster
from bifrost.engine.runtime.session import Progress, Session, SessionOptions
from bifrost.engine.topology.compiled import CompiledQuery, LogCallback, RowCallback, Task
from bifrost.errors import BifrostError, NotReady, Refused

_POLL_S = 0.1
_STOP_S = 70.0
_BACKOFF_S = (1.0, 2.0, 5.0, 10.0, 30.0)
_log = logging.getLogger(__name__)


class QueryState(Enum):
    """What a query is doing; the names are ksqlDB's."""

    STARTING = "REBALANCING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    ERROR = "ERROR"
    STOPPED = "NOT_RUNNING"

    @property
    def shown(self) -> str:
        """As SHOW QUERIES tells it: a query that is just starting counts as running."""
        return "RUNNING" if self is QueryState.STARTING else self.value


@dataclass(frozen=True, slots=True)
class QueryError:
    """Why a query stopped for a while: `kind` is ksqlDB's class of cause (USER, SYSTEM, UNKNOWN)."""

    at_ms: int
    message: str
    kind: str


class QueryRunner:
    """Runs a compiled query on a thread of its own; a session that fails is followed by another, after a pause."""

    def __init__(
        self,
        query: CompiledQuery,
        cluster: Cluster,
        options: SessionOptions,
        *,
        name: str,
        log: LogCallback,
        now_ms: Callable[[], int],
        on_row: RowCallback | None = None,
    ) -> None:
        self._query = query
        self._cluster = cluster
        self._options = options
        self._log = log
        self._now_ms = now_ms
        self._on_row = on_row
        self._stop = threading.Event()
        self._paused = threading.Event()
        self._session: Session | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._partitions: dict[str, int] = {}
        self._starts: dict[tuple[str, int], int] = {}
        self.progress = Progress()
        self.errors: deque[QueryError] = deque(maxlen=10)
        self.state = QueryState.STARTING

    # --- from outside

    def start(self) -> None:
        """Makes the internal topics, notes where streams begin for this query, and starts the thread.

        Raises:
            Refused, Unreachable: the internal topics cannot be made.
        """
        self._prepare()
        self._thread.start()

    def stop(self) -> None:
        """Stops after a last commit and waits for it."""
        self._stop.set()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(_STOP_S)

    def request_stop(self) -> None:
        """Asks the thread to stop and does not wait."""
        self._stop.set()

    def pause(self) -> None:
        """Stops reading; state and position stay."""
        self._paused.set()

    def resume(self) -> None:
        """Goes on after `pause`."""
        self._paused.clear()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def tasks(self) -> Iterator[tuple[tuple[int, int], Task]]:
        """The tasks by (sub-topology, partition), for look-ups in their stores.

        Raises:
            NotReady: the query is not running yet (or not now).
        """
        session = self._session
        if session is None or self.state not in (QueryState.RUNNING, QueryState.PAUSED):
            raise NotReady("ksqlDB", f"read the state of {self._thread.name}", "it is still being loaded; try again")
        yield from sorted(session.tasks.items())

    def offsets(self) -> dict[tuple[str, int], tuple[int, int]]:
        """Position and end of every input partition that was read so far."""
        session = self._session
        return session.offsets() if session is not None else {}

    @property
    def partitions(self) -> Mapping[str, int]:
        """Partition count of every input topic."""
        return dict(self._partitions)

    # --- before the thread

    def _prepare(self) -> None:
        known = self._cluster.admin.topics()
        counts = {entry.topic: known[entry.topic] for entry in self._query.inputs if entry.topic in known}
        missing = [e.topic for e in self._query.inputs if e.role != "repartition" and e.topic not in known]
        if missing:
            raise Refused("Kafka", "start query", status=0, body=f"topic {', '.join(missing)} does not exist")
        for repartition in self._query.repartitions:
            count = repartition.partition_count(counts)
            config = {"cleanup.policy": "delete", "retention.ms": "-1"}
            self._cluster.create_topic(repartition.topic, count, config)
            counts[repartition.topic] = known.get(repartition.topic, count)
        self._partitions = counts
        if not self._options.transient:
            self._make_changelogs()
        self._note_starts()

    def _make_changelogs(self) -> None:
        for store in self._query.stores:
            if not store.changelog:
                continue
            count = max(self._partitions[e.topic] for e in self._query.inputs if e.subtopology == store.subtopology)
            name = f"{self._options.internal}-{store.name}-changelog"
            self._cluster.create_topic(name, count, {"cleanup.policy": "compact"})

    def _note_starts(self) -> None:
        """Where to begin without committed offsets. `latest` is settled now, so that no record is missed later."""
        consumer = self._cluster.consumer(self._options.group)
        try:
            for entry in self._query.inputs:
                latest = entry.role == "stream" and self._options.reset == "latest"
                for partition in range(self._partitions[entry.topic]):
                    end = self._cluster.watermarks(consumer, entry.topic, partition)[1] if latest else OFFSET_BEGINNING
                    self._starts[entry.topic, partition] = end
            if not self._options.transient:
                self._keep_starts(consumer)
        finally:
            consumer.close()

    def _keep_starts(self, consumer: object) -> None:
        places = [TopicPartition(topic, partition) for topic, partition in self._starts]
        known = self._cluster.committed(consumer, places)  # type: ignore[arg-type]
        fresh = [
            TopicPartition(topic, partition, offset)
            for (topic, partition), offset in self._starts.items()
            if offset >= 0 and (topic, partition) not in known
        ]
        if fresh:
            consumer.commit(offsets=fresh, asynchronous=False)  # type: ignore[attr-defined]

    # --- the thread

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            try:
                self._run_session()
                failures = 0
            except (BifrostError, KafkaException) as error:
                self._failed(str(error), "USER" if isinstance(error, Refused) else "SYSTEM")
            except Exception as error:  # noqa: BLE001 - the top of a thread: the query shows it and is tried again
                _log.exception("query %s failed", self._thread.name)
                self._failed(f"{type(error).__name__}: {error}", "UNKNOWN")
            if not self._stop.is_set():
                self._stop.wait(_BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)])
                failures += 1
        self.state = QueryState.STOPPED

    def _failed(self, message: str, kind: str) -> None:
        self.state = QueryState.ERROR
        self.errors.append(QueryError(self._now_ms(), message, kind))
        _log.error("query %s: %s", self._thread.name, message)

    def _run_session(self) -> None:
        session = Session(
            self._query,
            self._cluster,
            self._options,
            log=self._log,
            now_ms=self._now_ms,
            progress=self.progress,
            on_row=self._on_row,
            stopping=self._stop.is_set,
        )
        clean = False
        try:
            session.open(self._partitions, self._starts)
            self._session = session
            self._loop(session)
            clean = True
        finally:
            self._session = None
            session.close(commit=clean)

    def _loop(self, session: Session) -> None:
        self.state = QueryState.RUNNING
        while not self._stop.is_set():
            if self._paused.is_set():
                self._rest(session)
            session.step(_POLL_S)

    def _rest(self, session: Session) -> None:
        session.commit()
        self.state = QueryState.PAUSED
        while self._paused.is_set() and not self._stop.is_set():
            self._stop.wait(_POLL_S)
        self.state = QueryState.RUNNING
