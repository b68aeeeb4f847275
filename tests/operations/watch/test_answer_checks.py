"""A process whose port accepts connections and never answers hangs."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from bifrost.operations.watch.answer_checks import AnswerChecks


@contextmanager
def server(answer: bytes | None) -> Iterator[int]:
    """A server that sends `answer` and closes the connection; `None` only accepts, as a suspended process."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _address = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(answer or b"")

        if answer is not None:
            threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_only_what_accepts_and_does_not_answer_hangs():
    with server(b"HTTP/1.1 401 no\r\n\r\n") as refusing, server(b"") as closing, server(None) as suspended:
        ports = {"refusing": refusing, "closing": closing, "suspended": suspended, "ended": free_port()}
        silent = AnswerChecks(ports, patience_s=0.5).silent([*ports, "without_a_port"])

    assert silent == {"suspended": f"it runs, but does not answer on port {suspended}"}
