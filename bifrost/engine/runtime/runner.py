"""A running query: who serves it, what follows a failure, and the state that SHOW QUERIES reports."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from confluent_kafka import KafkaException

from bifrost.engine.runtime.batches import PartitionId
from bifrost.engine.runtime.delivery_ledger import BatchRefused
from bifrost.engine.runtime.internal_topics import (
    InputPartitions,
    missing_topics,
    prepare_topics,
    source_counts,
    used_topics,
)
from bifrost.engine.runtime.job import QueryJob
from bifrost.engine.runtime.meters import QueryMeters, StoreSize, total_sizes
from bifrost.engine.runtime.query_reader import QueryReader
from bifrost.engine.runtime.query_run import QueryRun
from bifrost.engine.runtime.restore_progress import RestoreProgress
from bifrost.engine.runtime.shared_scan import LARGEST_GAP, Departure, SharedScan
from bifrost.engine.runtime.topic_watch import TopicChanges
from bifrost.engine.runtime.transactional_producer import TransactionFailed
from bifrost.engine.serde import RegistryUnavailable
from bifrost.engine.topology.compiled import RecordUnusable, Task
from bifrost.engine.topology.table_rows import TableRows, TaskRows
from bifrost.errors import BifrostError, NotReady, Refused

_STOP_S = 70.0
_APART_S, _LONGEST_APART_S, _FORGIVEN_S = 1.0, 1024.0, 600.0
_BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_ATTEMPTS = 5
"""How often a transaction is sent again that fails for a reason that does not look temporary."""
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


class _Outcome(Enum):
    """Why a thread has stopped to serve a run."""

    FAILED = "failed"
    STOPPED = "stopped"
    FINISHED = "finished"
    IN_SCAN = "in scan"
    GROWN = "grown"


class QueryRunner:
    """Runs a query. After a failure it starts another run, with increasing pauses.

    A thread starts the run and takes it to the end of its inputs. Then the thread ends, and the run continues in the
    `scan`, beside those of other queries. When it leaves the scan, another thread takes it over. Without a scan, and
    for queries that are transient or exactly once, one thread serves the run all the time.
    """

    def __init__(
        self, job: QueryJob, *, scan: SharedScan | None = None, on_end: Callable[[], None] = _ignore_end
    ) -> None:
        self._job = job
        self._scan = None if job.options.transient or job.options.exactly_once else scan
        self._on_end = on_end
        self._stop = threading.Event()
        self._paused = threading.Event()
        self._changed = threading.Event()  # it was stopped or resumed
        self._ended = threading.Event()
        self._query_run: QueryRun | None = None
        self._inputs: InputPartitions | None = None
        self._scan_error: Exception | None = None  # why the run has left the scan
        self._apart_until = -math.inf
        self._apart_s = _APART_S
        self._attempts = 0
        self._failures = 0
        self._topic_changes: TopicChanges | None = None  # what has become of the topics that the run uses
        self._keeps_records = False  # a broker has refused results: the next runs keep them to find out which
        self._predecessor: Predecessor | None = None
        self._thread: threading.Thread | None = None
        self.meters = QueryMeters()
        self.restoring = RestoreProgress(job.name)
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
        self._start_thread()

    def _start_thread(self) -> None:
        self._thread = threading.Thread(target=self._serve, name=self._job.name, daemon=True)
        self._thread.start()

    def stop(self) -> bool:
        """Stops the query after a last commit and waits for it, up to 70 s.

        Returns:
            False if a commit is still in progress; the query ends later by itself.
        """
        self.request_stop()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._ended.wait(_STOP_S)
        return self._thread is None or self._ended.is_set()

    def wait_for_end(self) -> None:
        """Waits without limit until a stopped query has ended."""
        if self._thread is not None:
            self._ended.wait()

    def request_stop(self) -> None:
        """Stops the query without waiting."""
        self._stop.set()
        self._notify()

    def pause(self) -> None:
        """Stops reading; state and offsets stay."""
        self._paused.set()
        self._notify()

    def resume(self) -> None:
        """Continues after `pause`."""
        self._paused.clear()
        self._notify()

    def _notify(self) -> None:
        self._changed.set()
        if self._scan is not None:
            self._scan.recall()

    def _note_changes(self, changes: TopicChanges) -> None:
        """Takes topics that do not exist any more or have grown, from the topic watch."""
        self._topic_changes = changes
        self._notify()

    # --- as a member of the scan

    @property
    def scanned_run(self) -> QueryRun:
        """See `ScanMember`."""
        assert self._query_run is not None
        return self._query_run

    @property
    def is_recalled(self) -> bool:
        """See `ScanMember`."""
        return self._stop.is_set() or self._paused.is_set() or self._topic_changes is not None

    def left(self, departure: Departure, error: Exception | None) -> None:
        """See `ScanMember`. A thread serves the run from here on."""
        self._scan_error = error
        now = time.monotonic()
        if departure is Departure.SLOW:
            # On a busy machine any query may look slow now and then, so the first time is forgiven soon.
            is_first = now > self._apart_until + _FORGIVEN_S
            self._apart_s = _APART_S if is_first else min(4 * self._apart_s, _LONGEST_APART_S)
            self._apart_until = now + self._apart_s
            level = logging.DEBUG if is_first else logging.WARNING
            _log.log(level, "query %s is slow: it is served apart for %.0f s", self._job.name, self._apart_s)
        elif departure in (Departure.BEHIND, Departure.WAITING):
            self._apart_until = max(self._apart_until, now + _APART_S)
        self._start_thread()

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

    def _serve(self) -> None:
        if self._predecessor is not None:
            self._predecessor.wait_for_end()
            self._predecessor = None
        while self._query_run is not None or not self._stop.is_set():
            outcome = self._try()
            if outcome is _Outcome.IN_SCAN:
                return
            # The client of a transient query has received rows already: another run would repeat them.
            if outcome is _Outcome.FINISHED or self._job.options.transient:
                break
        if self.state is not QueryState.ERROR or self._stop.is_set():
            self.state = QueryState.STOPPED
        self._ended.set()
        self._on_end()

    def _try(self) -> _Outcome:
        """Serves a run until it ends or joins the scan; reports and waits for a moment if it has failed."""
        try:
            return self._run_once()
        except BatchRefused as error:
            if not self._keeps_records and not self._job.options.transient:
                _log.warning("query %s: starting again to find the records to blame: %s", self._job.name, error)
                self._keeps_records = True
                return _Outcome.FAILED
            self._failed(str(error), "SYSTEM")
        except RegistryUnavailable as error:
            self._failed(str(error), "SYSTEM")
        except (BifrostError, KafkaException) as error:
            self._failed(str(error), "USER" if isinstance(error, Refused | RecordUnusable) else "SYSTEM")
        except Exception as error:  # noqa: BLE001 - the top of a thread: the query reports it and runs again
            _log.exception("query %s failed", self._job.name)
            self._failed(f"{type(error).__name__}: {error}", "UNKNOWN")
        if not self._stop.is_set() and not self._job.options.transient:
            self._back_off()
        return _Outcome.FAILED

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

    def _run_once(self) -> _Outcome:
        """Serves the run that has left the scan, or else a new one."""
        run, error, self._scan_error = self._query_run, self._scan_error, None
        continued = run is not None
        if run is None:
            run = self._new_run()
        assert self._inputs is not None
        reader = QueryReader(self._job, run, self._inputs.latest, self.restoring, self._stop.is_set)
        outcome = _Outcome.FAILED
        try:
            if error is not None:
                raise error
            if not continued:
                self._job.cluster.topic_watch.start(
                    used_topics(self._job), source_counts(self._job, self._inputs.partitions), self._note_changes
                )
                run.open(self._inputs)
                reader.load_tables()
                self._query_run = run
            outcome = self._loop(run, reader)
        except RecordUnusable:
            # The records before it are done: the next run must not repeat them.
            run.commit()
            raise
        finally:
            if outcome is not _Outcome.IN_SCAN:
                self._query_run = None
                self._job.cluster.topic_watch.stop(self._note_changes)
                self._topic_changes = None
                self._close(run, reader, commit=outcome is not _Outcome.FAILED)
        return outcome

    def _new_run(self) -> QueryRun:
        if self._inputs is None:
            self.prepare()
        self.meters.restarts, self._attempts = self._attempts, self._attempts + 1
        # While it keeps records, reports of its deliveries must come in on its own thread.
        shares = self._scan is not None and not self._keeps_records
        return QueryRun(
            self._job,
            meters=self.meters,
            restoring=self.restoring,
            stopping=self._stop.is_set,
            wait=self._wait,
            shared=self._scan.producer() if self._scan is not None and shares else None,
            keeps_records=self._keeps_records,
        )

    def _close(self, run: QueryRun, reader: QueryReader, *, commit: bool) -> None:
        if run.has_broken_producer and self._scan is not None:
            self._scan.replace_producer()
        try:
            run.close(commit=commit)
        finally:
            reader.close()

    def _wait(self, problem: str) -> bool:
        if threading.current_thread() is not self._thread:
            # The thread of the scan has other queries to serve.
            return False
        self._note(problem, "SYSTEM")
        return self._back_off()

    def _loop(self, run: QueryRun, reader: QueryReader) -> _Outcome:
        if not self._failures:
            self.state = QueryState.RUNNING
        while not self._stop.is_set():
            try:
                outcome = self._step(run, reader)
            except TransactionFailed as error:
                self._recover(run, reader, error)
                continue
            if outcome is not None:
                return outcome
        return _Outcome.STOPPED

    def _step(self, run: QueryRun, reader: QueryReader) -> _Outcome | None:
        """Serves the run for a moment; returns an outcome if this thread is done with it."""
        if self._paused.is_set():
            self._pause(run, reader)
            return None
        if self._topic_changes is not None:
            return self._take_changes(self._topic_changes)
        if self._scan is not None and self._may_join(reader):
            reader.close()
            if self._scan.join(self):
                return _Outcome.IN_SCAN
        reader.step()
        if self._failures and run.is_settled:
            # Not before: a query that fails at the same record again and again must not look as if it ran.
            self._failures = 0
            self.state = QueryState.RUNNING
        return _Outcome.FINISHED if run.is_finished else None

    def _take_changes(self, changes: TopicChanges) -> _Outcome:
        if changes.missing:
            raise missing_topics(self._job, changes.missing)
        grown = ", ".join(f"{topic} has {count} partitions now" for topic, count in sorted(changes.grown.items()))
        _log.info("query %s: %s: it starts again to read them all", self._job.name, grown)
        # The next run prepares the topics again, which refuses partitions that the query cannot take.
        self._inputs = None
        return _Outcome.GROWN

    def _recover(self, run: QueryRun, reader: QueryReader, error: TransactionFailed) -> None:
        """Sends a failed transaction again until it is committed: the run keeps its state.

        Raises:
            TransactionFailed: only a new run can continue.
        """
        # The consumer may be ahead of what was processed.
        reader.close()
        attempts = 0
        while error.is_temporary or attempts < _ATTEMPTS:
            attempts += 1
            if error.is_refusal and attempts == 1:
                # Like under at-least-once, a record that is skipped is no error of the query.
                _log.warning("query %s: sending again without the records to blame: %s", self._job.name, error)
            else:
                self.state = QueryState.ERROR
                self._note(str(error), "SYSTEM")
                if not self._back_off():
                    break
            try:
                if run.recover():
                    return
            except TransactionFailed as again:
                error = again
                continue
            raise NotReady("Kafka", "write a transaction", "the query has committed elsewhere: its state is read again")
        raise error

    def _may_join(self, reader: QueryReader) -> bool:
        is_sound = not self._failures and not self._keeps_records
        return is_sound and time.monotonic() >= self._apart_until and reader.lag <= LARGEST_GAP

    def _pause(self, run: QueryRun, reader: QueryReader) -> None:
        run.commit()
        reader.close()
        self.state = QueryState.PAUSED
        while self._paused.is_set() and not self._stop.is_set():
            self._changed.wait()
            self._changed.clear()
        self.state = QueryState.RUNNING
