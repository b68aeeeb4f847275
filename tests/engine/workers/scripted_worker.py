"""A real worker process that needs no broker: its queries run at once, and their rows say who they are.

`python -m tests.engine.workers.scripted_worker INDEX COUNT DESCRIPTOR` is a worker. With `--server` it is a server with
two of them, which writes their process ids and then sleeps.
"""

import os
import signal
import socket
import sys
import time
from collections import deque

from bifrost.engine.runtime.job import TaskShare
from bifrost.engine.runtime.meters import QueryMeters
from bifrost.engine.runtime.processing_log import LogCount
from bifrost.engine.runtime.runner import QueryState
from bifrost.engine.serde import Serdes
from bifrost.engine.topology.lookup import MaterializedRow
from bifrost.engine.workers.spawning import by_command
from bifrost.engine.workers.worker_host import WorkerHost, serve_until_closed
from bifrost.engine.workers.worker_pool import WorkerPool

COMMAND = (sys.executable, "-m", "tests.engine.workers.scripted_worker")


class ScriptedRunner:
    """Holds the row (process id, 1) under each key, in a table of one value column."""

    def __init__(self):
        self.meters = QueryMeters()
        self.errors = deque()
        self.state = QueryState.STARTING
        self.restored = (0, 0)

    def start(self):
        self.state = QueryState.RUNNING

    def stop(self):
        self.state = QueryState.STOPPED
        return True

    def pause(self):
        self.state = QueryState.PAUSED

    def resume(self):
        self.state = QueryState.RUNNING

    request_stop = wait_for_end = lambda self: None

    def offsets(self):
        return {}

    def store_sizes(self):
        return {}

    def rows(self):
        return self

    def of_keys(self, keys):
        return [[MaterializedRow(key, (os.getpid(),), 0)] for key in keys]

    def all(self):
        return [MaterializedRow((str(os.getpid()),), (os.getpid(),), 0)]


class ScriptedLauncher:
    def persistent(self, plan, properties, sink):
        return None, ScriptedRunner()

    def logged(self, query_id):
        return LogCount({}, None, None)


def serve():
    pool = WorkerPool(2, by_command(COMMAND), Serdes(), lambda: 0)
    pool.start()
    while any(worker.problem for worker in pool.workers):
        time.sleep(0.01)
    print(*(worker.pid for worker in pool.workers), flush=True)
    signal.pause()


def main(arguments):
    if arguments == ["--server"]:
        serve()
    index, count, descriptor = map(int, arguments)
    host = WorkerHost(ScriptedLauncher())
    assert TaskShare(index, count)
    serve_until_closed(socket.socket(fileno=descriptor), host.answer)


if __name__ == "__main__":
    main(sys.argv[1:])
