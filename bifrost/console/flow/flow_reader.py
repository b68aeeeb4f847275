"""Reads the live system for the graph of the pipelines, and keeps earlier snapshots to compute rates."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bifrost.alerts import read_problems
from bifrost.clients import connect, csv_error_folder, kafka, ksqldb
from bifrost.clients.connect import ConnectClient
from bifrost.clients.kafka import KafkaAdmin, OffsetRange
from bifrost.clients.ksqldb import KsqlClient
from bifrost.clients.supervisor import SupervisorClient
from bifrost.clients.topic_sample import SampledRecord, newest_records
from bifrost.console.demo_hints import demo_hints
from bifrost.console.flow.consumer_lag import lag_samples
from bifrost.console.flow.graph import graph
from bifrost.console.flow.lag_trend import LagTrends
from bifrost.console.flow.pipeline_owners import PipelineOwnersReader
from bifrost.console.flow.snapshot import Snapshot
from bifrost.dashboards.declared import dashboard_files
from bifrost.errors import BifrostError
from bifrost.settings import Settings

FRESH_S = 1.0
RATE_S = 5.0
"""The minimum time over which rates are computed: shorter ones fluctuate."""
PATIENCE_S = 3.0
SAMPLE_S = 30.0
"""How often the live system is read while no page is open: half the window of a trend. A read asks for each group."""
# Changelogs, repartition topics and Connect's own topics are no part of a pipeline.
_INTERNAL = (ksqldb.INTERNAL_NAMES, "_connect-")

Json = dict[str, Any]
_log = logging.getLogger("console")
T = TypeVar("T")


@dataclass
class FlowReader:
    """Reads the graph for any number of pages, from any thread."""

    client: Mapping[str, str]
    connect: ConnectClient
    ksqldb: KsqlClient
    admin: KafkaAdmin
    supervisor: SupervisorClient
    settings: Settings
    now: Callable[[], float] = time.time
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _snapshots: list[Snapshot] = field(default_factory=list)  # oldest first
    _answer: Json = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._owners = PipelineOwnersReader(self.settings.project)
        self._trends = LagTrends()
        self._behind: Mapping[str, float] = {}

    def read(self) -> Json:
        """The graph as JSON, not older than `FRESH_S`."""
        with self._lock:
            now = self.now()
            if self._snapshots and now < self._snapshots[-1].at:
                # The clock was set back: there are no rates between its two times, and the graph must not stand still.
                self._snapshots.clear()
            if not self._snapshots or now - self._snapshots[-1].at >= FRESH_S:
                self._snapshots.append(self._snapshot(now))
                # The oldest is not needed once the next one is old enough to compute rates from.
                while len(self._snapshots) > 2 and now - self._snapshots[1].at >= RATE_S:
                    self._snapshots.pop(0)
                before = self._snapshots[0] if len(self._snapshots) > 1 else None
                self._answer = graph(self._snapshots[-1], before, self._groups_behind(before)) | self._links()
            return self._answer

    def records(self, topic: str, count: int) -> list[SampledRecord]:
        """The newest `count` records of a topic.

        Raises:
            Refused: the topic does not exist.
            Unreachable: no broker answers.
        """
        return newest_records(self.client, topic, count)

    def keep_sampling(self) -> None:
        """Read every `SAMPLE_S`, so that trends are known when a page is opened. Never returns."""
        while True:
            time.sleep(SAMPLE_S)
            try:
                self.read()
            except Exception:  # noqa: BLE001 - a thread's top: one failed read must not end the sampling
                _log.exception("the live system could not be read")

    def _groups_behind(self, before: Snapshot | None) -> Mapping[str, float]:
        now = self._snapshots[-1]
        if now.positions:  # else the broker does not answer, and the history must not be lost
            self._behind = self._trends.add(lag_samples(now, before))
        return self._behind

    def _links(self) -> Json:
        """Where the page links to from a pipeline: its dashboard, and a command that sends data."""
        shown = [path.parent.name for path in dashboard_files(self.settings.project)]
        return {"dashboards": shown, "hints": demo_hints(self.settings)}

    def _snapshot(self, now: float) -> Snapshot:
        problems: list[str] = []

        def read_or(default: T, read: Callable[[], T]) -> T:
            try:
                return read()
            except BifrostError as error:
                problems.append(str(error))
                return default

        configs: Mapping[str, Mapping[str, str]] = read_or({}, self.connect.configs)
        # Only sinks name the topics that they read; Connect knows those that a source writes.
        sources = [name for name, config in configs.items() if "topics" not in config and "topics.regex" not in config]
        no_ranges: dict[str, dict[int, OffsetRange]] = {}
        ranges = read_or(no_ranges, self._ranges)
        return Snapshot(
            at=now,
            configs=configs,
            statuses=read_or({}, self.connect.statuses),
            written=read_or({}, lambda: {name: self.connect.topics(name) for name in sources}),
            queries=read_or((), self.ksqldb.query_details),
            topics_of=read_or({}, self._topics_of),
            firsts={name: {number: each.first for number, each in parts.items()} for name, parts in ranges.items()},
            ends={name: {number: each.next for number, each in parts.items()} for name, parts in ranges.items()},
            positions=read_or({}, lambda: self.admin.positions(self.admin.groups())),
            components=tuple(read_or([], lambda: [status.as_json() for status in self.supervisor.status()])),
            broken=csv_error_folder.rejected_files(self.settings),
            owners=self._owners.read(),
            alert_problems=read_problems(self.settings.alert_problems),
            problems=tuple(problems),
        )

    def _ranges(self) -> dict[str, dict[int, OffsetRange]]:
        shown = {name: count for name, count in self.admin.topics().items() if not name.startswith(_INTERNAL)}
        return self.admin.ends(shown)

    def _topics_of(self) -> dict[str, str]:
        return {source.name: source.topic for source in (*self.ksqldb.streams(), *self.ksqldb.tables())}


def open_flow_reader(settings: Settings) -> FlowReader:
    """A reader of the target's parts. It never waits for a part: no answer now is a problem to show."""
    return FlowReader(
        client=settings.kafka_client(),
        connect=connect.from_settings(settings, patience_s=0),
        ksqldb=ksqldb.from_settings(settings, patience_s=0),
        admin=kafka.admin(settings, timeout_s=PATIENCE_S),
        supervisor=SupervisorClient(settings),
        settings=settings,
    )
