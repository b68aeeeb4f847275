"""A running query: the thread that runs it again after a failure, and the state that SHOW QUERIES reports."""

from __future__ import annotations

import itertools
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from confluent_kafka import KafkaException

from bifrost.engine.runtime.batches import PartitionId
from bifrost.engine.runtime.delivery_ledger import BatchRefused
from bifrost.engine.runtime.internal_topics import InputPartitions, prepare_topics
from bifrost.engine.runtime.job import QueryJob
from bifrost.engine.runtime.meters import QueryMeters, StoreSize, total_sizes
from bifrost.engine.runtime.query_reader import QueryReader
from bifrost.engine.runtime.query_run import QueryRun
from bifrost.engine.runtime.restore_progress import RestoreProgress
from bifrost.engine.serde import RegistryUnavailable
from bifrost.engine.topology.compiled import RecordUnusable, Task
from bifrost.engine.topology.table_rows import TableRows, TaskRows
from bifrost.errors import BifrostError, NotReady, Refused

_PAUSED_S = 0.1
_STOP_S = 70.0
_BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_log = logging.getLogger(__name__)


class QueryState(Enum):
    """The states of a query; the names are ksqlDB's."""

    STARTING = "REBALANCING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    ERROR = "ERROR"
    STOPPED = "NOT_RUNNING"

    @property
    def shown(self) -> str:
        """The state that SHOW QUERIES reports: a query that is starting counts as running."""
        return "RUNNING" if self is QueryState.STARTING else self.value


@dataclass(frozen=True, slots=True)
class QueryError:
    """Why a run failed: `kind` is ksqlDB's class of cause (USER, SYSTEM, UNKNOWN), `at_ms` epoch ms."""

    at_ms: int
    message: str
    kind: str


class Predecessor(Protocol):
    """A stopped runner of the same query."""

    def wait_for_end(self) -> None:
        """Waits until it has ended."""


def _ignore_end() -> None:
    """The default of `on_end`."""


