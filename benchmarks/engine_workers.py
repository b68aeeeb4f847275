"""Compares servers with one worker and with several: rows per second, and pull queries by key.

    scripts/deploy.py up                          # or any platform with broker and schema registry
    python -m benchmarks.engine_workers --workers 1 2 --rows 1000000 --rounds 5

Each number of workers gets its own server on the platform's broker. They take turns in every round, so that other
load affects all of them. Prints medians as `benchmarks.throughput` does; the CPU time includes that of the workers.
Then it sends pull queries by key, as `benchmarks.engine_latency` does.
"""

from __future__ import annotations

import argparse
import uuid
from contextlib import ExitStack

from benchmarks.engine_latency import pull_latencies
from benchmarks.engine_server import EngineServer
from benchmarks.platform import percentile
from benchmarks.throughput.__main__ import measured, table
from benchmarks.throughput.contenders import QUERIES, Contender, Engine
from benchmarks.throughput.workload import PARTITIONS, Loader
from bifrost.settings import load

_CUSTOMERS = 1_000


def main() -> None:
    """Run both measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--queries", nargs="+", choices=QUERIES, default=list(QUERIES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pulls", type=float, default=20.0, help="seconds of pull queries, 200 per second")
    parser.add_argument("--ingest", type=float, default=2000, help="records per second meanwhile")
    args = parser.parse_args()
    settings, run = load(), uuid.uuid4().hex[:6]
    loader = Loader(settings)
    workload = loader.load(run, args.rows, _CUSTOMERS)
    with ExitStack() as servers:
        engines = {count: servers.enter_context(EngineServer(settings, count)) for count in args.workers}
        print(f"{args.rows:,} ratings, {PARTITIONS} partitions", flush=True)
        # The most workers first: they are what the others are compared with.
        contenders: dict[str, Contender] = {
            _name(count): Engine(settings, engines[count]).run for count in sorted(engines, reverse=True)
        }
        first, *others = contenders
        results = measured(settings, contenders, workload, args.queries, args.rounds)
        table(results, list(contenders), [(first, other) for other in others])
        loader.drop(workload)
        few = loader.load(f"{run}-few", _CUSTOMERS, _CUSTOMERS)
        for count, server in engines.items():
            values = pull_latencies(server.settings, loader, few, 200, args.pulls, args.ingest)
            p50, p99 = percentile(values, 0.5), percentile(values, 0.99)
            print(f"pull by key, {_name(count)}: p50 {p50:.2f} ms, p99 {p99:.2f} ms", flush=True)
        loader.drop(few)


def _name(workers: int) -> str:
    return f"{workers} worker{'s' if workers > 1 else ''}"


if __name__ == "__main__":
    main()
