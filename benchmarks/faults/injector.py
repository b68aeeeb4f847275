"""Kills, stops and cuts off parts of a running platform."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from benchmarks.fault_proxy import FaultProxy
from benchmarks.faults.plan import Fault, FaultKind
from bifrost.clients.supervisor import SupervisorClient
from bifrost.errors import BifrostError

CUT_RATE = 0.7
"""The share of the requests that a cut disturbs."""


class Injector:
    """Carries faults out, and ends those that last."""

    def __init__(self, supervisor: SupervisorClient, proxies: dict[str, FaultProxy]) -> None:
        self._supervisor, self._proxies = supervisor, proxies
        self._timers: list[threading.Timer] = []

    def inject(self, fault: Fault) -> bool:
        """Carry a fault out; returns whether there was something to disturb: a part may still be starting."""
        if fault.kind is FaultKind.CUT:
            proxy = self._proxies[fault.part]
            proxy.rate = CUT_RATE
            self._later(fault.lasts_s, lambda: _end_cut(proxy))
            return True
        pid = self._pid(fault.part)
        if pid is None:
            return False
        if fault.kind is FaultKind.KILL:
            _signal_all([pid], signal.SIGKILL)
            return True
        stopped = [pid, *descendants(pid)]
        _signal_all(stopped, signal.SIGSTOP)
        self._later(fault.lasts_s, lambda: _signal_all(stopped, signal.SIGCONT))
        return True

    def await_end(self) -> None:
        """Wait until every fault that lasts has ended."""
        for timer in self._timers:
            timer.join()
        self._timers.clear()

    def _later(self, delay_s: float, action: Callable[[], None]) -> None:
        timer = threading.Timer(delay_s, action)
        timer.start()
        self._timers.append(timer)

    def _pid(self, part: str) -> int | None:
        try:
            return self._supervisor.component(part).pid
        except BifrostError:
            return None


def descendants(pid: int) -> list[int]:
    """The processes below a process, as the kernel lists them."""
    found: list[int] = []
    with suppress(OSError):
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in map(int, children.read_text().split()):
                found += [child, *descendants(child)]
    return found


def _end_cut(proxy: FaultProxy) -> None:
    proxy.rate = 0.0


def _signal_all(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
