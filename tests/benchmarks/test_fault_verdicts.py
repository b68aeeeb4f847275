"""The faults benchmark: what it calls lost, doubled and out of order, and that its seed decides its faults."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest

from benchmarks.faults.marks import LANES, Marks, Tally
from benchmarks.faults.plan import CUT_PARTS, Fault, FaultKind, planned_faults
from benchmarks.faults.trial import PLACES
from benchmarks.faults.verdict import Guarantee, HopVerdict, broken, judge_hop
from bifrost.deployer.declared.files import read_connectors
from bifrost.settings import PROJECT

MARKS = Marks("0a1b2c3d")
SENT = Counter(range(100))


def arrived(*numbers: int) -> Tally:
    tally = Tally()
    for number in numbers:
        tally.add(number)
    return tally


def judged(guarantee: Guarantee, *numbers: int, repeats: int | None = None) -> str:
    verdict = judge_hop("ratings", "topic", guarantee, SENT, arrived(*numbers), repeats=repeats)
    return "kept" if verdict.is_kept else str(verdict).split("expected, ")[1]


@pytest.mark.parametrize("guarantee", Guarantee)
def test_a_complete_copy_in_order_keeps_every_guarantee(guarantee: Guarantee):
    assert judged(guarantee, *range(100)) == "kept"


def test_a_lost_record_breaks_all_guarantees_but_one():
    without = [number for number in range(100) if number not in (3, 41)]
    assert judged(Guarantee.EXACTLY_ONCE, *without) == "2 lost (3, 41), 0 doubled, 0 out of order  BROKEN"
    assert judged(Guarantee.AT_LEAST_ONCE, *without) == "2 lost (3, 41), 0 doubled, 0 out of order  BROKEN"
    assert judged(Guarantee.AT_MOST_ONCE, *without) == "kept"


def test_a_report_shows_how_many_of_the_lost_records_are_dead_letters():
    verdict = HopVerdict("ratings", "index", Guarantee.EXACTLY_ONCE, 100, (0, 1), 0, 0, 0, dead_letters=2)
    assert "2 lost (0, 1), 2 dead letters, 0 doubled" in str(verdict)


def test_every_index_has_the_dead_letter_topic_of_a_declared_sink():
    declared = read_connectors(PROJECT / "connectors")
    topics = {item.config.get("errors.deadletterqueue.topic.name"): item.topics for item in declared}
    for place in PLACES:
        if place.index:
            assert place.topic in topics[place.dead_letters]


def test_a_repeat_breaks_exactly_once_and_at_most_once():
    repeated = [*range(100), 99]
    assert judged(Guarantee.EXACTLY_ONCE, *repeated) == "0 lost, 1 doubled, 0 out of order  BROKEN"
    assert judged(Guarantee.AT_MOST_ONCE, *repeated) == "0 lost, 1 doubled, 0 out of order  BROKEN"
    assert judged(Guarantee.AT_LEAST_ONCE, *repeated) == "kept"


def test_alerts_may_be_repeated_as_often_as_something_failed():
    repeated = [*range(100), 99, 98]
    assert judged(Guarantee.AT_LEAST_ONCE, *repeated, repeats=2) == "kept"
    assert judged(Guarantee.AT_LEAST_ONCE, *repeated, repeats=1) == "0 lost, 2 doubled, 0 out of order  BROKEN"


def test_a_repeat_of_the_place_before_is_not_the_fault_of_this_hop():
    before = arrived(1, 2, 2)
    verdict = judge_hop("ratings", "b", Guarantee.EXACTLY_ONCE, before.counts, arrived(1, 2, 2))
    assert verdict.is_kept


def test_a_record_that_no_one_sent_is_doubled():
    verdict = judge_hop("ratings", "b", Guarantee.EXACTLY_ONCE, Counter({1: 1}), arrived(1, 1))
    assert list(broken([verdict])) == [verdict]


def test_order_is_that_of_the_first_arrivals_of_one_key():
    other_keys = arrived(1, 0, 3, 2)
    one_key = arrived(0, 2 * LANES, LANES)
    repeated = arrived(0, LANES, 0, 2 * LANES)
    assert [tally.out_of_order for tally in (other_keys, one_key, repeated)] == [0, 1, 0]


def test_order_is_judged_where_it_is_promised():
    late = arrived(2 * LANES, LANES)
    sent = Counter((LANES, 2 * LANES))
    ordered, unordered = (
        judge_hop("frames", "topic", Guarantee.EXACTLY_ONCE, sent, late, is_ordered=is_ordered)
        for is_ordered in (True, False)
    )
    assert (ordered.is_kept, unordered.is_kept) == (False, True)
    assert str(unordered).endswith("0 doubled, order not promised")


def test_marks_are_found_in_any_bytes():
    content = b"\x00\x02\x04" + MARKS.mark("ratings", 7).encode() + b"\xff" + MARKS.mark("frames", 12).encode() * 2
    assert list(MARKS.found(content)) == [("ratings", 7), ("frames", 12)]
    assert list(Marks("ffffffff").found(content)) == []


def test_the_seed_decides_the_faults():
    def first(seed: int) -> list[Fault]:
        return list(islice(planned_faults(seed, ["broker", "ksqldb"]), 50))

    assert first(1) == first(1)
    assert first(1) != first(2)
    assert {fault.part for fault in first(1) if fault.kind is FaultKind.CUT} == set(CUT_PARTS)
    assert all(fault.lasts_s == 0 for fault in first(1) if fault.kind is FaultKind.KILL)


def test_without_a_possible_fault_there_is_an_error():
    with pytest.raises(ValueError, match="no fault is possible"):
        next(planned_faults(1, [], [FaultKind.KILL]))
