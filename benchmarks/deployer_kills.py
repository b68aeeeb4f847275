"""Kills `up` with -9 at random moments of a deployment; each time, the next run must converge and double nothing.

    python -m benchmarks.deployer_kills --kills 50 --seed 7
    python -m benchmarks.deployer_kills --kills 10 --faults 0.1

It starts a platform of its own. Every round deletes what the pipelines `ratings` and `patterns` declare, starts `up`,
kills it, and runs `up` again. Afterwards nothing may be left to do, and every topic must have exactly its writers. With
`--faults`, the requests to Connect, ksqlDB and the registry go through a proxy that fails with this probability.
"""

from __future__ import annotations

import argparse
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.fault_proxy import proxies
from benchmarks.own_platform import OwnPlatform, own_platform
from bifrost.clients import connect, kafka, ksqldb
from bifrost.clients.ksqldb import KsqlClient, quote_name
from bifrost.errors import BifrostError
from bifrost.settings import Settings

PIPELINES = ("ratings", "patterns")
UP = ("up", *PIPELINES, "--no-demo", "--yes")
MOST_RUNS = 8
KEPT = ("_", "bifrost-", "default_ksql", "asgard", "dbhistory")
"""How topics begin that stay: internal ones, and those of Debezium, whose offsets outlive the connector."""


@dataclass(frozen=True, slots=True)
class Round:
    """One kill: when, how many runs it took to converge after it, and what is wrong afterwards."""

    killed_after_s: float
    ended_before: bool
    runs: int
    problems: tuple[str, ...]


def main() -> int:
    """Run the rounds; exit code 1 if one did not converge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", type=float, default=0.0, metavar="PROBABILITY")
    args = parser.parse_args()
    chance, bad = random.Random(args.seed), 0
    with own_platform() as platform:
        platform.succeed("up", *PIPELINES, "--no-demo", "--ports", "auto")
        writers = writers_of(platform.settings)
        longest = time_of_up(platform)
        print(f"up takes {longest:.1f} s with everything to create", flush=True)
        for number in range(1, args.kills + 1):
            found = one_round(platform, chance.uniform(0, longest), writers, args.faults, args.seed + number)
            bad += bool(found.problems)
            moment = "after its end" if found.ended_before else f"after {found.killed_after_s:.1f} s"
            text = "; ".join(found.problems) or "converged"
            print(f"kill {number} {moment}: {found.runs} more run(s), {text}", flush=True)
    print(f"{args.kills - bad} of {args.kills} converged")
    return int(bad > 0)


def time_of_up(platform: OwnPlatform) -> float:
    """Seconds of `up` that creates everything on a platform that runs."""
    remove_all(platform.settings)
    began = time.monotonic()
    platform.succeed(*UP)
    return time.monotonic() - began


def one_round(platform: OwnPlatform, moment_s: float, writers: Counter[str], faults: float, seed: int) -> Round:
    """Delete everything, kill `up`, and run it until it succeeds."""
    remove_all(platform.settings)
    with behind_proxies(platform, faults, seed) as used:
        process = used.start(*UP)
        time.sleep(moment_s)
        ended_before = process.poll() is not None
        process.send_signal(signal.SIGKILL)
        process.communicate()
        runs, errors = 1, []
        while (done := used.run(*UP)).returncode and runs < MOST_RUNS:
            errors.append(done.stderr)
            runs += 1
    problems = [] if not done.returncode else [f"up failed {runs} times: {done.stderr[-300:]}"]
    if faults and done.returncode:
        problems = [] if not platform.run(*UP).returncode else problems
    left = [action["name"] for action in platform.plan(*PIPELINES)["actions"] if action["action"] != "keep"]
    problems += [f"still to do: {', '.join(left)}"] if left else []
    found = writers_of(platform.settings)
    problems += [f"{sink} has {found[sink]} writers" for sink in found if found[sink] != writers[sink]]
    return Round(moment_s, ended_before, runs, tuple(problems))


@contextmanager
def behind_proxies(platform: OwnPlatform, rate: float, seed: int) -> Iterator[OwnPlatform]:
    """The platform as seen through proxies that fail; itself without faults."""
    if not rate:
        yield platform
        return
    endpoints = platform.settings.endpoints
    urls = {
        "CONNECT_URL": endpoints.connect,
        "KSQLDB_URL": endpoints.ksqldb,
        "SCHEMA_REGISTRY_URL": endpoints.schema_registry,
        "ELASTICSEARCH_URL": endpoints.search,
    }
    with proxies(urls, seed=seed, rate=rate) as found:
        addresses = {name: proxy.address for name, proxy in found.items()}
        yield OwnPlatform({**platform.values, **addresses}, platform.project)


def writers_of(settings: Settings) -> Counter[str]:
    """How many queries write to each stream or table."""
    with ksqldb.from_settings(settings) as client:
        return Counter(sink for query in client.queries() for sink in query.sinks)


def remove_all(settings: Settings) -> None:
    """Delete every connector, query, stream and table, and the topics that the project declares or statements wrote."""
    with connect.from_settings(settings) as workers:
        for name in workers.names():
            workers.delete(name)
    with ksqldb.from_settings(settings) as client:
        for query in client.queries():
            client.execute(f"TERMINATE {query.id};")
        _drop_all(client)
    admin = kafka.admin(settings)
    for topic in admin.topics():
        if not topic.startswith(KEPT):
            admin.delete(topic)


def _drop_all(client: KsqlClient) -> None:
    """Drop every source, readers before what they read."""
    left = [*client.streams(), *client.tables()]
    while left:
        remaining = []
        for source in left:
            try:
                client.execute(f"DROP {source.type} IF EXISTS {quote_name(source.name)};")
            except BifrostError:
                remaining.append(source)
        if len(remaining) == len(left):
            raise RuntimeError(f"cannot drop {', '.join(source.name for source in left)}")
        left = remaining


if __name__ == "__main__":
    raise SystemExit(main())
