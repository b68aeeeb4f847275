"""Compares rows per second of the engine, Kafka Streams and quix-streams, on the running platform's broker.

    scripts/deploy.py up                          # or any platform with broker and schema registry
    python -m benchmarks.throughput               # 300k ratings, 1k and 1M customers, three rounds
    python -m benchmarks.throughput --rows 1000000 --customers 1000 --queries join rejoin --rounds 5 --parallel 1 2

Each contender runs as often as `--parallel` has numbers: the engine as its own server with so many worker
processes (`KSQL_WORKERS`), Kafka Streams with so many threads. Ratios compare equal numbers. Queries: `join` (a table),
`rejoin` (the same behind a repartition), `filter`, `count` (tumbling window), `rekey` (PARTITION BY).

The contenders take turns in every round, so that other load affects all of them. The median round is printed as input
rows per second of wall clock and, in brackets, per CPU second of all processes of the program, from the first to the
last output record. A JVM compiles its code while it runs: Kafka Streams reaches full speed only with a million rows and
an idle machine. Needs `mvn` and a JDK for Kafka Streams (`--without kafka-streams` skips it). The requirements of
quix-streams conflict with the engine's, so it gets its own Python environment.
"""

from __future__ import annotations

import argparse
import tempfile
import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks.engine_server import EngineServer
from benchmarks.throughput.contenders import QUERIES, Contender, Engine, kafka_streams, quix_streams
from benchmarks.throughput.measure import OutputWatch, Rate
from benchmarks.throughput.workload import PARTITIONS, Loader, Workload, write_schemas
from bifrost.clients.kafka import KafkaAdmin, TopicDescription
from bifrost.settings import Settings, load

ENGINE, STREAMS, QUIX = "engine", "kafka-streams", "quix-streams"
Results = dict[tuple[str, str], list[Rate]]
"""Rates of all rounds by (query, contender)."""


def main() -> None:
    """Run the measurement and print the table."""
    args = _arguments()
    settings = load()
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
        write_schemas(folder)
        contenders = _contenders(settings, folder, args, running)
        for customers in args.customers:
            run, loader = uuid.uuid4().hex[:6], Loader(settings)
            workload = loader.load(run, args.rows, customers)
            queries = [query for query in args.queries if "join" in query or customers == args.customers[0]]
            print(f"\n{args.rows:,} ratings, {PARTITIONS} partitions, {customers:,} customers", flush=True)
            table(measured(settings, contenders, workload, queries, args.rounds), list(contenders), _pairs(contenders))
            loader.drop(workload)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--customers", type=int, nargs="+", default=[1_000, 1_000_000])
    parser.add_argument("--queries", nargs="+", choices=QUERIES, default=list(QUERIES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--parallel", type=int, nargs="+", default=[1], help="workers, and threads of Kafka Streams")
    parser.add_argument("--without", nargs="*", default=[], choices=["kafka-streams", "quix-streams"])
    return parser.parse_args()


def _contenders(settings: Settings, folder: Path, args: argparse.Namespace, running: ExitStack) -> dict[str, Contender]:
    servers = settings.endpoints.kafka
    contenders: dict[str, Contender] = {}
    for number in args.parallel:
        server = running.enter_context(EngineServer(settings, number))
        contenders[f"{ENGINE}-{number}"] = Engine(settings, server).run
        if STREAMS not in args.without:
            contenders[f"{STREAMS}-{number}"] = kafka_streams(settings, servers, folder, number).run
    if QUIX not in args.without:
        contenders[QUIX] = quix_streams(settings, servers, folder).run
    return contenders


def measured(
    settings: Settings, contenders: dict[str, Contender], workload: Workload, queries: list[str], rounds: int
) -> Results:
    """The rates of all rounds of all queries."""
    watch, admin = OutputWatch(settings.kafka_client()), KafkaAdmin(settings.kafka_client())
    results: Results = defaultdict(list)
    for number in range(rounds):
        for query in queries:
            for name, run in contenders.items():
                if name == QUIX and query == "rejoin":
                    continue  # it has no such query
                topic = f"bench-{uuid.uuid4().hex[:8]}"
                admin.create(TopicDescription(topic, PARTITIONS, 1))
                with run(query, workload, topic) as pid:
                    rate = watch.measure(topic, workload.count, workload.expected(query), pid)
                results[query, name].append(rate)
                admin.delete(topic)
                print(f"  round {number + 1} {query:6} {name:16} {rate.wall:9,.0f}/s ({rate.cpu:9,.0f})", flush=True)
    return results


def _pairs(contenders: Collection[str]) -> list[tuple[str, str]]:
    engines = [name for name in contenders if name.startswith(ENGINE)]
    pairs = [(name, name.replace(ENGINE, STREAMS)) for name in engines] + [(engines[0], QUIX)]
    return [(engine, peer) for engine, peer in pairs if peer in contenders]


def table(results: Results, contenders: Sequence[str], pairs: Sequence[tuple[str, str]]) -> None:
    """Print one line per query: medians, and the median ratio in the rounds of each of the `pairs`."""
    heads = "".join(f"{name:>24}" for name in contenders) + "".join(f"{f'{a}/{b}':>26}" for a, b in pairs)
    print(f"{'query':8}{heads}")
    for query in dict.fromkeys(query for query, _ in results):
        figures = "".join(f"{_figure(results[query, name]):>24}" for name in contenders)
        ratios = "".join(f"{_ratio(results[query, engine], results[query, peer]):>26}" for engine, peer in pairs)
        print(f"{query:8}{figures}{ratios}", flush=True)


def _figure(rates: list[Rate]) -> str:
    if not rates:
        return "-"
    return f"{median(rate.wall for rate in rates):,.0f} ({median(rate.cpu for rate in rates):,.0f})"


def _ratio(engine: list[Rate], peer: list[Rate]) -> str:
    if not peer:
        return "-"
    pairs = list(zip(engine, peer, strict=True))
    return f"{median(a.wall / b.wall for a, b in pairs):.2f} ({median(a.cpu / b.cpu for a, b in pairs):.2f})"


if __name__ == "__main__":
    main()
