"""The control socket of the embedded platform's supervisor: status, start, stop and restart of components."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from bifrost.errors import NotReady, Refused, Unreachable
from bifrost.settings import Settings

SYSTEM = "supervisor"
TIMEOUT_S = 5.0
STOP_TIMEOUT_S = 120.0
"""Longer than the summed grace periods along the longest chain of dependencies."""

_POLL_S = 0.1
_MAX_ADDRESS_BYTES = 107  # the kernel's limit for the address of a unix socket

ComponentState = Literal["stopped", "starting", "running", "ready", "backoff", "failed", "stopping"]
"""`running`: alive, without a ready probe; `ready`: its probe succeeded; `backoff`: died, will be restarted;
`failed`: died or never became ready, will not be restarted."""

UP: tuple[ComponentState, ...] = ("running", "ready")
SETTLED: tuple[ComponentState, ...] = (*UP, "failed", "stopped")


@dataclass(frozen=True, slots=True)
class ComponentStatus:
    """One supervised component."""

    name: str
    state: ComponentState
    pid: int | None
    restarts: int  # after deaths, in this run of the platform
    since: float  # when it entered this state, seconds since the epoch
    log: str  # path
    cause: str  # why it is in `backoff` or `failed`, one line; otherwise empty

    @property
    def is_up(self) -> bool:
        """Whether it is working."""
        return self.state in UP

    def as_json(self) -> dict[str, Any]:
        """Return the status as the control socket sends it."""
        return asdict(self)


@contextmanager
def socket_address(path: Path) -> Iterator[str]:
    """Yield an address for a unix socket at `path` of any length; valid within the block."""
    if len(os.fsencode(path)) <= _MAX_ADDRESS_BYTES:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # The address goes through a descriptor of the folder, so its length does not depend on the path.
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


class SupervisorClient:
    """The client of the supervisor of one BIFROST_HOME; every call has a deadline.

    Every method raises `Unreachable` if no platform runs there, `NotReady` if the supervisor is too busy to answer, and
    `Refused` if it refuses the request (an unknown name).
    """

    def __init__(
        self, settings: Settings, *, timeout_s: float = TIMEOUT_S, on_wait: Callable[[str], None] = lambda _: None
    ) -> None:
        """Requests are answered within `timeout_s`; `on_wait` receives a line every few seconds of a longer wait."""
        self._socket = settings.control_socket
        self._timeout_s = timeout_s
        self._on_wait = on_wait

    def is_running(self) -> bool:
        """Return whether a supervisor is running; raises `NotReady` if it runs but does not answer."""
        try:
            self._request("status")
        except Unreachable:
            return False
        return True

    def pid(self) -> int:
        """Return the process id of the supervisor."""
        return int(self._request("status")["pid"])

    def status(self) -> list[ComponentStatus]:
        """Return the status of every component, in starting order."""
        return [ComponentStatus(**fields) for fields in self._request("status")["components"]]

    def component(self, name: str) -> ComponentStatus:
        """Return the status of one component."""
        return self._find(name, self.status())

    def start(self, name: str, *, wait_s: float = 0) -> ComponentStatus:
        """Start a component and keep it running; with `wait_s`, return when it is up or has failed."""
        self._request("start", name)
        return self._settled(name, wait_s)

    def stop(self, name: str, *, wait_s: float = STOP_TIMEOUT_S) -> ComponentStatus:
        """Stop a component and keep it stopped; its dependents keep running."""
        self._request("stop", name)
        return self._settled(name, wait_s)

    def restart(self, name: str, *, wait_s: float = STOP_TIMEOUT_S) -> ComponentStatus:
        """Stop and start a component, also a failed one."""
        self._request("restart", name)
        return self._settled(name, wait_s)

    def shutdown(
        self,
        *,
        wait_s: float = STOP_TIMEOUT_S,
        on_status: Callable[[Sequence[ComponentStatus]], None] = lambda _: None,
    ) -> None:
        """Stop every component in order, then the supervisor.

        Args:
            on_status: receives every component, in starting order, repeatedly while they stop.

        Raises:
            NotReady: it is still running after `wait_s`.
        """
        self._request("shutdown")

        def has_ended() -> bool:
            try:
                on_status(self.status())
            except Unreachable:
                return True
            return False

        if not _wait_until(has_ended, wait_s):
            raise NotReady(SYSTEM, "shutdown", f"still running after {wait_s:.0f} s")

    def wait_for(
        self, name: str, states: tuple[ComponentState, ...] = SETTLED, *, wait_s: float = STOP_TIMEOUT_S
    ) -> ComponentStatus:
        """Wait until a component is in one of these states.

        Raises:
            NotReady: it is in none of them after `wait_s`.
        """
        if not _wait_until(lambda: self.component(name).state in states, wait_s):
            found = self.component(name)
            problem = f"{name} is {found.state} after {wait_s:.0f} s, not {' or '.join(states)}; log: {found.log}"
            raise NotReady(SYSTEM, f"wait for {name}", problem)
        return self.component(name)

    def _settled(self, name: str, wait_s: float) -> ComponentStatus:
        return self.wait_for(name, SETTLED, wait_s=wait_s) if wait_s else self.component(name)

    @staticmethod
    def _find(name: str, found: list[ComponentStatus]) -> ComponentStatus:
        for status in found:
            if status.name == name:
                return status
        known = ", ".join(status.name for status in found)
        raise Refused(SYSTEM, name, status=0, body=f"unknown component {name!r}; known are {known}")

    def _request(self, action: str, name: str = "") -> Mapping[str, Any]:
        request = f"{action} {name}".strip()
        try:
            answer = self._exchange({"action": action, "name": name})
        except TimeoutError as error:
            # It is alive: its components must not be taken for leftovers of a dead platform.
            raise NotReady(
                SYSTEM, request, f"it is running but did not answer within {self._timeout_s:.0f} s"
            ) from error
        except (OSError, ValueError) as error:
            raise Unreachable(SYSTEM, request, f"the embedded platform is not running ({error})") from error
        if "error" in answer:
            raise Refused(SYSTEM, request, status=0, body=str(answer["error"]))
        return answer

    def _exchange(self, request: Mapping[str, str]) -> dict[str, Any]:
        wait = _Wait(self._timeout_s, lambda waited: self._on_wait(f"the supervisor is busy; waiting ({waited:.0f} s)"))
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            self._connect(connection, wait)
            connection.sendall(json.dumps(request).encode() + b"\n")
            answer: dict[str, Any] = json.loads(_read_line(connection, wait))
        return answer

    def _connect(self, connection: socket.socket, wait: _Wait) -> None:
        connection.settimeout(wait.next_s())
        with socket_address(self._socket) as address:
            while True:
                try:
                    return connection.connect(address)
                except BlockingIOError:
                    # Its queue of connections is full: a socket of this family refuses instead of waiting.
                    time.sleep(_POLL_S)
                    wait.next_s()


class _Wait:
    """The time that is left for a request; calls `report` with the seconds so far, whenever a few have passed."""

    def __init__(self, timeout_s: float, report: Callable[[float], None]) -> None:
        self._began = time.monotonic()
        self._timeout_s = timeout_s
        self._report = report
        self._report_due_s = TIMEOUT_S

    def next_s(self) -> float:
        """The longest time until the next call; raises `TimeoutError` when none is left."""
        waited = time.monotonic() - self._began
        if waited >= self._timeout_s:
            raise TimeoutError
        if waited >= self._report_due_s:
            self._report_due_s = waited + TIMEOUT_S
            self._report(waited)
        return min(self._report_due_s, self._timeout_s) - waited


def _read_line(connection: socket.socket, wait: _Wait) -> bytes:
    received = b""
    while not received.endswith(b"\n"):
        connection.settimeout(wait.next_s())
        try:
            part = connection.recv(65536)
        except TimeoutError:
            continue
        if not part:
            break
        received += part
    return received


def _wait_until(condition: Callable[[], bool], wait_s: float) -> bool:
    end = time.monotonic() + wait_s
    while not condition():
        if time.monotonic() >= end:
            return False
        time.sleep(_POLL_S)
    return True
