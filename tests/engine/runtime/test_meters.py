from bifrost.engine.runtime.meters import Meter, QueryMeters


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
    progress.wrote("b", 1, 1)
    assert progress.consumed["a"].messages == 2
    assert progress.produced["b"].messages == 1
