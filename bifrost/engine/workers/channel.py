"""A connection between the server and a worker process: requests one way, an answer to each the other way."""

from __future__ import annotations

import logging
import pickle
import socket
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import TypeVar, cast

from bifrost.engine.workers.messages import Request, RequestFailed
from bifrost.errors import NotReady, Unreachable

T = TypeVar("T")
_SYSTEM = "ksqlDB"
_log = logging.getLogger(__name__)
_GONE = (EOFError, OSError)


class WorkerChannel:
    """The server's end. One thread at a time may use it."""

    def __init__(self, end: socket.socket, worker: str) -> None:
        self._connection: Connection = Connection(end.detach())
        self._worker = worker

    def send(self, request: Request[T]) -> None:
        """Sends a request.

        Raises:
            Unreachable: the worker has ended.
        """
        try:
            self._connection.send_bytes(pickle.dumps(request, pickle.HIGHEST_PROTOCOL))
        except _GONE as error:
            raise self._ended(request) from error

    def receive(self, request: Request[T], timeout_s: float | None) -> T:
        """Returns the answer to the request sent last. After an `Unreachable`, the channel cannot be used any more.

        Raises:
            NotReady: the worker cannot answer now; the text is the worker's.
            Unreachable: the worker has ended, or has not answered within the timeout (s; None: no limit).
        """
        try:
            if not self._connection.poll(timeout_s):
                raise Unreachable(_SYSTEM, request.text, f"{self._worker} has not answered for {timeout_s:.0f} s")
            answer = pickle.loads(self._connection.recv_bytes())  # noqa: S301 - from a child process over a socket pair
        except _GONE as error:
            raise self._ended(request) from error
        if isinstance(answer, RequestFailed):
            raise NotReady(answer.system, answer.request, answer.problem)
        return cast(T, answer)

    def close(self) -> None:
        """Closes the connection."""
        with suppress(OSError):
            self._connection.close()

    def _ended(self, request: Request[T]) -> Unreachable:
        return Unreachable(_SYSTEM, request.text, f"{self._worker} has ended and starts again; try again")


def answer_requests(end: socket.socket, answer: Callable[[Request[object]], object]) -> None:
    """Answers the requests of one connection in a worker, until the server closes it."""
    connection: Connection = Connection(end.detach())
    try:
        while True:
            request = pickle.loads(connection.recv_bytes())  # noqa: S301 - from the parent process over a socket pair
            try:
                result = answer(request)
            except NotReady as error:
                result = RequestFailed(error.system, error.request, error.problem)
            except Exception as error:  # noqa: BLE001 - the top of a thread: the server reports it
                _log.exception("%s failed", request.text)
                result = RequestFailed(_SYSTEM, request.text, f"{type(error).__name__}: {error}")
            connection.send_bytes(pickle.dumps(result, pickle.HIGHEST_PROTOCOL))
    except _GONE:
        return
    finally:
        with suppress(OSError):
            connection.close()
