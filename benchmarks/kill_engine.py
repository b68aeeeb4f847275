"""Kills a part of the engine with -9 under load; compares its results with those of an undisturbed run.

    scripts/deploy.py up ratings
    python -m benchmarks.kill_engine server worker broker --rounds 20 --rate 2000 --workers 2
    python -m benchmarks.kill_engine server --guarantee at_least_once
    python -m benchmarks.kill_engine pause --rounds 5

Its own server runs a filter, a join with a table and a windowed count. Ratings arrive at `rate` per second, and at
a random moment the program kills the server (and starts it again), one of its worker processes, or the platform's
broker; `pause` stops the broker for 3 to 15 s, so that commits in progress time out. Then a second server reads the
same ratings from the beginning, undisturbed. Under exactly-once, the topics of both must hold the same records in the
same order, by partition: key, value and time. Under at-least-once, no record may be missing. Exit code 1 means that a
round failed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import signal
import sys
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError, TopicPartition

from benchmarks.engine_latency import CUSTOMERS, send
from benchmarks.engine_server import EngineServer
from benchmarks.platform import pid_of, wait_for
from benchmarks.throughput.workload import PARTITIONS, Loader, Workload
from bifrost.clients.kafka import TopicDescription
from bifrost.settings import Settings, load

PARTS = ("server", "worker", "broker", "pause")
EXACTLY_ONCE = "exactly_once_v2"
_DEADLINE_S, _SETTLE_S, _READ_S = 180.0, 3.0, 30.0
_PAUSE_S = (3.0, 15.0)
_FIRST_RATINGS = 200  # enough for results in every partition
_STATEMENTS = """
CREATE STREAM R (K INT KEY) WITH (KAFKA_TOPIC='{ratings}', VALUE_FORMAT='AVRO');
CREATE TABLE C (ID INT PRIMARY KEY) WITH (KAFKA_TOPIC='{customers}', VALUE_FORMAT='AVRO');
CREATE STREAM F WITH (KAFKA_TOPIC='{topic}-filter') AS SELECT * FROM R WHERE STARS < 4;
CREATE STREAM J WITH (KAFKA_TOPIC='{topic}-join') AS SELECT R.K AS K, RATING_ID, STARS, EMAIL FROM R
    LEFT JOIN C ON R.K = C.ID;
CREATE TABLE N WITH (KAFKA_TOPIC='{topic}-count') AS SELECT K, COUNT(*) AS N, SUM(RATING_ID) AS S FROM R
    WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY K EMIT CHANGES;
"""
OUTPUTS = ("filter", "join", "count")

Records = Mapping[int, list[tuple[bytes | None, bytes | None, int]]]
"""Key, value and time (epoch ms) of the records of a topic, by partition."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one round found, over all outputs.

    `same` says that the records and their order are equal, `recovered_s` is how long after the last rating the killed
    run had all results.
    """

    records: int
    lost: int
    repeated: int
    same: bool
    recovered_s: float

    def is_good(self, guarantee: str) -> bool:
        """Whether the round kept the guarantee."""
        return self.same if guarantee == EXACTLY_ONCE else self.lost == 0


def main() -> int:
    """Run the rounds and print one line per round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", choices=PARTS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rate", type=float, default=2000)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--guarantee", default=EXACTLY_ONCE, choices=[EXACTLY_ONCE, "at_least_once"])
    args = parser.parse_args()
    if "worker" in args.parts and args.workers < 2:
        parser.error("with one worker the server runs the queries itself: to kill a worker, say --workers 2")
    settings, failed = load(), 0
    for part in args.parts:
        for number in range(1, args.rounds + 1):
            outcome = one_round(settings, part, args)
            failed += not outcome.is_good(args.guarantee)
            print(f"{part} round {number}: {outcome}", flush=True)
    print(f"{failed} rounds failed" if failed else f"every round kept {args.guarantee}")
    return 1 if failed else 0


