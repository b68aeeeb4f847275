"""Measures syslog lines per second over TCP and UDP, from the first byte sent to the last record in the topic.

    python -m benchmarks.syslog_source --lines 300000 --rates 10000 20000 40000
    python -m benchmarks.syslog_source --pipeline      # with the queries and sinks that read the topic

The platform must run with the pipeline `syslog` (`up syslog`). Copies of its connectors write to a separate topic;
with `--pipeline`, the deployed connectors are used. TCP lines are sent as fast as they are accepted, UDP lines at each
of the rates for some seconds, to measure the loss. Prints lines per second, and the worker's CPU time per line.
"""

from __future__ import annotations

import argparse
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from benchmarks.platform import paced, pid_of, status, wait_for
from bifrost import settings

HOST = "127.0.0.1"
OWN_TOPIC = "syslog_benchmark"
SOURCES = ("syslog-source-tcp", "syslog-source-udp")
BATCH = 50
"""Datagrams sent between two pauses; a pause after each would take longer than sending it."""
QUIET_S = 5.0
"""Seconds without a record after which no more are expected."""
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Place:
    """Where lines are sent to, and the topic where they arrive."""

    port: int
    topic: str
    kafka: str
    worker: int


@dataclass(frozen=True, slots=True)
class Arrived:
    """The number of lines of a run that arrived in the topic, and the time of the last one."""

    count: int
    last_s: float


class Topic:
    """Counts the lines of one run in the topic, starting at its current end."""

    def __init__(self, source: Place, marker: bytes) -> None:
        self._marker = marker
        options = {"bootstrap.servers": source.kafka, "group.id": uuid.uuid4().hex, "isolation.level": "read_committed"}
        self._consumer = Consumer({**options, "enable.auto.commit": False})
        place = TopicPartition(source.topic, 0)
        place.offset = self._consumer.get_watermark_offsets(place, timeout=30)[1]
        self._consumer.assign([place])

    def count(self, wanted: int) -> Arrived:
        """Wait for this many lines, or until no more arrive."""
        found, last = 0, time.monotonic()
        while found < wanted and time.monotonic() - last < QUIET_S:
            messages = [message for message in self._consumer.consume(10_000, 0.2) if message.error() is None]
            new = sum(self._marker in (message.value() or b"") for message in messages)
            if new:
                found, last = found + new, time.monotonic()
        return Arrived(found, last)

    def close(self) -> None:
        """Close the consumer."""
        self._consumer.close()


def line(marker: bytes, number: int) -> bytes:
    """A line of typical length, 100 bytes."""
    text = b"<38>Mar 12 13:30:59 rpi-07 sshd[30105]: Connection closed by 185.55.218.153 %s %08d" % (marker, number)
    return text.ljust(99, b".")


def send_tcp(port: int, marker: bytes, count: int) -> None:
    """Send lines over one connection."""
    with socket.create_connection((HOST, port)) as connection:
        for begin in range(0, count, 1_000):
            end = min(begin + 1_000, count)
            connection.sendall(b"".join(line(marker, number) + b"\n" for number in range(begin, end)))


def send_udp(port: int, marker: bytes, rate: int, seconds: float) -> int:
    """Send at a steady rate; return the number of lines."""
    batches = int(rate * seconds / BATCH)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for batch in paced(rate / BATCH, batches):
            for number in range(BATCH):
                sender.sendto(line(marker, batch * BATCH + number), (HOST, port))
    return batches * BATCH


