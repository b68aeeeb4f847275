"""Checks that processes which run also answer: the port of one that hangs still accepts connections."""

from __future__ import annotations

import socket
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bifrost.default_settings import LOOPBACK, METRICS_PROGRAMS
from bifrost.settings import Settings

PATIENCE_S = 5.0
_HTTP_SERVERS = ("connect", "schema_registry", "ksqldb", "search", "s3", "console", "rest_proxy")
_PARALLEL = 8
_PATH = "/favicon.ico"
"""Costs no server anything, and any answer will do: also 404, or that a login is needed."""


@dataclass(frozen=True, slots=True)
class AnswerChecks:
    """Sends a request to each component. `ports` are those of its HTTP server, by its name."""

    ports: Mapping[str, int]
    patience_s: float = PATIENCE_S

    def silent(self, names: Collection[str]) -> dict[str, str]:
        """Of these components those that do not answer in time, each with a line that says so."""
        checked = [name for name in names if name in self.ports]
        with ThreadPoolExecutor(max_workers=_PARALLEL, thread_name_prefix="answers") as threads:
            answers = threads.map(lambda name: self._answers(self.ports[name]), checked)
            return {
                name: f"it runs, but does not answer on port {self.ports[name]}"
                for name, answers_in_time in zip(checked, answers, strict=True)
                if not answers_in_time
            }

    def _answers(self, port: int) -> bool:
        """Whether a server does anything with a request: any answer, also a refusal or the end of the connection."""
        request = f"GET {_PATH} HTTP/1.1\r\nHost: {LOOPBACK}:{port}\r\nConnection: close\r\n\r\n"
        try:
            with socket.create_connection((LOOPBACK, port), self.patience_s) as connection:
                connection.sendall(request.encode())
                connection.recv(1)
        except TimeoutError:
            return False
        except OSError:
            # No process listens, or it has closed the connection: it does not hang.
            return True
        return True


def answer_checks(settings: Settings) -> AnswerChecks:
    """The checks of the embedded platform."""
    servers = {name: settings.port(name) for name in _HTTP_SERVERS}
    programs = {name: settings.port(f"metrics_{name}") for name in METRICS_PROGRAMS}
    return AnswerChecks(servers | programs)
