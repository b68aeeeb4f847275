"""The platform of fakes as the console's pages operate it."""

from __future__ import annotations

import queue
from dataclasses import dataclass, field
from pathlib import Path

from starlette.routing import BaseRoute

from bifrost.clients.topic_records import StoredRecord
from bifrost.console.metrics_reader import MetricsReader
from bifrost.console.operated.target_pool import OperatedTarget, TargetPool
from bifrost.console.pages import (
    actions_page,
    connectors_page,
    dead_letters_page,
    groups_page,
    metrics_page,
    schemas_page,
    topics_page,
)
from bifrost.errors import Refused, Unreachable
from bifrost.operations.action_log import ActionLog
from tests.deployer.conftest import Fakes, Project
from tests.fakes.records import FakeRecords


def operated(project: Project, fakes: Fakes) -> OperatedTarget:
    """A target over the fakes, with records in memory; an hour after the epoch."""
    assert fakes.platform is not None
    fakes.records = fakes.records or FakeRecords(fakes.kafka)
    return OperatedTarget(
        fakes.platform,
        fakes.records,
        fakes.replayed,
        project.root,
        lambda: frozenset({"alerts", "ratings_bot"}),
        secrets=("hunter22",),
        clock=fakes.clock,
        now=lambda: 3600.0,
    )


def pool(project: Project, fakes: Fakes) -> TargetPool:
    """A pool of that target."""
    return TargetPool(lambda: operated(project, fakes))


@dataclass
class FakeTail:
    """A tail that returns what a test puts into `arrived`."""

    arrived: queue.Queue[StoredRecord] = field(default_factory=queue.Queue)
    skipped: int = 0
    is_closed: bool = False

    def read(self, most: int, timeout_s: float) -> list[StoredRecord]:
        try:
            return [self.arrived.get(timeout=min(timeout_s, 0.05))]
        except queue.Empty:
            return []

    def close(self) -> None:
        self.is_closed = True


@dataclass
class FakeTails:
    """Opens tails, and remembers them by topic."""

    opened: dict[str, FakeTail] = field(default_factory=dict)

    def __call__(self, topic: str, partition: int | None) -> FakeTail:
        if topic == "missing":
            raise Refused("Kafka", "offsets of topic missing", status=0, body="the topic does not exist")
        self.opened[topic] = FakeTail()
        return self.opened[topic]


ALERT_METRICS = """\
# TYPE bifrost_notifications_total counter
bifrost_notifications_total{alert="ratings",outcome="delivered"} 41.0
bifrost_notifications_total{alert="wifi",outcome="delivered"} 1.0
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 4.194304e+07
"""


def no_metrics() -> str:
    raise Unreachable("supervisor", "GET /metrics", "connection refused")


def operating_pages(target: TargetPool, folder: Path, tails: FakeTails | None = None) -> list[BaseRoute]:
    """All pages that operate a target; `folder` is for files that they write."""
    log = ActionLog(folder / "actions.jsonl", lambda: 3600.0, ["hunter22"])
    return [
        *topics_page.routes(target, tails or FakeTails()),
        *groups_page.routes(target),
        *connectors_page.routes(target),
        *schemas_page.routes(target),
        *dead_letters_page.routes(target),
        *metrics_page.routes(MetricsReader({"alerts": lambda: ALERT_METRICS, "supervisor": no_metrics})),
        *actions_page.routes(target, log),
    ]
