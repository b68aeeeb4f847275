"""Measures what 1, 10 and 100 queries over one topic cost: CPU, memory and threads, busy and idle.

    scripts/deploy.py up ratings             # or any platform with broker and schema registry
    python -m benchmarks.many_queries --queries 1 10 100 --rows 200000

Each number of filters runs on its own server. Their filters select one rating in ten thousand, so reading and
decoding is what they cost. All of them run before the ratings are sent. Figures are CPU seconds per million ratings of
all the server's processes; then, without load, the share of a core.
"""

from __future__ import annotations

import argparse
import time
import uuid

from benchmarks.engine_server import EngineServer, cpu_seconds, memory_mb, thread_count
from benchmarks.platform import wait_for
from benchmarks.throughput.workload import Loader
from bifrost.settings import Settings, load

_IDLE_S, _SETTLE_S, _DEADLINE_S = 10.0, 5.0, 600.0
_CONSUMED = "ksqldb_query_consumed_records_total"
_STATE = "ksqldb_query_state"
_STREAM = "CREATE STREAM R (K INT KEY) WITH (KAFKA_TOPIC='{topic}', VALUE_FORMAT='AVRO');"
_FILTER = "CREATE STREAM F{number} WITH (KAFKA_TOPIC='{topic}-{number}') AS SELECT * FROM R WHERE ROUTE_ID = {number};"


def main() -> None:
    """Run the measurement and print one line per number of queries."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args()
    settings = load()
    for count in args.queries:
        with EngineServer(settings, args.workers) as server:
            print(measured(settings, server, count, args.rows), flush=True)


def measured(settings: Settings, server: EngineServer, count: int, rows: int) -> str:
    """Runs filters over a new topic, fills it, and returns a line of figures."""
    loader, topic = Loader(settings), f"bench-{uuid.uuid4().hex[:8]}"
    loader.create(topic, "rating")
    server.client.execute(_STREAM.format(topic=topic))
    for number in range(count):
        server.client.execute(_FILTER.format(number=number, topic=topic))
    wait_for(f"{count} queries", lambda: _running(server) >= count, _DEADLINE_S)
    time.sleep(_SETTLE_S)
    idle_from = cpu_seconds(server.pid)
    time.sleep(_IDLE_S)
    idle = (cpu_seconds(server.pid) - idle_from) / _IDLE_S
    threads = thread_count(server.pid)
    started, began = cpu_seconds(server.pid), time.monotonic()
    loader.add_ratings(topic, rows, customers=1000)
    wait_for("all ratings", lambda: _consumed(server) >= rows * count, _DEADLINE_S)
    seconds, cpu = time.monotonic() - began, cpu_seconds(server.pid) - started
    memory = memory_mb(server.pid)
    server.client.execute("TERMINATE ALL;")
    for name in (topic, *(f"{topic}-{number}" for number in range(count))):
        loader.admin.delete(name)
    return (
        f"{count:4} queries: {cpu * 1e6 / rows:7.1f} CPU s per million ratings ({rows / seconds:,.0f} ratings/s with "
        f"their sending), {memory:.0f} MB, {threads} threads; idle {idle:.1%} of a core"
    )


def _running(server: EngineServer) -> int:
    return sum(value == 1 for labels, value in server.metric(_STATE).items() if 'state="RUNNING"' in labels)


def _consumed(server: EngineServer) -> float:
    return sum(server.metric(_CONSUMED).values())


if __name__ == "__main__":
    main()
