"""Checks whether dead-letter topics grow: a sink that puts everything there stays RUNNING."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from bifrost.deployer.live.state import TopicAdmin
from bifrost.errors import RemoteError
from bifrost.operations.dead_letter_queues import DEAD_LETTER_TOPIC, is_dead_letter_topic

QUIET_S = 600.0
"""A topic counts as growing for so long after its last dead letter, because they often come in groups."""
RETRY_S = 60.0
"""After a broker that did not answer: its answer is waited for, which delays the look."""


@dataclass(slots=True)
class _Growth:
    """The end of a topic, what came since it began to grow, and when its last letter was found."""

    end: int
    new: int = 0
    last_at: float | None = None


@dataclass(slots=True)
class DeadLetterChecks:
    """Compares the ends of the dead-letter topics with those of the look before.

    `left_out` are topics that are not reported: those of the alerts that report dead letters.
    """

    kafka: TopicAdmin
    left_out: Collection[str] = ()
    now: Callable[[], float] = time.monotonic
    _known: dict[str, _Growth] | None = None
    _retry_at: float = field(default=0.0)

    def look(self, configs: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
        """The topics that grow, each with a line that says so.

        Args:
            configs: the live configurations of the connectors, which name their topics.
        """
        if self.now() < self._retry_at:
            return self._growing()
        try:
            self._compare(self._ends({config.get(DEAD_LETTER_TOPIC, "") for config in configs.values()}))
        except RemoteError:
            self._retry_at = self.now() + RETRY_S
        return self._growing()

    def _ends(self, named: Collection[str]) -> dict[str, int]:
        topics = self.kafka.topics()
        letters = {
            name: count
            for name, count in topics.items()
            if (name in named or is_dead_letter_topic(name)) and name not in self.left_out
        }
        ends = self.kafka.ends(letters) if letters else {}
        return {name: sum(part.next for part in parts.values()) for name, parts in ends.items()}

    def _compare(self, ends: Mapping[str, int]) -> None:
        if self._known is None:  # earlier dead letters are in `dlq list`
            self._known = {name: _Growth(end) for name, end in ends.items()}
            return
        for name in [name for name in self._known if name not in ends]:
            del self._known[name]
        for name, end in ends.items():
            growth = self._known.setdefault(name, _Growth(0))
            if growth.last_at is not None and self.now() - growth.last_at > QUIET_S:
                growth.new, growth.last_at = 0, None
            if end > growth.end:
                growth.new, growth.last_at = growth.new + end - growth.end, self.now()
            growth.end = end

    def _growing(self) -> dict[str, str]:
        return {
            name: f"{growth.new} new {'letter' if growth.new == 1 else 'letters'}; `dlq show {name}` shows the reasons"
            for name, growth in (self._known or {}).items()
            if growth.last_at is not None
        }
