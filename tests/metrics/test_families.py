"""Counters, gauges and durations, as a scrape sees them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bifrost.metrics import families
from bifrost.metrics.exposition import exposition
from bifrost.metrics.families import Counter, Gauge, Histogram


@pytest.fixture(autouse=True)
def nothing_declared(monkeypatch) -> Iterator[None]:
    monkeypatch.setattr(families, "_declared", [])


def samples() -> dict[tuple[str, ...], float]:
    """Value by name and label values, without the figures of the process."""
    text = exposition("")[0].decode()
    found = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return {
        (sample.name, *sample.labels.values()): sample.value
        for sample in found
        if not sample.name.startswith("process_") and not sample.name.endswith("_created")
    }


def test_counters_begin_at_0_and_count_by_labels():
    Counter("bifrost_looks_total", "Looks")
    sent = Counter("bifrost_sent_total", "Sent", "topic")
    sent.add("a")
    sent.add("a", by=2)
    sent.add("b", by=0)
    assert samples() == {
        ("bifrost_looks_total",): 0,
        ("bifrost_sent_total", "a"): 3,
        ("bifrost_sent_total", "b"): 0,
    }


def test_gauges_are_set_or_computed_at_the_scrape():
    lag = Gauge("bifrost_lag", "Lag", "alert")
    lag.replace({("ratings",): 3})
    stop = lag.compute(lambda: {("wifi",): 7})
    assert samples() == {("bifrost_lag", "ratings"): 3, ("bifrost_lag", "wifi"): 7}
    stop()
    stop()
    lag.replace({})
    assert samples() == {}


def test_a_gauge_that_cannot_be_computed_hides_no_other_figure(caplog):
    def fail():
        raise RuntimeError("the consumer is closed")

    Gauge("bifrost_lag", "Lag", "alert").compute(fail)
    Counter("bifrost_looks_total", "Looks").add()
    assert samples() == {("bifrost_looks_total",): 1}
    assert "cannot read bifrost_lag" in caplog.text


def test_durations_are_counted_by_upper_bound():
    looks = Histogram("bifrost_look_seconds", "Duration of looks")
    for seconds in (0.005, 0.3, 0.4, 99):
        looks.observe(seconds)
    found = samples()
    assert found["bifrost_look_seconds_bucket", "0.005"] == 1
    assert found["bifrost_look_seconds_bucket", "0.5"] == 3
    assert found["bifrost_look_seconds_bucket", "10.0"] == 3
    assert found["bifrost_look_seconds_bucket", "+Inf"] == found["bifrost_look_seconds_count",] == 4
    assert found["bifrost_look_seconds_sum",] == pytest.approx(99.705)


def test_two_families_have_two_names():
    Counter("bifrost_looks_total", "Looks")
    with pytest.raises(ValueError, match="bifrost_looks_total"):
        Gauge("bifrost_looks_total", "Looks")
