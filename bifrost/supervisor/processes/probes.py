"""Ready probes: one quick look each, `None` for ready, otherwise what is missing."""

from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path

from bifrost.clients.http import Connection, HttpClient
from bifrost.errors import RemoteError
from bifrost.settings import LOOPBACK
from bifrost.supervisor.component import Probe

PROBE_TIMEOUT_S = 2.0


def tcp(port: int) -> Probe:
    """Something accepts connections on a port."""

    def look() -> str | None:
        try:
            socket.create_connection((LOOPBACK, port), PROBE_TIMEOUT_S).close()
        except OSError as error:
            return f"port {port}: {error.strerror or error}"
        return None

    return look


def http(port: int, path: str) -> Probe:
    """A GET of a path is answered with JSON."""

    def look() -> str | None:
        with closing(HttpClient(Connection("probe", f"http://{LOOPBACK}:{port}", patience_s=0))) as client:
            try:
                client.call("GET", path, timeout_s=PROBE_TIMEOUT_S)
            except RemoteError as error:
                return error.problem
        return None

    return look


def file(path: Path) -> Probe:
    """A file is there."""

    def look() -> str | None:
        return None if path.exists() else f"{path.name} is not there yet"

    return look


def log_line(log: Path, text: str) -> Probe:
    """A log holds a text."""

    def look() -> str | None:
        try:
            return None if text in log.read_text(errors="replace") else f"no {text!r} in {log.name} yet"
        except OSError as error:
            return f"{log.name}: {error.strerror or error}"

    return look
