"""Compares servers with one worker and with several: rows per second, and pull queries by key.

    scripts/deploy.py up                          # or any platform with broker and schema registry
    python -m benchmarks.engine_workers --workers 1 2 --rows 1000000 --rounds 5

Each number of workers gets a server of its own on the platform's broker. They take turns in every round, so that other
load affects all of them. Prints medians as `benchmarks.throughput` does; the CPU time includes that of the workers.
Then it sends pull queries by key, as `benchmarks.engine_latency` does.
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.engine_latency import pull_latencies
from benchmarks.platform import percentile, wait_for
from benchmarks.throughput.__main__ import measured, table
from benchmarks.throughput.contenders import QUERIES, Engine
from benchmarks.throughput.workload import PARTITIONS, Loader
from bifrost.clients import ksqldb
from bifrost.errors import RemoteError
from bifrost.settings import LOOPBACK, PROJECT, Settings, load

_CUSTOMERS = 1_000


class ServerEngine(Engine):
    """The engine of a server that this program has started."""

    def __init__(self, settings: Settings, process: subprocess.Popen[bytes]) -> None:
        super().__init__(settings)
        self._process = process

    def pid(self) -> int:
        """The server's process."""
        return self._process.pid


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
        engines = {count: servers.enter_context(server(settings, count, run)) for count in args.workers}
        print(f"{args.rows:,} ratings, {PARTITIONS} partitions", flush=True)
        # The most workers first: they are what the others are compared with.
        contenders = {_name(count): engines[count][1].run for count in sorted(engines, reverse=True)}
        table(measured(settings, contenders, workload, args.queries, args.rounds), list(contenders))
        loader.drop(workload)
        few = loader.load(f"{run}-few", _CUSTOMERS, _CUSTOMERS)
        for count, (found, _) in engines.items():
            values = pull_latencies(found, loader, few, 200, args.pulls, args.ingest)
            p50, p99 = percentile(values, 0.5), percentile(values, 0.99)
            print(f"pull by key, {_name(count)}: p50 {p50:.2f} ms, p99 {p99:.2f} ms", flush=True)
        loader.drop(few)


def _name(workers: int) -> str:
    return f"{workers} worker{'s' if workers > 1 else ''}"


@contextmanager
def server(settings: Settings, workers: int, run: str) -> Iterator[tuple[Settings, ServerEngine]]:
    """A server with this number of workers, and the settings of its clients; it ends with the context."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]
    ends = settings.endpoints
    ours = settings.with_values(
        KAFKA_BOOTSTRAP_SERVERS=ends.kafka,
        SCHEMA_REGISTRY_URL=ends.schema_registry,
        KSQLDB_URL=f"http://{LOOPBACK}:{port}",
        BIFROST_PORT_KSQLDB=str(port),
        KSQL_SERVICE_ID=f"bench_{run}_{workers}_",
        KSQL_WORKERS=str(workers),
    )
    with tempfile.TemporaryDirectory() as home, (Path(home) / "server.log").open("w") as log:
        values = {**ours.values, "BIFROST_HOME": home}
        command = (sys.executable, "-m", "bifrost.server")
        process = subprocess.Popen(command, env=values, cwd=PROJECT, stdout=log, stderr=log)
        try:
            wait_for("the server", lambda: _answers(ours))
            yield ours, ServerEngine(ours, process)
        finally:
            process.terminate()
            process.wait()


def _answers(settings: Settings) -> bool:
    try:
        return bool(ksqldb.from_settings(settings).execute("SHOW QUERIES;"))
    except RemoteError:
        return False


if __name__ == "__main__":
    main()
