"""Problems that the watcher reports and does not act on: an event after some looks in a row, and another at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bifrost.operations.watch.restart_policy import Happening

ThingKey = tuple[str, str]
"""The kind and the name of a thing."""
SILENT_LOOKS = 3
"""After so many looks without an answer a part counts as failed: a restart takes less."""


@dataclass(frozen=True, slots=True)
class ReportedProblem:
    """A problem of a thing: `cause` for the event, `line` for `status`; reported after `looks` looks in a row."""

    cause: str
    line: str
    looks: int = SILENT_LOOKS


@dataclass(frozen=True, slots=True)
class ProblemChange:
    """A problem that begins to count, or has ended; `cause` is empty then."""

    happening: Happening
    kind: str
    name: str
    cause: str = ""


@dataclass(slots=True)
class ReportedProblems:
    """The problems of the last looks."""

    _problems: dict[ThingKey, ReportedProblem] = field(default_factory=dict)
    _looks: dict[ThingKey, int] = field(default_factory=dict)

    def update(self, found: Mapping[ThingKey, ReportedProblem]) -> Iterator[ProblemChange]:
        """Take the problems that a look found; yield what changed by it, in order of the things."""
        for key in sorted({*found, *self._looks}):
            if key in found:
                self._problems[key] = found[key]
                looks = self._looks[key] = self._looks.get(key, 0) + 1
                if looks == found[key].looks:
                    yield ProblemChange(Happening.FAILED, *key, found[key].cause)
            elif self.forget(key):
                yield ProblemChange(Happening.RECOVERED, *key)

    def forget(self, key: ThingKey) -> bool:
        """Forget a thing; returns whether its problem was reported."""
        problem, looks = self._problems.pop(key, None), self._looks.pop(key, 0)
        return problem is not None and looks >= problem.looks

    def summary(self) -> dict[str, str]:
        """A line for each reported problem that lasts, by `kind name`."""
        return {
            f"{kind} {name}": problem.line
            for (kind, name), problem in self._problems.items()
            if self._looks[kind, name] >= problem.looks
        }
