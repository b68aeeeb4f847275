"""Ready probes: each checks once and returns `None` for ready, otherwise what is missing."""

from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path

from bifrost.clients.http import Connection, HttpClient, connection_to
from bifrost.default_settings import LOOPBACK
from bifrost.errors import RemoteError
from bifrost.settings import Settings
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


def http(settings: Settings, part: str, path: str, *, prefix: str = "") -> Probe:
    """Ready when a GET of a path of a part of `default_settings.PORTS` returns JSON.

    Args:
        prefix: of the settings with the part's credentials; by default its name.
    """

    def probe() -> str | None:
        # The credentials of a secured platform may have changed since the last probe.
        now = Settings(settings.values, settings.project)
        connection = Connection("probe", now.local_url(part), patience_s=0)
        if now.is_secured:
            connection = connection_to(now, "probe", now.local_url(part), prefix or part.upper(), patience_s=0)
        with closing(HttpClient(connection)) as client:
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
