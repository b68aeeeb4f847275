"""Measures the engine's latency: from a record to its result, and of pull queries under load.

    python -m benchmarks.engine_latency --rate 200 --seconds 20 --ingest 2000

First it sends ratings at `rate` per second through a CREATE STREAM AS SELECT, and measures the time from sending until
a consumer has the result; for comparison, the time until a consumer of the input topic has the same ratings, without
the engine. Then it sends pull queries by key at `rate` per second over one connection, to a table of counts that
processes `ingest` ratings per second meanwhile. Prints p50 and p99 in ms.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from confluent_kafka import Consumer, TopicPartition

from benchmarks.platform import paced, percentile, wait_for
from benchmarks.throughput.contenders import Engine
from benchmarks.throughput.workload import PARTITIONS, SCHEMAS, Loader, Workload, encoder
from bifrost.clients.kafka import TopicDescription, producer
from bifrost.clients.schema_registry import from_settings
from bifrost.settings import Settings, load

CUSTOMERS, WARM_UP_S, RESULT = 1_000, 2.0, "result"
_FLUSH_S = 150.0
_PULL = "SELECT * FROM {name} WHERE K = {key};"


def main() -> None:
    """Run both measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--ingest", type=float, default=2000)
    args = parser.parse_args()
    settings = load()
    loader = Loader(settings)
    workload = loader.load(uuid.uuid4().hex[:6], CUSTOMERS, CUSTOMERS)
    try:
        found = result_latencies(settings, loader, workload, args.rate, args.seconds)
        _print("record to consumer, without the engine", found[workload.ratings])
        _print("record to result, through the engine", found[RESULT])
        pulls = pull_latencies(settings, loader, workload, args.rate, args.seconds, args.ingest)
        _print(f"pull query by key, {args.rate:g}/s, while {args.ingest:g} records/s come in", pulls)
    finally:
        loader.drop(workload)


def result_latencies(
    settings: Settings, loader: Loader, workload: Workload, rate: float, seconds: float
) -> dict[str, list[float]]:
    """Milliseconds from sending a rating to its arrival at consumers of its topic and of a CREATE STREAM AS SELECT."""
    values: dict[str, list[float]] = {workload.ratings: [], RESULT: []}
    with _query(settings, loader, "rekey", workload) as (topic, _):
        reader = Consumer({**settings.kafka_client(), "group.id": topic, "enable.auto.commit": False})
        places = [(name, number) for name in (topic, workload.ratings) for number in range(PARTITIONS)]
        reader.assign([TopicPartition(*place, 0) for place in places])
        wait_for("what was there", lambda: _drained(reader, 2 * workload.count))
        sender = multiprocessing.Process(target=send, args=(settings, workload.ratings, rate, seconds + WARM_UP_S))
        sender.start()
        warm = time.time() + WARM_UP_S
        while sender.is_alive():
            message = reader.poll(0.2)
            if message is not None and message.error() is None and time.time() > warm:
                kind = workload.ratings if message.topic() == workload.ratings else RESULT
                values[kind].append(time.time() * 1000 - message.timestamp()[1])
        sender.join()
        reader.close()
    return values


def pull_latencies(
    settings: Settings, loader: Loader, workload: Workload, rate: float, seconds: float, ingest: float
) -> list[float]:
    """Milliseconds of pull queries by key over one connection."""
    values: list[float] = []
    address = urlsplit(settings.endpoints.ksqldb)
    with _query(settings, loader, "count", workload) as (_, name):
        sender = multiprocessing.Process(target=send, args=(settings, workload.ratings, ingest, seconds + WARM_UP_S))
        sender.start()
        time.sleep(WARM_UP_S)
        connection = http.client.HTTPConnection(address.hostname or "", address.port or 80)
        for number in paced(rate, int(rate * seconds)):
            started = time.perf_counter()
            body = json.dumps({"sql": _PULL.format(name=name, key=number % CUSTOMERS)})
            connection.request("POST", "/query-stream", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            rows = answer.read()
            if answer.status != http.client.OK:
                raise RuntimeError(rows.decode())
            values.append((time.perf_counter() - started) * 1000)
        sender.join()
    return values


def send(settings: Settings, topic: str, rate: float, seconds: float) -> None:
    """Send ratings with the current time at a rate; runs in a separate process, which waits for a broker that restarts.

    Raises:
        RuntimeError: the broker did not take all of them in time.
    """
    with from_settings(settings) as registry:
        encode = encoder("rating", registry.register(f"{topic}-value", json.dumps(SCHEMAS["rating"])))
    writer = producer(settings.kafka_client(), linger_ms=0)
    for number in paced(rate, int(rate * seconds)):
        row = {"RATING_ID": number, "USER_ID": number % CUSTOMERS, "STARS": 3, "ROUTE_ID": 1, "RATING_TIME": number}
        value = encode(row | {"CHANNEL": "web", "MESSAGE": "latency"})
        writer.produce(topic, value, (number % CUSTOMERS).to_bytes(4, "big"), timestamp=int(time.time() * 1000))
        writer.poll(0)
    if left := writer.flush(_FLUSH_S):
        raise RuntimeError(f"{topic}: {left} ratings were not sent within {_FLUSH_S:.0f} s")


@contextmanager
def _query(settings: Settings, loader: Loader, query: str, workload: Workload) -> Iterator[tuple[str, str]]:
    topic = f"bench-{uuid.uuid4().hex[:8]}"
    loader.admin.create(TopicDescription(topic, PARTITIONS, 1))
    with Engine(settings).query(query, workload, topic) as name:
        yield topic, name
    loader.admin.delete(topic)


def _drained(reader: Consumer, count: int) -> bool:
    reader.consume(count, 0.2)
    return sum(max(place.offset, 0) for place in reader.position(reader.assignment())) >= count


def _print(what: str, values: list[float]) -> None:
    print(f"{what}: {len(values)}, p50 {percentile(values, 0.5):.1f} ms, p99 {percentile(values, 0.99):.1f} ms")


if __name__ == "__main__":
    main()
