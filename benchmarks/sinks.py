"""Measures how fast the Elasticsearch and S3 sinks write a backlog, each alone and both together.

    python -m benchmarks.sinks --records 300000

The sinks are the declared ones of the ratings pipeline, on a separate topic with four partitions. A rate is measured
from the first written record to the last. The last line is the time from sending a rating until a search finds it.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable

from benchmarks.platform import percentile, wait_for
from benchmarks.sink_trial import ES_SINK, S3_SINK, SinkTrial, loadavg
from bifrost import settings as project_settings

PARTITIONS, FLUSH_SIZE = 4, 1000
LATENCY_RECORDS = 50
SHARES = {"median": 0.5, "p95": 0.95, "worst": 1.0}
GIVE_UP_S = 240.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=300_000)
    parser.add_argument("--tasks", default="1", help="tasks.max of the sinks")
    args = parser.parse_args()
    for sinks in ((ES_SINK,), (S3_SINK,), (ES_SINK, S3_SINK)):
        throughput(args.records - args.records % (PARTITIONS * FLUSH_SIZE), sinks, args.tasks)
    latency()


def throughput(records: int, sinks: tuple[str, ...], tasks: str) -> None:
    """Fill the topic, start the sinks, and measure how index and bucket grow."""
    with SinkTrial(project_settings.load(), partitions=PARTITIONS, flush_size=FLUSH_SIZE) as trial:
        trial.send(range(records))
        trial.flush()
        for sink in sinks:
            trial.sink(sink, tasks_max=tasks)
        numbers = {ES_SINK: trial.indexed, S3_SINK: lambda: trial.object_count() * FLUSH_SIZE}
        watches = {sink: Watch(numbers[sink], records) for sink in sinks}
        wait_for("all records at the far end", lambda: all([watch.look() for watch in watches.values()]), GIVE_UP_S)
        beside = " beside the other" if len(sinks) > 1 else ""
        for sink, watch in watches.items():
            print(f"{sink}{beside}: {watch.rate():,.0f} records/s, load {loadavg()}", flush=True)
        if ES_SINK in sinks:
            assert trial.documents() == records
        if S3_SINK in sinks:
            assert trial.objects() == trial.expected_objects(records)


def latency() -> None:
    """Send ratings one by one, and search each until it is found."""
    with SinkTrial(project_settings.load()) as trial:
        trial.sink(ES_SINK)
        took = []
        for number in range(LATENCY_RECORDS):
            time.sleep(random.uniform(0, 0.5))  # do not send in step with the refreshes of the index
            begun = time.monotonic()
            trial.send([number])
            trial.flush()
            wait_for("the document", lambda number=number: trial.finds(number), pause_s=0.01)  # type: ignore[misc]
            took.append(time.monotonic() - begun)
        percentiles = ", ".join(f"{name} {percentile(took, share):.2f} s" for name, share in SHARES.items())
        print(f"rating to searchable document: {percentiles}, load {loadavg()}")


class Watch:
    """Watches a number grow until it reaches its end."""

    def __init__(self, number: Callable[[], int], end: int) -> None:
        self._number = number
        self._end = end
        self._first: tuple[float, int] | None = None
        self._last: tuple[float, int] | None = None

    def look(self) -> bool:
        """Read the number; return whether it has reached its end."""
        if self._last is not None and self._last[1] >= self._end:
            return True  # later readings would lower the rate
        seen = (time.monotonic(), self._number())
        if seen[1] and self._first is None:
            self._first = seen
        self._last = seen
        return seen[1] >= self._end

    def rate(self) -> float:
        """The rate per second, from the first reading above zero to the first at the end."""
        assert self._first is not None and self._last is not None
        seconds = self._last[0] - self._first[0]
        return (self._last[1] - self._first[1]) / seconds if seconds else float(self._end)


if __name__ == "__main__":
    main()
