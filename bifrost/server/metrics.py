"""GET /metrics: the figures of the engine in the format of Prometheus."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import accumulate
from pathlib import Path

# This module takes long to import, so it is itself imported at the first request.
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from bifrost.engine.runtime.meters import COMMIT_BOUNDS_S, CommitTimes
from bifrost.engine.statements.figures import FAMILIES, Figure, FigureFamily, FigureKind

THREADS = "process_threads"
_STATUS = Path("/proc/self/task")


def exposition(figures: Iterable[Figure], accept: str) -> tuple[bytes, str]:
    """Returns the figures, and those of this process, with their media type; `accept` is the request's header."""
    registry = CollectorRegistry()
    registry.register(_Figures(tuple(figures)))
    ProcessCollector(registry=registry)
    encode, media_type = choose_encoder(accept)
    return encode(registry), media_type


class _Figures(Collector):
    """Made for each request, so a query that has ended leaves no series behind."""

    def __init__(self, figures: tuple[Figure, ...]) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        for family in FAMILIES:
            yield _metric(family, [figure for figure in self._figures if figure.family is family])
        if _STATUS.exists():
            yield GaugeMetricFamily(THREADS, "Threads of the process, those of the Kafka clients included", _threads())


def _metric(family: FigureFamily, figures: Iterable[Figure]) -> Metric:
    if family.kind is FigureKind.HISTOGRAM:
        histogram = HistogramMetricFamily(family.name, family.text, labels=family.labels)
        for figure in figures:
            assert isinstance(figure.value, CommitTimes)
            histogram.add_metric(figure.labels, _buckets(figure.value), figure.value.total_s)
        return histogram
    kind = CounterMetricFamily if family.kind is FigureKind.COUNTER else GaugeMetricFamily
    metric = kind(family.name, family.text, labels=family.labels)
    for figure in figures:
        assert isinstance(figure.value, int | float)
        metric.add_metric(figure.labels, figure.value)
    return metric


def _buckets(times: CommitTimes) -> list[tuple[str, float]]:
    bounds = [*map(str, COMMIT_BOUNDS_S), "+Inf"]
    return list(zip(bounds, accumulate(times.counts), strict=True))


def _threads() -> int:
    return len(os.listdir(_STATUS))
