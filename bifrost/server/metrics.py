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
from bifrost.metrics.exposition import DeclaredFamilies

_PROCESSES = Path("/proc")
_CPU_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def exposition(figures: Iterable[Figure], accept: str) -> tuple[bytes, str]:
    """Returns the figures, and those of this process, with their media type; `accept` is the request's header."""
    registry = CollectorRegistry()
    registry.register(_Figures(tuple(figures)))
    registry.register(DeclaredFamilies(with_threads=False))
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
        yield from _process_metrics()


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


def _process_metrics() -> Iterator[Metric]:
    """Returns what `ProcessCollector` leaves out: threads, and the sums of the worker processes."""
    own = _PROCESSES / "self" / "task"
    if not own.exists():  # only Linux has it
        return
    yield GaugeMetricFamily(
        "process_threads", "Threads of the server, those of its Kafka clients included", len(list(own.iterdir()))
    )
    children = {pid for thread in own.iterdir() for pid in _words(thread / "children")}
    # Fields as in proc(5), without the process's number and name; a worker that has just ended has none.
    workers = [fields for pid in children if (fields := _fields(_PROCESSES / pid / "stat")) and fields[0] != "Z"]
    cpu = sum(int(fields[11]) + int(fields[12]) for fields in workers) / _CPU_TICKS
    memory = sum(int(fields[21]) for fields in workers) * _PAGE_BYTES
    yield GaugeMetricFamily("ksqldb_worker_processes", "Worker processes that are running", len(workers))
    yield CounterMetricFamily("ksqldb_workers_cpu_seconds", "CPU time of the worker processes", value=cpu)
    yield GaugeMetricFamily("ksqldb_workers_resident_memory_bytes", "Memory of the worker processes", memory)
    threads = sum(int(fields[17]) for fields in workers)
    yield GaugeMetricFamily("ksqldb_workers_threads", "Threads of the worker processes", threads)


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []  # the thread or process has ended


def _fields(path: Path) -> list[str]:
    words = " ".join(_words(path))
    return words.rpartition(")")[2].split()
