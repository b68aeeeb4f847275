"""Sends syslog lines over TCP, each ended by a line feed (RFC 6587, 3.4.2)."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from bifrost.default_settings import LOOPBACK
from bifrost.errors import Unreachable
from bifrost.settings import Settings

ANY_ADDRESS = "0.0.0.0"  # noqa: S104 - an address that a source may listen on; nothing listens here
TIMEOUT_S = 10.0


class SyslogSender:
    """A connection to a syslog receiver with the interface of a Kafka producer.

    Syslog has no acknowledgements: a line counts as delivered once the operating system accepted it.
    """

    def __init__(self, host: str, port: int, *, timeout_s: float = TIMEOUT_S) -> None:
        """Connect.

        Raises:
            Unreachable: nothing listens there.
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
        """Queue a line; only `value` and `on_delivery` matter here."""
        self._waiting.append(value)

    def poll(self, timeout: float) -> int:
        """Send the queued lines within the connection's timeout; return how many.

        Raises:
            Unreachable: the connection broke.
        """
        count, lines = len(self._waiting), b"".join(line + b"\n" for line in self._waiting)
        self._waiting.clear()
        try:
            self._connection.sendall(lines)
        except OSError as error:
            raise Unreachable("syslog source", self._address, f"the connection broke: {error}") from error
        return count

    def flush(self, timeout: float) -> int:
        """Send the queued lines; return 0, since none remain."""
        self.poll(timeout)
        return 0

    def close(self) -> None:
        """Close the connection; the receiver still reads the lines sent."""
        self._connection.close()


def from_settings(settings: Settings) -> SyslogSender:
    """Connect to the source of the pipeline `syslog`: SYSLOG_HOST and the port of the settings.

    Raises:
        Unreachable: nothing listens there.
    """
    host = settings.get("SYSLOG_HOST", LOOPBACK)
    return SyslogSender(LOOPBACK if host == ANY_ADDRESS else host, settings.port("syslog"))
