"""A worker process of the server, which starts it: `python -m bifrost.server.worker INDEX COUNT DESCRIPTOR`."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys

from bifrost.engine.runtime.job import TaskShare
from bifrost.engine.wiring import worker_host
from bifrost.engine.workers.worker_host import serve_until_closed
from bifrost.errors import BifrostError
from bifrost.server.process_setup import now_ms, set_up_process
from bifrost.settings import load

_log = logging.getLogger(__name__)


def main(arguments: list[str]) -> int:
    """Hosts a share of the tasks until the server ends; 1 if it cannot start."""
    index, count, descriptor = map(int, arguments)
    # A signal to the whole process group is for the server: it stops the queries, then ends its workers.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    try:
        set_up_process(f"worker {index + 1} of {count}")
        host = worker_host(load(), TaskShare(index, count), now_ms)
    except BifrostError as error:
        _log.error("%s", error)
        return 1
    serve_until_closed(socket.socket(fileno=descriptor), host.answer)
    # The server has stopped the queries, or has died. Then the next server takes over from the committed offsets, and
    # nothing may be written any more.
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
