"""A worker's share of one query: compiled in the background, then run until the server stops it."""

from __future__ import annotations

import logging
import threading

from bifrost.backoff import Backoff, RetryDelays
from bifrost.engine.queries.launcher import Launcher
from bifrost.engine.queries.persistent_runner import PersistentRunner
from bifrost.engine.runtime.meters import QueryMeters
from bifrost.engine.runtime.runner import QueryError, QueryState
from bifrost.engine.topology.table_rows import TableRows
from bifrost.engine.workers.messages import ShareStatus, StartShare
from bifrost.errors import BifrostError, NotReady

_BACKOFF = Backoff(0.2, 10.0)
_log = logging.getLogger(__name__)


class HostedQuery:
    """The worker's share of one query. To compile it may need the schema registry, so that is retried.

    `after` is a stopped query of the same id, which ends before this one begins.
    """

    def __init__(self, started: StartShare, launcher: Launcher, after: HostedQuery | None) -> None:
        self._started = started
        self._launcher = launcher
        self._after = after
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._paused = started.paused
        self._runner: PersistentRunner | None = None
        self._failure: QueryError | None = None
        self._thread = threading.Thread(target=self._begin, name=f"{started.query_id} start", daemon=True)

    def start(self) -> None:
        """Begins to compile the query, and then to run it."""
        self._thread.start()

    def _begin(self) -> None:
        if self._after is not None:
            self._after.wait_for_end()
            self._after = None
        runner = self._compiled()
        with self._lock:
            if runner is None or self._stop.is_set():
                return
            if self._paused:
                runner.pause()
            runner.start()
            self._runner = runner

    def _compiled(self) -> PersistentRunner | None:
        delays = RetryDelays(_BACKOFF)
        while not self._stop.is_set():
            try:
                started = self._started
                return self._launcher.persistent(started.plan, started.properties, started.sink)[1]
            except BifrostError as error:
                _log.error("query %s: %s", self._started.query_id, error)
                self._failure = QueryError(self._launcher.now_ms(), str(error), "SYSTEM")
            self._stop.wait(delays.next_s())
        return None

    def pause(self) -> None:
        """Stops reading, now or as soon as the query has started."""
        with self._lock:
            self._paused = True
            if self._runner is not None:
                self._runner.pause()

    def resume(self) -> None:
        """Continues after `pause`."""
        with self._lock:
            self._paused = False
            if self._runner is not None:
                self._runner.resume()

    def request_stop(self) -> None:
        """Stops the query without waiting."""
        self._stop.set()
        with self._lock:
            if self._runner is not None:
                self._runner.request_stop()

    def stop(self) -> bool:
        """Stops the query and waits; returns False if a commit is still in progress."""
        self.request_stop()
        if self._runner is None:
            # It never starts now, but its predecessor may still be making its last commit.
            return self._after is None
        return self._runner.stop()

    def wait_for_end(self) -> None:
        """Waits until the stopped query has ended."""
        self._thread.join()
        if self._runner is not None:
            self._runner.wait_for_end()

    def rows(self) -> TableRows:
        """Returns the present rows of the worker's tasks.

        Raises:
            NotReady: the query is not running now.
        """
        if self._runner is None:
            problem = self._failure.message if self._failure is not None else "it is still being started"
            raise NotReady("ksqlDB", f"read the state of {self._started.query_id}", f"{problem}; try again")
        return self._runner.rows()

    def status(self) -> ShareStatus:
        """Returns the present status."""
        logged = self._launcher.logged(self._started.query_id)
        runner = self._runner
        if runner is None:
            failures = () if self._failure is None else (self._failure,)
            state = QueryState.ERROR if failures else QueryState.STARTING
            return ShareStatus(state, failures, QueryMeters(), {}, (0, 0), {}, logged)
        return ShareStatus(
            state=runner.state,
            errors=tuple(runner.errors),
            # A copy: the query's thread changes the meters while they are sent.
            meters=QueryMeters.sum_of((runner.meters,)),
            offsets=dict(runner.offsets()),
            restored=runner.restored,
            store_sizes=dict(runner.store_sizes()),
            logged=logged,
        )
