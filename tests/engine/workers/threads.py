"""An engine with two workers over a cluster in memory. They share it, so threads stand in for their processes."""

import itertools
import subprocess
import threading

from bifrost.engine.serde import Serdes
from bifrost.engine.workers.worker_host import WorkerHost, serve_until_closed
from bifrost.engine.workers.worker_pool import WorkerPool
from tests.engine.runtime.engines import NOW_MS, World

_PIDS = itertools.count(1000)


class ThreadWorker:
    """A worker in this process, with the methods of `subprocess.Popen`; it ends when its lifeline is closed."""

    def __init__(self, host, lifeline):
        self.pid = next(_PIDS)
        self._host = host
        self._lifeline = lifeline.dup()
        self._ended = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with self._lifeline:
            serve_until_closed(self._lifeline, self._host.answer)
        self._ended.set()

    def poll(self):
        return 0 if self._ended.is_set() else None

    def wait(self, timeout=None):
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired("worker", timeout)
        return 0

    def kill(self):
        raise AssertionError("a worker did not end with its lifeline")


class WorkerWorld(World):
    """A world whose engines have two workers."""

    def hosts(self):
        return WorkerPool(2, self.spawn, Serdes(self.registry), lambda: NOW_MS)

    def spawn(self, share, lifeline):
        return ThreadWorker(WorkerHost(self.launcher(share)), lifeline)
