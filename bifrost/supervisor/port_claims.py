"""Claims on ports, so that two platforms that start at the same moment never choose the same one.

A port is free until something listens on it, which for some components is long after the platform chose it. A claim is
an abstract unix socket named after the port: only one process can bind it, in the same network namespace in which the
port must be unique, and the kernel releases it when the last process that has it open ends.
"""

from __future__ import annotations

import errno
import socket
from types import TracebackType
from typing import Self

_NAME = "\0bifrost-port-{port}"


class PortClaims:
    """The claims of one platform. The supervisor inherits them from the process that starts it."""

    def __init__(self) -> None:
        self._sockets: dict[int, socket.socket] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def claim(self, port: int) -> bool:
        """Claim a port; return whether no other platform has claimed it (nor this one, for another part)."""
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            claim.bind(_NAME.format(port=port))
        except OSError as error:
            claim.close()
            if error.errno == errno.EADDRINUSE:
                return False
            raise
        self._sockets[port] = claim
        return True

    @property
    def file_descriptors(self) -> tuple[int, ...]:
        """The open files to pass to the process that shall keep the claims."""
        return tuple(claim.fileno() for claim in self._sockets.values())

    def close(self) -> None:
        """Close this process' claims; those that another process inherited last until it ends."""
        for claim in self._sockets.values():
            claim.close()
        self._sockets.clear()
