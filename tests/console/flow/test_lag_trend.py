"""When the lag of a consumer group is a backlog, and when it is only records on their way."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bifrost.console.flow.lag_trend import LagSample, LagTrend, LagTrends

START = 1_000.0


def behind_since(
    lag_at: Callable[[int], int], *, read_per_s: int = 0, seconds: int = 300, batch: int = 0
) -> float | None:
    """What a group whose lag is `lag_at(second)` is said to be after so many seconds, looked at every 2 seconds."""
    trend, found = LagTrend(), None
    for second in range(0, seconds + 1, 2):
        found = trend.add(LagSample(START + second, lag_at(second), second * read_per_s, batch))
    return found


def test_a_group_that_has_read_everything_is_not_behind():
    assert behind_since(lambda _: 0) is None


def test_a_lag_that_grows_is_a_backlog_since_it_began():
    assert behind_since(lambda second: max(0, second - 100) * 5, read_per_s=1) == START + 104


def test_a_lag_that_stays_is_a_backlog_even_if_it_is_one_record():
    assert behind_since(lambda second: 1 if second >= 50 else 0) == START + 50


def test_a_lag_that_shrinks_is_no_backlog():
    assert behind_since(lambda second: 23_290 - second * 50, read_per_s=50) is None


def test_records_between_two_commits_are_no_backlog():
    assert behind_since(lambda second: second % 60 * 100 + 30, read_per_s=100) is None


def test_a_group_whose_commits_fall_further_and_further_behind_is_behind():
    assert behind_since(lambda second: second * 20 + second % 10 * 100, read_per_s=100) is not None


def test_what_is_read_within_seconds_is_no_backlog():
    assert behind_since(lambda _: 500, read_per_s=100) is None
    assert behind_since(lambda _: 5_000, read_per_s=100) == START


def test_what_a_sink_collects_for_its_next_file_is_no_backlog():
    assert behind_since(lambda second: second // 4, batch=100) is None
    assert behind_since(lambda second: second, batch=100) == START + 102


def test_nothing_is_said_before_there_are_two_minutes_to_compare():
    assert behind_since(lambda second: second * 1000, seconds=50) is None


def test_a_backlog_that_is_worked_off_ends():
    assert behind_since(lambda second: max(0, 5_000 - max(0, second - 150) * 100), seconds=150) == START
    assert behind_since(lambda second: max(0, 5_000 - max(0, second - 150) * 100), seconds=260) is None


@pytest.mark.parametrize("at", [START, START - 10])
def test_a_clock_that_stands_still_or_goes_back_changes_nothing(at: float):
    trend = LagTrend()
    assert trend.add(LagSample(START, 5, 0)) is None
    assert trend.add(LagSample(at, 5, 0)) is None


def test_a_group_that_is_gone_is_forgotten():
    trends = LagTrends()
    for second in range(0, 200, 10):
        found = trends.add({"a": LagSample(START + second, 7, 0), "b": LagSample(START + second, 0, 0)})
    assert found == {"a": START}
    assert trends.add({}) == {}
    assert trends.add({"a": LagSample(START + 300, 7, 0)}) == {}


def test_after_the_clock_was_set_back_a_backlog_is_noticed_again():
    trend = LagTrend()
    for second in range(0, 301, 2):
        trend.add(LagSample(START + 3_600 + second, second * 5, 0))
    found = None
    for second in range(0, 301, 2):
        found = trend.add(LagSample(START + second, second * 5, 0))
    assert found == START + 2
