"""Writes a load at a steady rate, in a thread."""

from __future__ import annotations

import threading
from collections import Counter

from benchmarks.faults.loads import Load
from benchmarks.platform import paced


class Sender:
    """Writes a load from `start` to `stop`. Numbers continue from one batch to the next."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._first = self._next = 0
        self._ends = threading.Event()
        self._thread = threading.Thread()
        self.error = ""

    def start(self, load: Load) -> None:
        """Begin a batch with a writer of its marks."""
        self._first = self._next
        self._ends.clear()
        self._thread = threading.Thread(target=self._run, args=(load,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the batch; returns when all of it was accepted, or with the reason in `error`."""
        self._ends.set()
        self._thread.join()

    @property
    def sent(self) -> Counter[int]:
        """The numbers of this batch."""
        return Counter(range(self._first, self._next))

    def _run(self, load: Load) -> None:
        try:
            for _ in paced(self._rate, 10**9):
                if self._ends.is_set():
                    break
                load.send(self._next)
                self._next += 1
            load.flush()
        except Exception as error:  # noqa: BLE001 - the thread's top: the caller reports it
            self.error = f"{type(error).__name__}: {error}"