def one_round(settings: Settings, part: str, args: argparse.Namespace) -> Outcome:
    """Kill a part while ratings arrive, and compare with an undisturbed run."""
    loader, run = Loader(settings), uuid.uuid4().hex[:6]
    workload = loader.load(run, _FIRST_RATINGS, CUSTOMERS)
    first = {"filter": workload.low_ratings, "join": _FIRST_RATINGS, "count": _FIRST_RATINGS}
    killed, calm = f"bench-{run}-killed", f"bench-{run}-calm"
    try:
        with EngineServer(settings, args.workers) as server:
            _deploy(loader, server, workload, killed, args.guarantee)
            # To kill a part that has not done anything yet would say nothing.
            _await(settings, killed, first)
            sender = multiprocessing.Process(target=send, args=(settings, workload.ratings, args.rate, args.seconds))
            sender.start()
            with ThreadPoolExecutor(1) as killers:
                killed_part = killers.submit(_kill_later, random.uniform(0.2, 0.8) * args.seconds, part, server)
                sender.join()
            killed_part.result()  # a round without a kill says nothing
            if sender.exitcode:
                raise RuntimeError("not all ratings were sent: nothing can be said of the engine")
            ended = time.monotonic()
            sent = int(args.rate * args.seconds)
            wanted = {output: sent + count for output, count in first.items()}
            _await(settings, killed, wanted)
            recovered = time.monotonic() - ended
            with EngineServer(settings, args.workers) as other:
                _deploy(loader, other, workload, calm, args.guarantee)
                _await(settings, calm, wanted)
                expected = {output: read(settings, f"{calm}-{output}") for output in OUTPUTS}
            time.sleep(_SETTLE_S)
            found = {output: read(settings, f"{killed}-{output}") for output in OUTPUTS}
    finally:
        for topic in (f"{name}-{output}" for name in (killed, calm) for output in OUTPUTS):
            loader.admin.delete(topic)
        loader.drop(workload)
    return compared(expected, found, recovered)


def _deploy(loader: Loader, server: EngineServer, workload: Workload, topic: str, guarantee: str) -> None:
    for output in OUTPUTS:
        loader.admin.create(TopicDescription(f"{topic}-{output}", PARTITIONS, 1))
    text = _STATEMENTS.format(ratings=workload.ratings, customers=workload.customers, topic=topic)
    server.client.execute(text, properties={"auto.offset.reset": "earliest", "processing.guarantee": guarantee})


def _kill_later(delay_s: float, part: str, server: EngineServer) -> None:
    time.sleep(delay_s)
    _kill(part, server)


def _kill(part: str, server: EngineServer) -> None:
    match part:
        case "server":
            server.restart_after_kill()
        case "worker":
            server.kill_worker()
        case "broker":
            os.kill(_broker(), signal.SIGKILL)
        case _:
            broker = _broker()
            os.kill(broker, signal.SIGSTOP)
            try:
                time.sleep(random.uniform(*_PAUSE_S))
            finally:
                os.kill(broker, signal.SIGCONT)


def _broker() -> int:
    pid = pid_of("broker")
    if pid is None:
        raise RuntimeError("the platform's broker is not running")
    return pid


def _await(settings: Settings, topic: str, wanted: Mapping[str, int]) -> None:
    """Waits until each output has as many records as the ratings lead to."""
    for output, count in wanted.items():
        what = f"{count} records in {topic}-{output}"

        def is_complete(output: str = output, count: int = count) -> bool:
            try:
                return _count(read(settings, f"{topic}-{output}")) >= count
            except TimeoutError:
                return False  # a killed broker takes longer to start on a busy machine

        wait_for(what, is_complete, _DEADLINE_S, pause_s=1.0)


def _count(records: Records) -> int:
    return sum(map(len, records.values()))


def read(settings: Settings, topic: str) -> Records:
    """The committed records of a topic.

    Raises:
        TimeoutError: the broker does not answer.
    """
    config = {"group.id": topic, "enable.auto.commit": False, "enable.partition.eof": True}
    reader = Consumer({**settings.kafka_client(), **config, "isolation.level": "read_committed"})
    reader.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
    found: dict[int, list[tuple[bytes | None, bytes | None, int]]] = {number: [] for number in range(PARTITIONS)}
    ended: set[int] = set()
    deadline = time.monotonic() + _READ_S
    try:
        while len(ended) < PARTITIONS:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{topic}: not read within {_READ_S:.0f} s")
            for message in reader.consume(10_000, 0.2):
                error, partition = message.error(), message.partition() or 0
                if error is None:
                    found[partition].append((message.key(), message.value(), message.timestamp()[1]))
                elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the client has no public name for it
                    ended.add(partition)
    finally:
        reader.close()
    return found


def compared(expected: Mapping[str, Records], found: Mapping[str, Records], recovered_s: float) -> Outcome:
    """Count what is lost and repeated. A later count of the same window stands for the one that is expected."""
    lost = repeated = 0
    for output in OUTPUTS:
        for partition, records in expected[output].items():
            left, right = _comparable(output, records), _comparable(output, found[output][partition])
            lost += (left - right).total()
            repeated += len(found[output][partition]) - len(records) + (left - right).total()
    same = all(expected[output] == found[output] for output in OUTPUTS)
    return Outcome(sum(map(_count, expected.values())), lost, repeated, same, recovered_s)


def _comparable(output: str, records: list[tuple[bytes | None, bytes | None, int]]) -> Counter[object]:
    # Under at-least-once, a count may be higher than it should be: only whether its window has a result is comparable.
    return Counter({key for key, _, _ in records}) if output == "count" else Counter(set(records))


if __name__ == "__main__":
    sys.exit(main())
