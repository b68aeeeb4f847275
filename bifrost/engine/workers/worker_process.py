"""One worker process, seen from the server: started, called, watched, and started again when it dies."""

from __future__ import annotations

import logging
import socket
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Generic, TypeVar

from bifrost.backoff import Backoff
from bifrost.engine.runtime.job import TaskShare
from bifrost.engine.runtime.runner import QueryError
from bifrost.engine.workers.channel import WorkerChannel
from bifrost.engine.workers.messages import GetStatuses, Greeting, Request, ShareStatus
from bifrost.engine.workers.spawning import Spawn, SpawnedWorker, end_text
from bifrost.errors import NotReady, Unreachable

T = TypeVar("T")
BACKOFF = Backoff(0.2, 10.0)
_ANSWER_S = 10.0
_END_S = 5.0
_STATUS_AGE_S, _STATUS_S, _SILENCE_S = 0.1, 5.0, 5.0
_log = logging.getLogger(__name__)


class WorkerProcess:
    """Keeps one worker process running.

    `on_start` is called, on another thread, whenever a process has started and hosts nothing yet. `generation` counts
    the processes; it is 0 before the first. `failures` are the last unexpected ends.
    """

    def __init__(
        self,
        share: TaskShare,
        spawn: Spawn,
        on_start: Callable[[WorkerProcess], None],
        now_ms: Callable[[], int],
        *,
        pause: Backoff = BACKOFF,
    ) -> None:
        self.share = share
        self.name = f"worker {share.index + 1} of {share.count}"
        self.generation = 0
        self.failures: deque[QueryError] = deque(maxlen=10)
        self._spawn = spawn
        self._on_start = on_start
        self._now_ms = now_ms
        self._pause = pause
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._lifeline: socket.socket | None = None
        self._process: SpawnedWorker | None = None
        self._idle: list[WorkerChannel] = []
        self._problem = "it is still being started"
        self._statuses: tuple[float, Mapping[str, ShareStatus]] | None = None
        self._silent_until = 0.0
        self._asking = threading.Lock()
        self._thread = threading.Thread(target=self._keep_running, name=self.name, daemon=True)

    def start(self) -> None:
        """Starts the process; returns before it has started."""
        self._thread.start()

    @property
    def pid(self) -> int | None:
        """The process id; None while no process runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    @property
    def problem(self) -> str:
        """Why the worker hosts nothing now; empty while it works."""
        return self._problem

    # --- the thread

    def _keep_running(self) -> None:
        failures = 0
        while not self._closing.is_set():
            began = time.monotonic()
            end = self._run()
            if self._closing.is_set():
                return
            failures = 1 if time.monotonic() - began > self._pause.steady_s else failures + 1
            delay = self._pause.delay(failures)
            self._problem = f"{end}; it starts again in {delay:.1f} s"
            self.failures.append(QueryError(self._now_ms(), f"{self.name}: {self._problem}", "SYSTEM"))
            _log.error("%s: %s", self.name, self._problem)
            self._closing.wait(delay)

    def _run(self) -> str:
        """Runs one process to its end; returns how it ended."""
        lifeline, child = socket.socketpair()
        try:
            process = self._spawn(self.share, child)
        except OSError as error:
            lifeline.close()
            return f"its process cannot be started ({error})"
        finally:
            child.close()
        with self._lock:
            self._lifeline, self._process = lifeline, process
            self.generation += 1
        try:
            # Without an answer it has ended, as its exit status says; with `close` it ends with the lifeline.
            with suppress(Unreachable):
                if self._closing.is_set():
                    return "the server is stopping"
                self._sent(Greeting()).answer(None)
                self._problem, self._silent_until = "", 0.0
                _log.info("%s: process %d has started", self.name, process.pid)
                self._on_start(self)
            return end_text(process.wait())
        finally:
            self._problem = self._problem or "it has ended"
            with self._lock:
                self._lifeline, self._statuses = None, None
                for channel in self._idle:
                    channel.close()
                self._idle.clear()
            lifeline.close()

    def request_end(self) -> None:
        """Ends the process without waiting. It must not host anything any more."""
        self._closing.set()
        with self._lock:
            if self._lifeline is not None:
                with suppress(OSError):
                    self._lifeline.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Ends the process and waits for it."""
        self.request_end()
        process = self._process
        if process is not None:
            try:
                process.wait(_END_S)
            except subprocess.TimeoutExpired:
                _log.warning("%s: process %d does not end; killed", self.name, process.pid)
                process.kill()
        if self._thread.ident is not None:
            self._thread.join(_END_S)

    # --- requests

    def call(self, request: Request[T], timeout_s: float | None = _ANSWER_S) -> T:
        """Sends a request and returns the answer.

        Raises:
            NotReady: the worker cannot answer now.
            Unreachable: it does not run, has ended, or has not answered within the timeout.
        """
        return self.send(request).answer(timeout_s)

    def send(self, request: Request[T]) -> PendingAnswer[T]:
        """Sends a request; the answer can be taken later, so that several workers compute at the same time.

        Raises:
            Unreachable: the worker has not started, or has not answered a moment ago.
        """
        # Of many requests to a worker that hangs, only the first waits for it.
        if self._problem or time.monotonic() < self._silent_until:
            raise self._unreachable(request)
        return self._sent(request)

    def _sent(self, request: Request[T]) -> PendingAnswer[T]:
        channel = self._take_channel(request)
        try:
            channel.send(request)
        except BaseException:
            channel.close()
            raise
        return PendingAnswer(request, channel, partial(self._give_back, self.generation), self._note_silence)

    def statuses(self) -> Mapping[str, ShareStatus]:
        """Returns the status of all shares, at most 0.1 s old.

        Raises:
            Unreachable: the worker does not run or does not answer.
        """
        # SHOW QUERIES reads several values of every query: one request answers all of them.
        with self._asking:
            known, request = self._statuses, GetStatuses()
            if known is not None and time.monotonic() <= known[0] + _STATUS_AGE_S:
                return known[1]
            found = self.call(request, _STATUS_S)
            self._statuses = time.monotonic(), found
            return found

    def forget_statuses(self) -> None:
        """Makes the next call of `statuses` ask the worker."""
        self._statuses = None

    def _take_channel(self, request: Request[T]) -> WorkerChannel:
        with self._lock:
            if self._idle:
                return self._idle.pop()
            lifeline = self._lifeline
        if lifeline is None:
            raise self._unreachable(request)
        ours, theirs = socket.socketpair()
        try:
            socket.send_fds(lifeline, [b"c"], [theirs.fileno()])
        except OSError as error:
            ours.close()
            raise self._unreachable(request) from error
        finally:
            theirs.close()
        return WorkerChannel(ours, self.name)

    def _give_back(self, generation: int, channel: WorkerChannel) -> None:
        with self._lock:
            if self._lifeline is not None and generation == self.generation:
                self._idle.append(channel)
                return
        channel.close()

    def _note_silence(self) -> None:
        if self.pid is not None:
            self._silent_until = time.monotonic() + _SILENCE_S

    def _unreachable(self, request: Request[T]) -> Unreachable:
        return Unreachable("ksqlDB", request.text, f"{self.name}: {self._problem or 'it does not answer'}; try again")


class PendingAnswer(Generic[T]):
    """A request that was sent over a channel, which nothing else uses until the answer has arrived."""

    def __init__(
        self,
        request: Request[T],
        channel: WorkerChannel,
        give_back: Callable[[WorkerChannel], None],
        unanswered: Callable[[], None],
    ) -> None:
        self._request = request
        self._channel = channel
        self._give_back = give_back
        self._unanswered = unanswered

    def answer(self, timeout_s: float | None = _ANSWER_S) -> T:
        """Waits for the answer; raises what `WorkerProcess.call` raises."""
        try:
            found = self._channel.receive(self._request, timeout_s)
        except NotReady:
            self._give_back(self._channel)
            raise
        except BaseException:
            self._channel.close()
            self._unanswered()
            raise
        self._give_back(self._channel)
        return found
