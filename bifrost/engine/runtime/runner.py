"""A running query: the thread that keeps a session going, and the state that people see."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from confluent_kafka import KafkaException

from bifrost.engine.runtime.batches import PartitionId
from bifrost.engine.runtime.internal_topics import InputPartitions, prepare_topics
from bifrost.engine.runtime.job import QueryJob
from bifrost.engine.runtime.meters import QueryMeters
from bifrost.engine.runtime.query_run import QueryRun
from bifrost.engine.runtime.restore_progress import RestoreProgress
from bifrost.engine.serde import RegistryUnavailable
from bifrost.engine.topology.compiled import Task
from bifrost.errors import BifrostError, NotReady, Refused

_PAUSED_S = 0.1
_STOP_S = 70.0
_BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
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


def _nobody() -> None:
    """Nobody wants to know that a query has ended."""


class QueryRunner:
    """Runs a query on a thread of its own; a session that fails is followed by another, after a pause."""

    def __init__(self, job: QueryJob, *, on_end: Callable[[], None] = _nobody) -> None:
        self._job = job
        self._on_end = on_end
        self._stop = threading.Event()
        self._paused = threading.Event()
        self._session: QueryRun | None = None
        self._layout: InputPartitions | None = None
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name=job.name, daemon=True)
        self.progress = QueryMeters()
        self.loading = RestoreProgress(job.name, job.now_ms)
        self.errors: deque[QueryError] = deque(maxlen=10)
        self.state = QueryState.STARTING

    # --- from outside

    def prepare(self) -> None:
        """Makes the internal topics and notes where streams begin for this query.

        Raises:
            Refused, Unreachable: a topic is missing or cannot be made.
        """
        self._layout = prepare_topics(self._job)

    def start(self) -> None:
        """Starts the thread; what `prepare` does is done there if it was not done before, and tried until it works."""
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

    def tasks(self) -> Iterator[tuple[tuple[int, int], Task]]:
        """The tasks by (sub-topology, partition), for look-ups in their stores.

        Raises:
            NotReady: the query is not running yet (or not now).
        """
        session = self._session
        if session is None:
            raise NotReady("ksqlDB", f"read the state of {self._job.name}", f"{self.loading.text}; try again")
        yield from sorted(session.tasks.items())

    def offsets(self) -> dict[PartitionId, tuple[int, int]]:
        """Position and end of every input partition that was read so far."""
        session = self._session
        return session.offsets() if session is not None else {}

    # --- the thread

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                if self._run_session():
                    break
            except RegistryUnavailable as error:
                self._failed(str(error), "SYSTEM")
            except (BifrostError, KafkaException) as error:
                self._failed(str(error), "USER" if isinstance(error, Refused) else "SYSTEM")
            except Exception as error:  # noqa: BLE001 - the top of a thread: the query shows it and is tried again
                _log.exception("query %s failed", self._job.name)
                self._failed(f"{type(error).__name__}: {error}", "UNKNOWN")
            if self._job.options.transient:
                # Its rows are with its reader already: to begin anew would repeat them.
                break
            if not self._stop.is_set():
                self._back_off()
        if self.state is not QueryState.ERROR or self._stop.is_set():
            self.state = QueryState.STOPPED
        self._on_end()

    def _failed(self, message: str, kind: str) -> None:
        self.state = QueryState.ERROR
        # Topics may have changed: they are looked at again before the next session.
        self._layout = None
        self._note(message, kind)

    def _note(self, message: str, kind: str) -> None:
        self.errors.append(QueryError(self._job.now_ms(), message, kind))
        _log.error("query %s: %s", self._job.name, message)

    def _back_off(self) -> bool:
        self._stop.wait(_BACKOFF_S[min(self._failures, len(_BACKOFF_S) - 1)])
        self._failures += 1
        return not self._stop.is_set()

    def _run_session(self) -> bool:
        """Runs until it is stopped; True where the query has come to its own end."""
        if self._layout is None:
            self.prepare()
        assert self._layout is not None
        session = QueryRun(
            self._job, progress=self.progress, loading=self.loading, stopping=self._stop.is_set, wait=self._wait
        )
        clean = False
        try:
            session.open(self._layout)
            self._session = session
            finished = self._loop(session)
            clean = True
            return finished
        finally:
            self._session = None
            session.close(commit=clean)

    def _wait(self, problem: str) -> bool:
        self._note(problem, "SYSTEM")
        return self._back_off()

    def _loop(self, session: QueryRun) -> bool:
        self.state = QueryState.RUNNING
        while not self._stop.is_set():
            if self._paused.is_set():
                self._rest(session)
            if session.step():
                self._failures = 0
            if session.is_finished:
                return True
        return False

    def _rest(self, session: QueryRun) -> None:
        session.commit()
        self.state = QueryState.PAUSED
        while self._paused.is_set() and not self._stop.is_set():
            self._stop.wait(_PAUSED_S)
        self.state = QueryState.RUNNING
