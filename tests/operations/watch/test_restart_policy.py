"""Failed things are restarted at growing delays, left failed in the end, and reported once per failure."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from bifrost.operations.watch.restart_policy import MAX_RESTARTS, STEADY_S, Happening, Restarts, decide, delay_s

MINUTE = 60.0


def run(looks: list[tuple[float, bool]], max_restarts: int = MAX_RESTARTS) -> list[tuple[float, str]]:
    """What happens, by time; each look is (seconds, failed)."""
    restarts, found = Restarts(), []
    for now, failed in looks:
        decision = decide(restarts, now, failed=failed, max_restarts=max_restarts)
        restarts = decision.restarts
        found += [(now, str(decision.happening))] if decision.happening else []
        found += [(now, "restart")] if decision.restart else []
    return found


def every(seconds: float, until: float, *, failed: bool, since: float = 0) -> list[tuple[float, bool]]:
    return [(since + number * seconds, failed) for number in range(int((until - since) / seconds) + 1)]


def test_the_delays_are_those_of_strimzi():
    assert [delay_s(count) / MINUTE for count in range(9)] == [0, 2, 6, 12, 20, 30, 42, 56, 60]


def test_what_stays_failed_is_restarted_at_growing_delays_and_then_left():
    found = run(every(10, 6 * 3600, failed=True))

    restarts = [now for now, what in found if what == "restart"]
    gaps = [round(later - earlier) / MINUTE for earlier, later in itertools.pairwise(restarts)]
    assert restarts[0] == 0 and gaps == [2, 6, 12, 20, 30, 42]
    assert [what for _, what in found if what == "given_up"] == ["given_up"]


def test_each_failure_is_reported_once_and_the_first_one_at_once():
    found = run(every(10, 100, failed=True))

    assert found == [(0, "failed"), (0, "restart"), (10, "failed")]


def test_a_recovery_is_reported_when_it_has_lasted():
    found = run([(0, True), *every(10, 100, failed=False, since=10)])

    assert found == [(0, "failed"), (0, "restart"), (70, "recovered")]


def test_the_restarts_of_a_thing_that_ran_longer_than_its_next_delay_are_forgotten():
    looks = [(0, True), *every(10, 3 * MINUTE, failed=False, since=10), (4 * MINUTE, True)]

    assert run(looks)[-2:] == [(240, "failed"), (240, "restart")]


def test_a_thing_that_fails_soon_after_a_restart_waits():
    looks = [(0, True), *every(10, 90, failed=False, since=10), (100, True), (110, True), (120, True)]

    assert run(looks) == [
        (0, "failed"),
        (0, "restart"),
        (70, "recovered"),
        (100, "failed"),
        (120, "restart"),
    ]


def test_a_corrected_thing_that_fails_again_after_it_was_given_up_is_reported_again():
    looks = [(0, True), (10, True), *every(10, 100, failed=False, since=20), (110, True)]

    assert [what for _, what in run(looks, max_restarts=1)] == [
        "failed",
        "restart",
        "given_up",
        "recovered",
        "given_up",
    ]


def test_nothing_is_restarted_with_a_limit_of_zero():
    assert run([(0, True), (10, True)], max_restarts=0) == [(0, "given_up")]


@given(st.lists(st.tuples(st.floats(1, 4000), st.booleans()), max_size=200))
def test_restarts_never_come_closer_than_their_delay_and_reports_never_repeat(steps):
    now, looks = 0.0, []
    for wait, failed in steps:
        now += wait
        looks.append((now, failed))

    found = run(looks)

    restarts = [at for at, what in found if what == "restart"]
    assert all(later - earlier >= delay_s(1) for earlier, later in itertools.pairwise(restarts))
    recovered = [index for index, (_, what) in enumerate(found) if what == Happening.RECOVERED]
    failures = [index for index, (_, what) in enumerate(found) if what in (Happening.FAILED, Happening.GIVEN_UP)]
    for earlier, later in itertools.pairwise(recovered):
        assert any(earlier < index < later for index in failures)
    assert STEADY_S == MINUTE
