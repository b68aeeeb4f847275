"""Ready probes: each checks once and returns `None` for ready, otherwise what is missing."""

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
    """Ready when a port accepts connections."""

    def probe() -> str | None:
        try:
            socket.create_connection((LOOPBACK, port), PROBE_TIMEOUT_S).close()
        except OSError as error:
            return f"port {port}: {error.strerror or error}"
        return None

    return probe


def http(port: int, path: str) -> Probe:
    """Ready when a GET of a path returns JSON."""

    def probe() -> str | None:
        with closing(HttpClient(Connection("probe", f"http://{LOOPBACK}:{port}", patience_s=0))) as client:
            try:
                client.call("GET", path, timeout_s=PROBE_TIMEOUT_S)
            except RemoteError as error:
                return error.problem
        return None

    return probe


def file(path: Path) -> Probe:
    """Ready when a file exists."""

    def probe() -> str | None:
        return None if path.exists() else f"{path.name} does not exist yet"

    return probe
