"""A persistent query whose tasks are spread over worker processes, with the interface of one that runs here."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from bifrost.backoff import Backoff, RetryDelays
from bifrost.engine.runtime.batches import PartitionId
from bifrost.engine.runtime.internal_topics import InputPartitions, prepare_topics, source_counts, task_counts
from bifrost.engine.runtime.job import QueryJob
from bifrost.engine.runtime.meters import QueryMeters, StoreSize, total_sizes
from bifrost.engine.runtime.runner import Predecessor, QueryError, QueryState
from bifrost.engine.runtime.topic_watch import TopicChanges
from bifrost.engine.state.frozen import Key
from bifrost.engine.workers.distributed_rows import DistributedRows
from bifrost.engine.workers.key_owner import KeyPartitioner
from bifrost.engine.workers.messages import ControlShare, ShareAction, ShareStatus, StartShare
from bifrost.engine.workers.worker_process import PendingAnswer, WorkerProcess
from bifrost.errors import BifrostError, NotReady, Unreachable

_BACKOFF = Backoff(0.2, 10.0)
_STOP_S = 75.0
_MOST_ERRORS = 10
_WORST_FIRST = (QueryState.ERROR, QueryState.STARTING, QueryState.PAUSED, QueryState.RUNNING, QueryState.STOPPED)
_log = logging.getLogger(__name__)


class DistributedQuery:
    """Implements `PersistentRunner`. Its state is the worst of its shares'.

    The server prepares the topics, then each worker that owns a task starts its share. A worker that starts again gets
    its share again.
    """

    def __init__(
        self,
        job: QueryJob,
        request: StartShare,
        workers: Sequence[WorkerProcess],
        partition_of: KeyPartitioner,
    ) -> None:
        self._job = job
        self._request = request
        self._workers = workers
        self._partition_of = partition_of
        self._inputs: InputPartitions | None = None
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._started: dict[int, int] = {}  # the generation of each worker's process that has the share
        self._own_errors: list[QueryError] = []
        self._thread = threading.Thread(target=self._begin, name=f"{job.name} start", daemon=True)
        self._predecessor: Predecessor | None = None
        self._has_begun = False
        self._began_ms = job.now_ms()
        self._row_holders: tuple[list[WorkerProcess], list[WorkerProcess]] | None = None

    # --- life

    def prepare(self) -> None:
        """Creates the internal topics and settles at which offsets the query begins.

        Raises:
            Refused, Unreachable: a topic is missing or cannot be created.
        """
        self._inputs = prepare_topics(self._job)

    def start(self, *, after: Predecessor | None = None) -> None:
        """Starts the shares in the background, after `prepare` has succeeded and `after` has ended."""
        self._predecessor = after
        self._thread.start()

    def _begin(self) -> None:
        if self._predecessor is not None:
            self._predecessor.wait_for_end()
            self._predecessor = None
        delays = RetryDelays(_BACKOFF)
        while self._inputs is None and not self._stopping.is_set():
            try:
                self.prepare()
            except BifrostError as error:
                self._note(str(error))
                self._stopping.wait(delays.next_s())
            except Exception as error:  # noqa: BLE001 - the top of a thread: the query reports it and tries again
                _log.exception("query %s failed", self._job.name)
                self._note(f"{type(error).__name__}: {error}")
                self._stopping.wait(delays.next_s())
        self._has_begun = True
        self._watch_topics()
        for worker in self._workers:
            self.start_share(worker)

    def _watch_topics(self) -> None:
        """Looks for new partitions: another worker may own their tasks. Their workers look for all other changes."""
        if self._inputs is not None and not self._stopping.is_set():
            counts = source_counts(self._job, self._inputs.partitions)
            self._job.cluster.topic_watch.start((), counts, self._note_growth)

    def _note_growth(self, changes: TopicChanges) -> None:
        threading.Thread(target=self._grow, args=(changes.grown,), name=f"{self._job.name} growth", daemon=True).start()

    def _grow(self, counts: Mapping[str, int]) -> None:
        with self._lock:
            assert self._inputs is not None
            self._inputs = replace(self._inputs, partitions={**self._inputs.partitions, **counts})
            self._row_holders = None
            self._watch_topics()
        for worker in self._workers:
            self.start_share(worker)

    def start_share(self, worker: WorkerProcess) -> None:
        """Starts the share of a worker, unless its process has it already, or owns no task of the query."""
        with self._lock:
            if not self._has_begun or self._stopping.is_set() or worker.problem or not self._is_owner(worker):
                return
            if self._started.get(worker.share.index) == worker.generation:
                return
            generation = worker.generation
            try:
                # Without a time limit: a share must not be started twice in one process.
                worker.call(self._request, None)
            except NotReady as error:
                self._note(str(error))
            except Unreachable as error:
                # It has ended, and gets the share when it has started again.
                _log.warning("query %s: %s", self._job.name, error)
            else:
                self._started[worker.share.index] = generation

    def stop(self) -> bool:
        """Stops all shares, each after a last commit, and waits for them.

        Returns:
            False if a commit is still in progress; the shares end later.
        """
        self._stopping.set()
        self._job.cluster.topic_watch.stop(self._note_growth)
        # Topics that are being prepared and shares that are being started are cleaned up, too; a worker that hangs may
        # hold them up.
        if self._thread.ident is not None:
            self._thread.join(_STOP_S)
        if self._thread.is_alive() or not self._lock.acquire(timeout=_STOP_S):
            return False
        try:
            return all(list(self._control(ShareAction.STOP, _STOP_S)))
        finally:
            self._lock.release()

    def wait_for_end(self) -> None:
        """Waits without limit until all shares have ended."""
        if self._thread.ident is not None:
            self._thread.join()
        with self._lock:
            list(self._control(ShareAction.AWAIT_END, None))

    def request_stop(self) -> None:
        """Stops all shares without waiting."""
        self._stopping.set()
        self._job.cluster.topic_watch.stop(self._note_growth)
        list(self._control(ShareAction.REQUEST_STOP))

    def pause(self) -> None:
        """Stops reading; state and offsets stay."""
        with self._lock:
            self._request = replace(self._request, paused=True)
            list(self._control(ShareAction.PAUSE))

    def resume(self) -> None:
        """Continues after `pause`."""
        with self._lock:
            self._request = replace(self._request, paused=False)
            list(self._control(ShareAction.RESUME))

    def _control(self, action: ShareAction, timeout_s: float | None = 10.0) -> Iterator[bool]:
        """Sends an action to all shares at the same time; the share of a dead worker has ended."""
        answers: list[tuple[WorkerProcess, PendingAnswer[bool]]] = []
        for worker in self._workers:
            if self._started.get(worker.share.index) != worker.generation:
                continue
            try:
                answers.append((worker, worker.send(ControlShare(self._job.name, action))))
            except Unreachable as error:
                _log.warning("query %s: %s", self._job.name, error)
                yield worker.pid is None
        for worker, answer in answers:
            try:
                yield answer.answer(timeout_s)
            except Unreachable as error:
                _log.warning("query %s: %s", self._job.name, error)
                yield worker.pid is None
            worker.forget_statuses()

    # --- who owns what

    def _owners(self) -> list[WorkerProcess]:
        """Returns the workers that own tasks; a query of one partition needs only one."""
        return [worker for worker in self._workers if self._is_owner(worker)]

    def _is_owner(self, worker: WorkerProcess) -> bool:
        name, owns = self._job.name, worker.share.owns
        return any(owns(name, sub, partition) for sub, count in self._tasks().items() for partition in range(count))

    def _tasks(self) -> dict[int, int]:
        return task_counts(self._job, self._inputs.partitions) if self._inputs is not None else {}

    # --- what it reports

    @property
    def state(self) -> QueryState:
        """The worst state of its shares; the share of a worker that has failed is in ERROR until it runs again."""
        if self._stopping.is_set():
            return QueryState.STOPPED
        if not self._has_begun:
            return QueryState.ERROR if self._own_errors else QueryState.STARTING
        states = {self._share_state(worker) for worker in self._owners()}
        return next((state for state in _WORST_FIRST if state in states), QueryState.STARTING)

    def _share_state(self, worker: WorkerProcess) -> QueryState:
        try:
            status = worker.statuses().get(self._job.name)
        except (NotReady, Unreachable):
            return QueryState.ERROR if worker.failures or not worker.problem else QueryState.STARTING
        return status.state if status is not None else QueryState.STARTING

    @property
    def errors(self) -> Sequence[QueryError]:
        """The last failures of all shares, oldest first; each names its worker."""
        found = list(self._own_errors)
        for worker, status in self._statuses():
            found += [replace(error, message=f"{worker.name}: {error.message}") for error in status.errors]
        for worker in self._owners():
            found += [error for error in worker.failures if error.at_ms >= self._began_ms]
        return sorted(found, key=lambda error: error.at_ms)[-_MOST_ERRORS:]

    @property
    def meters(self) -> QueryMeters:
        """What all shares have read and written, since their processes started."""
        return QueryMeters.sum_of(status.meters for _, status in self._statuses())

    def offsets(self) -> dict[PartitionId, tuple[int, int]]:
        """Returns position and end of every input partition read so far."""
        return {place: offset for _, status in self._statuses() for place, offset in status.offsets.items()}

    @property
    def restored(self) -> tuple[int, int]:
        """How many records of state and tables the last starts have read so far, and how many they have to read."""
        counts = [status.restored for _, status in self._statuses()]
        return sum(done for done, _ in counts), sum(total for _, total in counts)

    def store_sizes(self) -> dict[str, StoreSize]:
        """Returns the sizes of its stores, over all workers."""
        return total_sizes(size for _, status in self._statuses() for size in status.store_sizes.items())

    def _statuses(self) -> Iterator[tuple[WorkerProcess, ShareStatus]]:
        for worker in self._owners():
            with suppress(NotReady, Unreachable):
                status = worker.statuses().get(self._job.name)
                if status is not None:
                    yield worker, status

    def rows(self) -> DistributedRows:
        """Returns the present rows of the query's table.

        Raises:
            NotReady: the query is not started yet.
        """
        if not self._has_begun:
            raise NotReady("ksqlDB", f"read the state of {self._job.name}", "it is still being started; try again")
        holders, partitions = self._holders()

        def owner_of(key: Key) -> WorkerProcess | None:
            partition = self._partition_of(key, len(partitions)) if partitions else None
            return partitions[partition] if partition is not None else None

        return DistributedRows(self._job.name, holders, owner_of)

    def _holders(self) -> tuple[list[WorkerProcess], list[WorkerProcess]]:
        """Returns the workers that hold rows of the table, and the worker by partition of the table."""
        if self._row_holders is None:
            found = self._job.query.materialization
            stores = [store for store in self._job.query.stores if found is not None and store.name == found.store]
            partitions = [
                worker
                for store in stores[:1]
                for partition in range(self._tasks()[store.subtopology])
                for worker in self._workers
                if worker.share.owns(self._job.name, store.subtopology, partition)
            ]
            holders = list(dict.fromkeys(partitions)) or self._owners()
            self._row_holders = holders, partitions
        return self._row_holders

    def _note(self, message: str) -> None:
        self._own_errors = [*self._own_errors[1 - _MOST_ERRORS :], QueryError(self._job.now_ms(), message, "SYSTEM")]
        _log.error("query %s: %s", self._job.name, message)
