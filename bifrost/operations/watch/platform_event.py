"""What happened to a part of the platform, as a record of the topic that alerts read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from bifrost.operations.watch.restart_policy import MAX_RESTARTS, Happening

TOPIC = "platform_events"
DISK = "disk"
"""The kind of an event about free space."""
DEAD_LETTERS = "dead letters"
"""The kind of an event about a dead-letter topic."""


@dataclass(frozen=True, slots=True)
class PlatformEvent:
    """A failure, a recovery, or the end of the restarts of one thing.

    `at_ms` is epoch milliseconds; `restart` counts the restarts so far and `restart_in_s` are the seconds to the next
    one, `None` if there is none; `cause` is one line, empty for a recovery.
    """

    happening: Happening
    kind: str
    name: str
    at_ms: int
    cause: str = ""
    restart: int = 0
    restart_in_s: float | None = None
    max_restarts: int = MAX_RESTARTS

    @property
    def what(self) -> str:
        """What happened, with the cause, in one line."""
        match self.happening:
            case Happening.RECOVERED if self.kind == DISK:
                return "is enough again: what was paused is resumed"
            case Happening.FAILED if self.kind == DISK:
                what = "is low"
            case Happening.RECOVERED if self.kind == DEAD_LETTERS:
                return "have not grown for a while"
            case Happening.FAILED if self.kind == DEAD_LETTERS:
                what = "grow"
            case Happening.RECOVERED:
                return "runs again"
            case Happening.GIVEN_UP:
                what = f"stays failed after {self.restart} restarts; correct the cause, then restart it"
            case _:
                what = self._restarting()
        return f"{what}: {self.cause}" if self.cause else what

    @property
    def text(self) -> str:
        """The event as a line of text."""
        return f"{self.kind} {self.name} {self.what}"

    def _restarting(self) -> str:
        if self.restart_in_s is None:
            return "failed"
        number = f"restart {self.restart + 1} of {self.max_restarts}"
        again = " again" if self.restart else ""
        if self.restart_in_s <= 0:
            return f"failed{again} and is restarted ({number})"
        minutes = max(1, round(self.restart_in_s / 60))
        return f"failed{again}; {number} follows in {minutes} {'minute' if minutes == 1 else 'minutes'}"

    def as_json(self) -> str:
        """The value of the record: columns in upper case, as ksqlDB writes them."""
        columns: Mapping[str, object] = {
            "EVENT": str(self.happening),
            "KIND": self.kind,
            "NAME": self.name,
            "CAUSE": self.cause,
            "RESTARTS": self.restart,
            "RESTART_IN_S": None if self.restart_in_s is None else max(0, round(self.restart_in_s)),
            "AT_MS": self.at_ms,
            "WHAT": self.what,
        }
        return json.dumps(columns, ensure_ascii=False)
