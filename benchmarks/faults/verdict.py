"""Compares what was sent with what arrived, one hop after another. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from benchmarks.faults.marks import Tally

MOST_EXAMPLES = 5


class Guarantee(StrEnum):
    """What a hop promises for each record."""

    EXACTLY_ONCE = "exactly once"
    AT_LEAST_ONCE = "at least once"
    AT_MOST_ONCE = "at most once"


@dataclass(frozen=True, slots=True)
class HopVerdict:
    """How the records of one hop arrived.

    Attributes:
        lost: numbers that the place before had, and this one has not.
        doubled: arrivals beyond those in the place before.
        out_of_order: first arrivals after a later number with the same key.
        repeats_allowed: doubled arrivals that the guarantee allows; `None` for any number.
        is_ordered: whether the order of a key is promised. It is not after a stream without a key column.
        dead_letters: records that a sink wrote to its dead-letter topic instead; they count as lost too.
    """

    load: str
    place: str
    guarantee: Guarantee
    expected: int
    lost: tuple[int, ...]
    doubled: int
    out_of_order: int
    repeats_allowed: int | None
    is_ordered: bool = True
    dead_letters: int = 0

    @property
    def is_kept(self) -> bool:
        """Whether the guarantee was kept, and the order where it is promised."""
        is_complete = self.guarantee is Guarantee.AT_MOST_ONCE or not self.lost
        has_few = self.repeats_allowed is None or self.doubled <= self.repeats_allowed
        return is_complete and has_few and not (self.is_ordered and self.out_of_order)

    def __str__(self) -> str:
        examples = f" ({', '.join(map(str, self.lost[:MOST_EXAMPLES]))})" if self.lost else ""
        order = f"{self.out_of_order} out of order" if self.is_ordered else "order not promised"
        letters = f", {self.dead_letters} dead letters" if self.dead_letters else ""
        counts = f"{len(self.lost)} lost{examples}{letters}, {self.doubled} doubled, {order}"
        broken = "" if self.is_kept else "  BROKEN"
        return f"{self.load:8} {self.place:34} {self.guarantee:13} {self.expected:8} expected, {counts}{broken}"


def judge_hop(
    load: str,
    place: str,
    guarantee: Guarantee,
    before: Counter[int],
    here: Tally,
    *,
    repeats: int | None = None,
    is_ordered: bool = True,
) -> HopVerdict:
    """Compare two places.

    Args:
        before: how often each number is in the place before.
        repeats: how many repeats an at-least-once hop may add; `None` for any number.
        is_ordered: whether the order of a key is promised.
    """
    lost = sorted(number for number in before if not here.counts[number])
    doubled = sum(max(0, count - max(1, before[number])) for number, count in here.counts.items())
    allowed = repeats if guarantee is Guarantee.AT_LEAST_ONCE else 0
    return HopVerdict(load, place, guarantee, len(before), tuple(lost), doubled, here.out_of_order, allowed, is_ordered)


def broken(verdicts: Iterable[HopVerdict]) -> Iterator[HopVerdict]:
    """The hops that broke their guarantee."""
    return (verdict for verdict in verdicts if not verdict.is_kept)
