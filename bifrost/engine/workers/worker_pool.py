"""All worker processes of a server, and the queries that are spread over them."""

from __future__ import annotations

import threading
import weakref
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress

from bifrost.backoff import Backoff
from bifrost.engine.catalog.metastore import DataSource
from bifrost.engine.plan.steps import QueryPlan
from bifrost.engine.runtime.job import QueryJob, TaskShare
from bifrost.engine.runtime.processing_log import LogCount, LogKind
from bifrost.engine.serde import Serdes
from bifrost.engine.workers.distributed_query import DistributedQuery
from bifrost.engine.workers.key_owner import key_partitioner
from bifrost.engine.workers.messages import StartShare
from bifrost.engine.workers.spawning import Spawn
from bifrost.engine.workers.worker_process import BACKOFF, WorkerProcess
from bifrost.errors import NotReady, Unreachable


class WorkerPool:
    """Implements `QueryHosts` with `count` processes; `pause` is how long to wait before one starts again."""

    def __init__(
        self, count: int, spawn: Spawn, serdes: Serdes, now_ms: Callable[[], int], *, pause: Backoff = BACKOFF
    ) -> None:
        shares = [TaskShare(index, count) for index in range(count)]
        self.workers = tuple(WorkerProcess(share, spawn, self._started, now_ms, pause=pause) for share in shares)
        self._serdes = serdes
        self._lock = threading.Lock()
        # Weak: a query that was prepared but never started leaves no trace.
        self._queries: weakref.WeakSet[DistributedQuery] = weakref.WeakSet()

    def start(self) -> None:
        """Starts the processes; returns before they have started."""
        for worker in self.workers:
            worker.start()

    def close(self) -> None:
        """Ends the processes, after their queries were stopped."""
        for worker in self.workers:
            worker.request_end()
        for worker in self.workers:
            worker.close()

    def _started(self, worker: WorkerProcess) -> None:
        with self._lock:
            queries = list(self._queries)
        for query in queries:
            query.start_share(worker)

    def runner(
        self, job: QueryJob, plan: QueryPlan, properties: Mapping[str, str], sink: DataSource | None
    ) -> DistributedQuery:
        """Returns the runner of a query whose tasks are spread over the workers."""
        partition_of = key_partitioner(sink, self._serdes)
        query = DistributedQuery(job, StartShare(plan, dict(properties), sink, False), self.workers, partition_of)
        with self._lock:
            self._queries.add(query)
        return query

    def logged(self, query_id: str) -> LogCount:
        """Returns what the workers wrote to the processing log for a query, since their processes started."""
        counts: list[LogCount] = []
        for worker in self.workers:
            with suppress(NotReady, Unreachable):
                status = worker.statuses().get(query_id)
                if status is not None:
                    counts.append(status.logged)
        by_kind: Counter[LogKind] = Counter()
        for count in counts:
            by_kind.update(count.by_kind)
        latest = max(counts, key=lambda count: count.last_ms or -1, default=None)
        return LogCount(by_kind, latest.last if latest is not None else None, latest.last_ms if latest else None)