def cpu_s(pid: int) -> float:
    """CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def counting(source: Place) -> Iterator[tuple[Topic, bytes]]:
    """Count the lines of a run, which contain the marker."""
    marker = uuid.uuid4().hex[:8].encode()
    with closing(Topic(source, marker)) as topic:
        yield topic, marker


def measure_tcp(source: Place, lines: int, senders: int) -> None:
    """Print how fast lines over TCP arrive in the topic."""
    with counting(source) as (topic, marker):
        started, used = time.monotonic(), cpu_s(source.worker)
        arguments = (source.port, marker, lines // senders)
        threads = [threading.Thread(target=send_tcp, args=arguments) for _ in range(senders)]
        for thread in threads:
            thread.start()
        arrived = topic.count(lines // senders * senders)
        for thread in threads:
            thread.join()
        each_us = (cpu_s(source.worker) - used) / max(arrived.count, 1) * 1e6
        rate = arrived.count / (arrived.last_s - started)
        kept = f"{arrived.count} of {lines} lines"
        print(f"TCP  {senders} senders  {kept}  {rate:>8.0f}/s  worker {each_us:.0f} us per line", flush=True)


def measure_udp(source: Place, rate: int, seconds: float) -> None:
    """Print how many lines over UDP arrive at a rate."""
    with counting(source) as (topic, marker):
        started, used = time.monotonic(), cpu_s(source.worker)
        sent = send_udp(source.port, marker, rate, seconds)
        sent_s = time.monotonic() - started
        arrived = topic.count(sent)
        each_us = (cpu_s(source.worker) - used) / max(arrived.count, 1) * 1e6
        taken = arrived.count / (arrived.last_s - started)
        lost = f"{sent - arrived.count} of {sent} dropped"
        print(
            f"UDP  {sent / sent_s:>8.0f}/s sent  {lost}  {taken:>8.0f}/s  worker {each_us:.0f} us per line", flush=True
        )


@contextmanager
def copies(connect: str, source: Place) -> Iterator[None]:
    """Copies of the deployed connectors with other ports and another topic, removed after the block."""
    own = {"syslog.port": str(source.port), "kafka.topic": source.topic}
    own |= {"topic.creation.default.partitions": "1", "topic.creation.default.replication.factor": "1"}
    with ExitStack() as undo:
        undo.callback(lambda: AdminClient({"bootstrap.servers": source.kafka}).delete_topics([source.topic]))
        for name in SOURCES:
            deployed = requests.get(f"{connect}/connectors/{name}/config", timeout=30).json()
            url = f"{connect}/connectors/{name}-benchmark"
            config = {**deployed, **own, "name": f"{name}-benchmark"}
            requests.put(f"{url}/config", json=config, timeout=30).raise_for_status()
            undo.callback(requests.delete, url, timeout=30)
        yield


def warm_up(source: Place) -> None:
    """Send until the first lines arrive in the topic, then some more."""

    def listens() -> bool:
        try:
            send_tcp(source.port, b"warm", 20_000)
        except OSError:
            return False
        return True

    wait_for("a source that listens", listens)
    consumer = Consumer({"bootstrap.servers": source.kafka, "group.id": uuid.uuid4().hex})
    with closing(consumer):
        place = TopicPartition(source.topic, 0)
        wait_for("the first lines", lambda: source.topic in consumer.list_topics(timeout=30).topics)
        wait_for("all the first lines", lambda: consumer.get_watermark_offsets(place, timeout=30)[1] >= 20_000)


def main() -> None:
    """Run the measurements, after a warm-up that is not counted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=300_000, help="lines over TCP")
    parser.add_argument("--senders", type=int, nargs="*", default=[1, 4])
    parser.add_argument(
        "--rates", type=int, nargs="*", default=[10_000, 20_000, 40_000], help="lines per second over UDP"
    )
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument(
        "--pipeline", action="store_true", help="use the deployed connectors and everything that reads their topic"
    )
    args = parser.parse_args()
    endpoints, worker = status()["endpoints"], pid_of("connect")
    if worker is None:
        raise SystemExit("Kafka Connect does not run; scripts/deploy.py up syslog")
    print(f"load average {os.getloadavg()[0]:.1f}", flush=True)
    with ExitStack() as undo:
        if args.pipeline:
            source = Place(settings.load().port("syslog"), "syslog", endpoints["kafka"], worker)
        else:
            with socket.create_server((HOST, 0)) as free:
                source = Place(free.getsockname()[1], OWN_TOPIC, endpoints["kafka"], worker)
            undo.enter_context(copies(endpoints["connect"], source))
        warm_up(source)
        for senders in args.senders:
            measure_tcp(source, args.lines, senders)
        for rate in args.rates:
            measure_udp(source, rate, args.seconds)


if __name__ == "__main__":
    main()
