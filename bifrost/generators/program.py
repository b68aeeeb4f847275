"""The shared program of the generators: options, signals, logging, exit codes, and waiting for dependencies."""

from __future__ import annotations

import argparse
import logging
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from bifrost import settings
from bifrost.clients import avro, kafka, schema_registry
from bifrost.clients.readiness import require_topics, wait_until_ready
from bifrost.errors import EX_CONFIG, BifrostError, NotReady, SettingError
from bifrost.generators.sending import DemoRecord, Sender
from bifrost.metrics.endpoint import serve_metrics
from bifrost.program_log import set_up_logging
from bifrost.settings import Settings

Wait = Callable[[float], bool]
"""Waits this many seconds and returns whether to stop."""

log = logging.getLogger("generator")


@dataclass(frozen=True, slots=True)
class Workload:
    """What to generate: `rate` per second, `count` in total (0: no limit), reproducible with a `seed`."""

    rate: float
    count: int = 0
    seed: int | None = None

    @property
    def first_id(self) -> int:
        """The first id: 1 with a seed, otherwise one that no earlier run has used."""
        # Up to 1000 ids per second, a run stays below the ids of every later run.
        return int(time.time()) * 1000 if self.seed is None else 1


@dataclass(frozen=True, slots=True)
class Program:
    """A generator as a program: `what` it generates (a word for help and log), and its default rate per second."""

    name: str
    what: str
    about: str
    rate: float


@dataclass(frozen=True, slots=True)
class Generator(Program):
    """A generator of records for Kafka.

    `records` returns an endless iterator. While a dependency is missing, the call itself (not the first `next`) raises
    `NotReady`, and is repeated.
    """

    records: Callable[[Workload, Settings], Iterator[DemoRecord]]


def main(generator: Generator, arguments: Sequence[str] | None = None, values: Settings | None = None) -> int:
    """Generate until done, SIGTERM or SIGINT; return 1 on failure, 78 for a wrong setting.

    Args:
        values: settings to use instead of the environment's.
    """
    workload = parse_workload(generator, arguments)
    return run(lambda values, wait: _send(generator, workload, values, wait), values)


def run(work: Callable[[Settings, Wait], object], values: Settings | None = None) -> int:
    """Run the work of a program until it is done or stopped; return its exit code, as `main` does."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    try:
        values = values or settings.load()
        set_up_logging("generator", values)
        serve_metrics(values)
        work(values, stop.wait)
    except BifrostError as error:
        log.error("stopped: %s", error)
        return EX_CONFIG if isinstance(error, SettingError) else 1
    except OSError as error:  # a folder or file of the generator: a full disk, missing rights
        log.error("stopped: %s: %s", error.filename or "writing", error.strerror or error)
        return 1
    return 0


def parse_workload(generator: Program, arguments: Sequence[str] | None) -> Workload:
    """Parse a command line; exits with code 2 if it is invalid."""
    parser = workload_parser(generator)
    return workload_of(parser, parser.parse_args(arguments))


def workload_parser(generator: Program) -> argparse.ArgumentParser:
    """A parser of the options that all generators have; a generator may add its own."""
    parser = argparse.ArgumentParser(prog=f"python -m bifrost.generators.{generator.name}", description=generator.about)
    what = generator.what
    parser.add_argument("--rate", type=float, default=generator.rate, help=f"{what} per second (default %(default)g)")
    parser.add_argument("--count", type=int, default=0, help="how many in total (default: no limit)")
    parser.add_argument("--seed", type=int, help=f"generate the same {what} for the same seed, with ids from 1")
    return parser


def workload_of(parser: argparse.ArgumentParser, given: argparse.Namespace) -> Workload:
    """Check what `workload_parser` parsed; exits with code 2 if it is invalid."""
    if not 0 < given.rate < float("inf"):
        parser.error("--rate must be a finite number above 0")
    if given.count < 0:
        parser.error("--count must be 0 or above")
    return Workload(given.rate, given.count, given.seed)


def declared_encoders(values: Settings, topics: Collection[str]) -> dict[str, Callable[[object], bytes]]:
    """Return an Avro encoder for the values of each topic, by the registered schema.

    Raises:
        NotReady: a topic or its schema does not exist yet.
        RemoteError: the broker or the registry does not answer.
    """
    encoders: dict[str, Callable[[object], bytes]] = {}
    with schema_registry.from_settings(values) as registry:
        for topic in topics:
            subject = f"{topic}-value"
            found = registry.latest(subject)
            if found is None:
                raise NotReady("Schema Registry", subject, "the subject does not exist yet; deploy the pipeline")
            encoders[topic] = partial(avro.encode, found.id, avro.parse_schema(found.schema))
    require_topics(values, topics)
    return encoders


def _send(generator: Generator, workload: Workload, values: Settings, wait: Wait) -> None:
    records = wait_until_ready(lambda: generator.records(workload, values), wait, log)
    if records is not None:
        producer = kafka.producer(values.kafka_client(), linger_ms=5, compression_type="lz4")
        Sender(records, producer, clock=time.monotonic, what=generator.what).run(workload.rate, workload.count, wait)