class QueryRunner:
    """Runs a query on its own thread. After a failure it starts another run, with increasing pauses."""

    def __init__(self, job: QueryJob, *, on_end: Callable[[], None] = _ignore_end) -> None:
        self._job = job
        self._on_end = on_end
        self._stop = threading.Event()
        self._paused = threading.Event()
        self._query_run: QueryRun | None = None
        self._inputs: InputPartitions | None = None
        self._failures = 0
        self._keeps_records = False  # a broker has refused results: the next runs keep them to find out which
        self._predecessor: Predecessor | None = None
        self._thread = threading.Thread(target=self._run, name=job.name, daemon=True)
        self.meters = QueryMeters()
        self.restoring = RestoreProgress(job.name, job.now_ms)
        self.errors: deque[QueryError] = deque(maxlen=10)
        self.state = QueryState.STARTING

    # --- from outside

    def prepare(self) -> None:
        """Creates the internal topics and settles at which offsets the query begins.

        Raises:
            Refused, Unreachable: a topic is missing or cannot be created.
        """
        self._inputs = prepare_topics(self._job)

    def start(self, *, after: Predecessor | None = None) -> None:
        """Starts the thread, which calls `prepare` if that was not done, and retries it until it succeeds.

        `after` is a runner that was stopped, of the same query: its thread has ended before this one begins, so that
        two runs never write the same group and changelogs.
        """
        self._predecessor = after
        self._thread.start()

    def stop(self) -> bool:
        """Stops the query after a last commit and waits for it, up to 70 s.

        Returns:
            False if a commit is still in progress; the thread ends later by itself.
        """
        self._stop.set()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(_STOP_S)
        return not self._thread.is_alive()

    def wait_for_end(self) -> None:
        """Waits without limit until the thread of a stopped query has ended."""
        if self._thread.ident is not None:
            self._thread.join()

    def request_stop(self) -> None:
        """Stops the query without waiting."""
        self._stop.set()

    def pause(self) -> None:
        """Stops reading; state and offsets stay."""
        self._paused.set()

    def resume(self) -> None:
        """Continues after `pause`."""
        self._paused.clear()

    def tasks(self) -> Iterator[tuple[tuple[int, int], Task]]:
        """Returns the tasks by (sub-topology, partition), for look-ups in their stores.

        Raises:
            NotReady: the query is not running now.
        """
        run = self._query_run
        if run is None:
            raise NotReady("ksqlDB", f"read the state of {self._job.name}", f"{self.restoring.text}; try again")
        yield from sorted(run.tasks.items())

    def rows(self) -> TableRows:
        """Returns the present rows of the query's table.

        Raises:
            NotReady: the query is not running now.
        """
        return TaskRows([task for _, task in self.tasks()])

    @property
    def restored(self) -> tuple[int, int]:
        """Returns how many records of state and tables the last start has read so far, and how many it has to read."""
        return self.restoring.done, self.restoring.total

    def store_sizes(self) -> dict[str, StoreSize]:
        """Returns the sizes of its stores; empty while the query is not running."""
        run = self._query_run
        return total_sizes(run.store_sizes()) if run is not None else {}

    def offsets(self) -> dict[PartitionId, tuple[int, int]]:
        """Returns position and end of every input partition read so far."""
        run = self._query_run
        return run.offsets() if run is not None else {}

    # --- the thread

    def _run(self) -> None:
        if self._predecessor is not None:
            self._predecessor.wait_for_end()
            self._predecessor = None
        for attempt in itertools.count():
            if self._stop.is_set():
                break
            self.meters.restarts = attempt
            try:
                if self._run_once():
                    break
            except BatchRefused as error:
                if self._keeps_records or self._job.options.transient:
                    self._failed(str(error), "SYSTEM")
                else:
                    _log.warning("query %s: starting again to find the records to blame: %s", self._job.name, error)
                    self._keeps_records = True
                    continue
            except RegistryUnavailable as error:
                self._failed(str(error), "SYSTEM")
            except (BifrostError, KafkaException) as error:
                self._failed(str(error), "USER" if isinstance(error, Refused | RecordUnusable) else "SYSTEM")
            except Exception as error:  # noqa: BLE001 - the top of a thread: the query reports it and runs again
                _log.exception("query %s failed", self._job.name)
                self._failed(f"{type(error).__name__}: {error}", "UNKNOWN")
            if self._job.options.transient:
                # The client has received rows already: another run would repeat them.
                break
            if not self._stop.is_set():
                self._back_off()
        if self.state is not QueryState.ERROR or self._stop.is_set():
            self.state = QueryState.STOPPED
        self._on_end()

    def _failed(self, message: str, kind: str) -> None:
        self.state = QueryState.ERROR
        # Topics may have changed, so the next run prepares them again.
        self._inputs = None
        self._note(message, kind)

    def _note(self, message: str, kind: str) -> None:
        self.meters.errors[kind] += 1
        self.errors.append(QueryError(self._job.now_ms(), message, kind))
        _log.error("query %s: %s", self._job.name, message)

    def _back_off(self) -> bool:
        self._stop.wait(_BACKOFF_S[min(self._failures, len(_BACKOFF_S) - 1)])
        self._failures += 1
        return not self._stop.is_set()

    def _run_once(self) -> bool:
        """Runs until the query is stopped; returns True if it has read its inputs to their ends."""
        if self._inputs is None:
            self.prepare()
        assert self._inputs is not None
        run = QueryRun(
            self._job,
            meters=self.meters,
            restoring=self.restoring,
            stopping=self._stop.is_set,
            wait=self._wait,
            keeps_records=self._keeps_records,
        )
        reader = QueryReader(self._job, run, self.restoring, self._stop.is_set)
        clean = False
        try:
            run.open(self._inputs)
            reader.open()
            self._query_run = run
            finished = self._loop(run, reader)
            clean = True
            return finished
        finally:
            self._query_run = None
            try:
                run.close(commit=clean)
            finally:
                reader.close()

    def _wait(self, problem: str) -> bool:
        self._note(problem, "SYSTEM")
        return self._back_off()

    def _loop(self, run: QueryRun, reader: QueryReader) -> bool:
        if not self._failures:
            self.state = QueryState.RUNNING
        while not self._stop.is_set():
            if self._paused.is_set():
                self._pause(run)
            reader.step()
            if self._failures and run.is_settled:
                # Not before: a query that fails at the same record again and again must not look as if it ran.
                self._failures = 0
                self.state = QueryState.RUNNING
            if run.is_finished:
                return True
        return False

    def _pause(self, run: QueryRun) -> None:
        run.commit()
        self.state = QueryState.PAUSED
        while self._paused.is_set() and not self._stop.is_set():
            self._stop.wait(_PAUSED_S)
        self.state = QueryState.RUNNING
