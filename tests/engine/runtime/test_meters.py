import pytest

from bifrost.engine.runtime.meters import COMMIT_BOUNDS_S, CommitTimes, Meter, QueryMeters, StoreSize, total_sizes


def test_a_meter_counts_records_and_bytes():
    meter = Meter()
    meter.mark(3, 30, 1000)
    meter.mark(2, 20, 2000)
    assert (meter.messages, meter.size, meter.last_ms) == (5, 50, 2000)


def test_the_rate_is_over_the_last_100_seconds():
    meter = Meter()
    meter.mark(500, 0, 0)
    meter.mark(50, 0, 60_000)
    assert meter.rate(60_000) == 5.5
    assert meter.rate(130_000) == 0.5
    assert meter.rate(1_000_000) == 0


def test_meters_count_by_topic():
    progress = QueryMeters()
    progress.read("a", 2, 20, 1)
    progress.wrote("b", 1, 5, 1)
    assert progress.consumed["a"].messages == 2
    assert (progress.produced["b"].messages, progress.produced["b"].size) == (1, 5)


def test_commits_are_counted_by_duration():
    times = CommitTimes()
    for seconds in (0.001, 0.005, 0.2, 100.0):
        times.add(seconds)
    by_bound = dict(zip((*COMMIT_BOUNDS_S, "longer"), times.counts, strict=True))
    assert {bound: count for bound, count in by_bound.items() if count} == {0.005: 2, 0.25: 1, "longer": 1}
    assert times.total_s == pytest.approx(100.206)


def test_the_size_of_a_store_is_that_of_its_partitions():
    parts = [("a", StoreSize(1, 10)), ("b", StoreSize(5, None)), ("a", StoreSize(2, None)), ("a", StoreSize(3, 30))]
    assert total_sizes(parts) == {"a": StoreSize(6, 40), "b": StoreSize(5, None)}
