"""Counts what was sent, and where each of it was accounted for."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field

ROW = "row"
PROCESSING_LOG = "processing log"
DEAD_LETTER = "dead letter"
MAX_EXAMPLES = 5


@dataclass(slots=True)
class KindAccount:
    """One kind of bad input: how many were sent, where they ended, and what is still awaited by its mark."""

    sent: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    pending: dict[Hashable, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        """The account as `--json` prints it; `missing` counts what no place accounts for."""
        return {
            "sent": self.sent,
            "accounted": dict(self.ended),
            "missing": len(self.pending),
            "examples": list(self.pending.values())[:MAX_EXAMPLES],
            "wrong": self.wrong[:MAX_EXAMPLES],
            "wrong_count": len(self.wrong),
        }


class Ledger:
    """The accounts by kind. Thread-safe: delivery reports come from other threads."""

    def __init__(self) -> None:
        self.kinds: dict[str, KindAccount] = {}
        self._kind_of: dict[Hashable, str] = {}
        self._lock = threading.RLock()

    def expect(self, kind: str, mark: Hashable, what: str) -> None:
        """Count an input that will be accounted for later, under a mark that its evidence carries."""
        with self._lock:
            account = self._account(kind)
            account.sent += 1
            account.pending[mark] = what
            self._kind_of[mark] = kind

    def settle(self, mark: Hashable, where: str) -> bool:
        """Account for the input of a mark; an unknown or settled mark is ignored."""
        with self._lock:
            kind = self._kind_of.pop(mark, None)
            if kind is None:
                return False
            account = self.kinds[kind]
            account.ended[where] += 1
            del account.pending[mark]
            return True

    def settled(self, kind: str, where: str) -> None:
        """Count an input whose end is known immediately."""
        with self._lock:
            account = self._account(kind)
            account.sent += 1
            account.ended[where] += 1

    def wrong(self, kind: str, what: str) -> None:
        """Count an input with a wrong outcome: an internal error, no answer, or accepted although it is invalid."""
        with self._lock:
            account = self._account(kind)
            account.sent += 1
            account.wrong.append(what)

    def awaited(self) -> list[Hashable]:
        """The marks of all inputs that are not accounted for."""
        with self._lock:
            return list(self._kind_of)

    def is_complete(self) -> bool:
        """Whether every input is accounted for, and none had a wrong outcome."""
        with self._lock:
            return not self._kind_of and not any(account.wrong for account in self.kinds.values())

    def _account(self, kind: str) -> KindAccount:
        return self.kinds.setdefault(kind, KindAccount())
