"""Logs what a command changes, from the moment at which it is known that it changes something."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bifrost.operations.action_log import ActionLog, LoggedAction, Outcome, account_name


@dataclass(slots=True)
class PendingAction:
    """An action of a command. Until `begin` is called, nothing is logged; set `result` to a sentence."""

    log: ActionLog
    action: str
    result: str = ""
    _begun: LoggedAction | None = field(default=None, init=False)

    def begin(self, thing: str, lines: Iterable[str]) -> None:
        """Log that something is about to change. Only the first call has an effect.

        Raises:
            OperationRefused: the log cannot be written; nothing must be changed.
        """
        if self._begun is None:
            self._begun = self.log.begin(account_name(), self.action, thing, lines)

    def end(self, outcome: Outcome, result: str) -> None:
        """Log how it ended, if it began."""
        if self._begun is not None:
            self.log.end(self._begun, outcome, result)


@contextmanager
def pending_action(log: ActionLog, action: str) -> Iterator[PendingAction]:
    """An action that the block may begin; how the block ends is how the action ends."""
    pending = PendingAction(log, action)
    try:
        yield pending
    except BaseException as error:
        # An interruption has no text.
        pending.end(Outcome.FAILED, str(error) or type(error).__name__)
        raise
    pending.end(Outcome.DONE, pending.result)
