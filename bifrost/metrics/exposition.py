"""The figures of this process in the format of Prometheus, or of OpenMetrics."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

# This module takes long to import, so it is itself imported at the first request.
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from bifrost.metrics.families import Counter, Family, Gauge, Histogram, declared_families

_log = logging.getLogger("metrics")
_OWN_THREADS = Path("/proc/self/task")


def exposition(accept: str) -> tuple[bytes, str]:
    """Return what the program counts, and its CPU time, memory, files and threads, with their media type.

    Args:
        accept: the header of the request.
    """
    registry = CollectorRegistry()
    registry.register(DeclaredFamilies())
    ProcessCollector(registry=registry)
    encode, media_type = choose_encoder(accept)
    return encode(registry), media_type


class DeclaredFamilies(Collector):
    """The families that the program has declared, and its threads."""

    def __init__(self, *, with_threads: bool = True) -> None:
        self._with_threads = with_threads

    def collect(self) -> Iterator[Metric]:
        """Return them with their present numbers."""
        for family in declared_families():
            try:
                yield _metric(family)
            except Exception:  # noqa: BLE001 - the top of the computed numbers: the other figures are still served
                _log.exception("cannot read %s", family.header.name)
        if self._with_threads and _OWN_THREADS.exists():  # only Linux has it
            count = len(list(_OWN_THREADS.iterdir()))
            yield GaugeMetricFamily("process_threads", "Threads of the program, those of its clients included", count)


def _metric(family: Family) -> Metric:
    header = family.header
    match family:
        case Counter():
            counter = CounterMetricFamily(header.name, header.text, labels=header.labels)
            for labels, count in family.values().items():
                counter.add_metric(labels, count)
            return counter
        case Gauge():
            gauge = GaugeMetricFamily(header.name, header.text, labels=header.labels)
            for labels, number in family.values().items():
                gauge.add_metric(labels, number)
            return gauge
        case Histogram():
            histogram = HistogramMetricFamily(header.name, header.text, labels=header.labels)
            for labels, durations in family.values().items():
                histogram.add_metric(labels, durations.buckets, durations.total_s)
            return histogram
