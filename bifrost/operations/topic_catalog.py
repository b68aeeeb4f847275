"""The topics of a target: their size, how long they keep records, and what writes and reads them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from bifrost.alerts import Alert
from bifrost.clients import ksqldb
from bifrost.clients.kafka import TopicDescription
from bifrost.deployer.live.state import Platform
from bifrost.errors import RemoteError
from bifrost.operations.dead_letter_queues import DEAD_LETTER_TOPIC
from bifrost.operations.group_owners import GroupOwners

_INTERNAL = (ksqldb.INTERNAL_NAMES, "_")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TopicSummary:
    """One topic. `records` counts offsets, which include those that compaction removed and markers of transactions.

    `size_bytes` and `retention_ms` are `None` where they are unknown or the broker's default applies; -1 keeps records
    forever. `writers` and `readers` are named `connector x`, `query y`, `service z`, `group g`.
    """

    name: str
    partitions: int
    records: int
    size_bytes: int | None
    retention_ms: int | None
    cleanup: str
    writers: tuple[str, ...]
    readers: tuple[str, ...]
    is_internal: bool


@dataclass(frozen=True, slots=True)
class TopicCatalog:
    """All topics, sorted by name; `problems` name the parts that did not answer."""

    topics: tuple[TopicSummary, ...]
    problems: tuple[str, ...] = ()


def read_catalog(
    platform: Platform, alerts: Iterable[Alert], services: Iterable[str], log_folder: Path | None = None
) -> TopicCatalog:
    """Read the topics, and from Connect and ksqlDB what uses them.

    Args:
        log_folder: where the broker of this machine stores its partitions; `None` if it is elsewhere.

    Raises:
        RemoteError: Kafka does not answer.
    """
    kafka = platform.kafka
    counts = kafka.topics()
    described, ends = kafka.describe(counts), kafka.ends(counts)
    sizes = topic_sizes(log_folder) if log_folder is not None else {}
    usage = _Usage(platform, tuple(alerts), tuple(services))
    writers, readers = usage.writers(), usage.readers()
    topics = tuple(
        TopicSummary(
            name,
            counts[name],
            sum(part.next - part.first for part in ends.get(name, {}).values()),
            sizes.get(name),
            *_retention(described.get(name)),
            tuple(sorted(writers.get(name, ()))),
            tuple(sorted(readers.get(name, ()))),
            name.startswith(_INTERNAL),
        )
        for name in sorted(counts)
    )
    return TopicCatalog(topics, tuple(usage.problems))


def topic_sizes(log_folder: Path) -> dict[str, int]:
    """The bytes of each topic's records in the folder of a broker, by topic."""
    sizes: dict[str, int] = defaultdict(int)
    for segment in log_folder.glob("*-*/*.log"):
        try:
            sizes[segment.parent.name.rpartition("-")[0]] += segment.stat().st_size
        except OSError:
            continue  # deleted by retention meanwhile
    return dict(sizes)


def _retention(topic: TopicDescription | None) -> tuple[int | None, str]:
    config = {} if topic is None else topic.config
    text = config.get("retention.ms", "")
    return (int(text) if text.lstrip("-").isdecimal() else None), config.get("cleanup.policy", "delete")


class _Usage:
    """What writes and reads topics, as far as the parts answer."""

    def __init__(self, platform: Platform, alerts: tuple[Alert, ...], services: tuple[str, ...]) -> None:
        self._platform = platform
        self.problems: list[str] = []
        self._configs = self._read(platform.connect.configs) or {}
        self._queries = self._read(platform.ksqldb.query_details) or ()
        sources = self._read(lambda: (*platform.ksqldb.streams(), *platform.ksqldb.tables())) or ()
        self._topics = {source.name: source.topic for source in sources}
        queries = {query.group or f"query_{query.id}": query.id for query in self._queries}
        self._owners = GroupOwners(self._configs, queries, alerts, services)
        self._letters = {alert.dead_letter_topic: f"alert {alert.name}" for alert in alerts}

    def writers(self) -> dict[str, set[str]]:
        """The writers of each topic."""
        found: dict[str, set[str]] = defaultdict(set)
        for name, config in self._configs.items():
            if "topics" not in config and "topics.regex" not in config:
                for topic in self._read(partial(self._platform.connect.topics, name)) or ():
                    found[topic].add(f"connector {name}")
            if letters := config.get(DEAD_LETTER_TOPIC):
                found[letters].add(f"connector {name}")
        for query in self._queries:
            for sink in query.sinks:
                if sink in self._topics:
                    found[self._topics[sink]].add(f"query {query.id}")
        for topic, alert in self._letters.items():
            found[topic].add(alert)
        return found

    def readers(self) -> dict[str, set[str]]:
        """The readers of each topic: whatever has a position in it."""
        found: dict[str, set[str]] = defaultdict(set)
        positions = self._read(lambda: self._platform.kafka.positions(self._platform.kafka.groups())) or {}
        for group, topics in positions.items():
            for topic in topics:
                found[topic].add(str(self._owners.owner(group)))
        return found

    def _read(self, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except RemoteError as error:
            self.problems.append(str(error))
            return None
