"""The inside of a worker process: runs its share of every query and answers the server's requests."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable

from bifrost.engine.queries.launcher import Launcher
from bifrost.engine.workers.channel import answer_requests
from bifrost.engine.workers.hosted_query import HostedQuery
from bifrost.engine.workers.messages import (
    ControlShare,
    GetStatuses,
    Greeting,
    LookUpRows,
    Request,
    ScanRows,
    ShareAction,
    StartShare,
)
from bifrost.errors import NotReady


class WorkerHost:
    """Runs a worker's shares. The server may send requests over several connections at the same time."""

    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher
        self._queries: dict[str, HostedQuery] = {}
        self._lock = threading.Lock()

    def answer(self, request: Request[object]) -> object:
        """Returns the answer to a request.

        Raises:
            NotReady: the state that the request needs is being loaded.
        """
        match request:
            case Greeting():
                return os.getpid()
            case StartShare():
                self._start(request)
                return None
            case ControlShare(query_id, action):
                return self._control(query_id, action)
            case GetStatuses():
                return {query_id: query.status() for query_id, query in self._snapshot().items()}
            case LookUpRows(query_id, keys):
                return [list(rows) for rows in self._query(query_id).rows().of_keys(keys)]
            case ScanRows(query_id):
                return list(self._query(query_id).rows().all())
        raise TypeError(f"a worker has no answer to {request!r}")

    def _start(self, request: StartShare) -> None:
        with self._lock:
            query = HostedQuery(request, self._launcher, self._queries.get(request.query_id))
            self._queries[request.query_id] = query
        query.start()

    def _control(self, query_id: str, action: ShareAction) -> bool:
        query = self._snapshot().get(query_id)
        if query is None:
            return True  # it has ended before
        match action:
            case ShareAction.PAUSE:
                query.pause()
            case ShareAction.RESUME:
                query.resume()
            case ShareAction.REQUEST_STOP:
                query.request_stop()
            case ShareAction.STOP:
                return self._ended(query_id, query, query.stop())
            case ShareAction.AWAIT_END:
                query.wait_for_end()
                return self._ended(query_id, query, True)
        return True

    def _ended(self, query_id: str, query: HostedQuery, ended: bool) -> bool:
        with self._lock:
            # Unless it was replaced meanwhile.
            if ended and self._queries.get(query_id) is query:
                del self._queries[query_id]
        return ended

    def _snapshot(self) -> dict[str, HostedQuery]:
        with self._lock:
            return dict(self._queries)

    def _query(self, query_id: str) -> HostedQuery:
        found = self._snapshot().get(query_id)
        if found is None:
            raise NotReady("ksqlDB", f"read the state of {query_id}", "it is still being started; try again")
        return found


def serve_until_closed(lifeline: socket.socket, answer: Callable[[Request[object]], object]) -> None:
    """Serves the connections that the server passes through the lifeline; returns when the server has ended.

    The kernel closes the lifeline with the server, however that ends, so a worker never outlives it.
    """
    while True:
        try:
            data, descriptors, _, _ = socket.recv_fds(lifeline, 1, 1)
        except OSError:
            return
        if not data:
            return
        for descriptor in descriptors:
            end = socket.socket(fileno=descriptor)
            threading.Thread(target=answer_requests, args=(end, answer), name="requests", daemon=True).start()
