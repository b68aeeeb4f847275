"""Which part fails in which way and when: a sequence that depends on its seed alone. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

CUT_PARTS = ("inbox", "search", "s3")
"""HTTP servers with a proxy in front, so that their connections can be cut."""
SHORTEST_STOP_S, LONGEST_STOP_S = 5.0, 40.0
SHORTEST_GAP_S, LONGEST_GAP_S = 3.0, 12.0


class FaultKind(StrEnum):
    """What happens to a part."""

    KILL = "kill -9"
    STOP = "SIGSTOP"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Attributes:
        lasts_s: seconds until SIGCONT, or until the connections are whole again; 0 for a kill.
        gap_s: seconds until the next fault begins. Faults overlap if this one lasts longer.
    """

    part: str
    kind: FaultKind
    lasts_s: float
    gap_s: float

    def __str__(self) -> str:
        lasts = f" {self.lasts_s:.0f} s" if self.lasts_s else ""
        return f"{self.kind}{lasts} {self.part}"


def planned_faults(seed: int, parts: Sequence[str], kinds: Sequence[FaultKind] = tuple(FaultKind)) -> Iterator[Fault]:
    """Endless faults of these parts. The same arguments give the same sequence.

    Raises:
        ValueError: no part can have such a fault.
    """
    possible = [(kind, part) for kind in kinds for part in (CUT_PARTS if kind is FaultKind.CUT else parts)]
    if not possible:
        raise ValueError("no fault is possible")
    random = Random(seed)
    while True:
        kind, part = random.choice(possible)
        lasts_s = 0.0 if kind is FaultKind.KILL else random.uniform(SHORTEST_STOP_S, LONGEST_STOP_S)
        yield Fault(part, kind, lasts_s, random.uniform(SHORTEST_GAP_S, LONGEST_GAP_S))
