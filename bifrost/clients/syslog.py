"""Syslog over TCP, as a sender: lines with a line feed behind each (RFC 6587, 3.4.2)."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from bifrost.errors import Unreachable
from bifrost.settings import LOOPBACK, Settings

ANY_ADDRESS = "0.0.0.0"  # noqa: S104 - not listened on: what a source may listen on
TIMEOUT_S = 10.0


class SyslogSender:
    """A connection to a syslog receiver; it has the methods of a producer, so that lines are sent as records are.

    Syslog acknowledges nothing: a line is delivered when the system has taken it.
    """

    def __init__(self, host: str, port: int, *, timeout_s: float = TIMEOUT_S) -> None:
        """Connect.

        Raises:
            Unreachable: nobody listens there.
        """
        self._address = f"{host}:{port}"
        self._waiting: list[bytes] = []
        try:
            self._connection = socket.create_connection((host, port), timeout=timeout_s)
        except OSError as error:
            raise Unreachable("syslog source", self._address, str(error)) from error

    def produce(
        self, topic: str, value: bytes, key: bytes | None, *, timestamp: int, on_delivery: Callable[[Any, Any], None]
    ) -> None:
        """Queue a line; all but `value` is for Kafka alone."""
        self._waiting.append(value)

    def poll(self, timeout: float) -> int:
        """Send what is queued, however long the receiver makes us wait within the connection's timeout.

        Raises:
            Unreachable: the receiver has gone.
        """
        count, lines = len(self._waiting), b"".join(line + b"\n" for line in self._waiting)
        self._waiting.clear()
        try:
            self._connection.sendall(lines)
        except OSError as error:
            raise Unreachable("syslog source", self._address, f"the connection broke: {error}") from error
        return count

    def flush(self, timeout: float) -> int:
        """Send what is queued; nothing is left."""
        self.poll(timeout)
        return 0

    def close(self) -> None:
        """End the connection; what was sent is still read by the receiver."""
        self._connection.close()


def from_settings(settings: Settings) -> SyslogSender:
    """A connection to where the pipeline `syslog` listens: SYSLOG_HOST and the port of the settings.

    Raises:
        Unreachable: nobody listens there.
    """
    host = settings.get("SYSLOG_HOST", LOOPBACK)
    return SyslogSender(LOOPBACK if host == ANY_ADDRESS else host, settings.port("syslog"))
