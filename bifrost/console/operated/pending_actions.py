"""Actions that were planned and wait for a person to confirm them: what was shown is what is carried out."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from bifrost.console.operated.target_pool import OperatedTarget
from bifrost.errors import OperationRefused

VALID_S = 600.0
"""How long a plan may be confirmed. What it was made from changes meanwhile."""
MAX_PENDING = 50


@dataclass(frozen=True)
class PlannedAction:
    """An action with what it would do, in sentences, and the function that does exactly that.

    `is_change` is false if there is nothing to do; `loses` is true if something cannot be undone. `carry_out` returns
    what was done.
    """

    action: str
    thing: str
    lines: tuple[str, ...]
    carry_out: Callable[[OperatedTarget], str]
    is_change: bool = True
    loses: bool = False


class PendingActions:
    """Planned actions by token. A token is valid once. Thread-safe."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._pending: dict[str, tuple[float, PlannedAction]] = {}

    def add(self, planned: PlannedAction) -> str:
        """Store an action, and return the token that confirms it. Old ones are dropped."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            now = self._now()
            # A plan may hold thousands of dead letters.
            for old in [key for key, (at, _) in self._pending.items() if now - at > VALID_S]:
                del self._pending[old]
            self._pending[token] = now, planned
            while len(self._pending) > MAX_PENDING:
                del self._pending[next(iter(self._pending))]
        return token

    def take(self, token: str) -> PlannedAction:
        """The action of a token, which is invalid from now on.

        Raises:
            OperationRefused: there is none, or it is too old.
        """
        with self._lock:
            at, planned = self._pending.pop(token, (0.0, None))
        if planned is None or self._now() - at > VALID_S:
            raise OperationRefused(
                "nothing was changed: this confirmation is no longer valid. Look at what would happen, and confirm it"
            )
        return planned
