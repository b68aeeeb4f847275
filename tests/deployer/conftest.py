"""A small project on disk and a whole platform of fakes that listen on real ports."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bifrost.clients import connect, ksqldb, schema_registry
from bifrost.clients.http import Connection
from bifrost.deployer.apply.await_running import await_running
from bifrost.deployer.apply.deployment import Deployment
from bifrost.deployer.checks.connect_validate import check_connectors, refuse_connector_problems
from bifrost.deployer.declared.declarations import Declarations
from bifrost.deployer.declared.files import load
from bifrost.deployer.live.ownership import Ownership
from bifrost.deployer.live.state import Platform
from bifrost.deployer.live.topic_details import with_topic_details
from bifrost.deployer.plan.actions import Action, DeploymentPlan
from bifrost.deployer.plan.make_plan import make_plan, statement_scope
from bifrost.deployer.plan.options import PlanOptions
from bifrost.deployer.plan.replace_choices import BY_DEFAULT, ReplaceChoices
from bifrost.deployer.plan.statements import topics_of_changes
from bifrost.deployer.settled_state import read_settled
from bifrost.deployer.targets import TABLES, for_target
from bifrost.sql.parser import parse_script
from tests.fakes.claim_log import FakeClaimLog
from tests.fakes.clock import FakeClock
from tests.fakes.connect import FakeConnect
from tests.fakes.http_server import FakeServer, running
from tests.fakes.kafka import FakeEntries, FakeServices, FakeTopics
from tests.fakes.ksqldb import FakeKsql
from tests.fakes.records import FakeRecords
from tests.fakes.registry import FakeRegistry

CONNECTOR = {
    "connector.class": "io.debezium.connector.mysql.MySqlConnector",
    "tasks.max": "1",
    "database.hostname": "${env:MYSQL_HOST}",
    "database.password": "${env:MYSQL_PASSWORD}",
    "database.user": "${env:MYSQL_USER}",
    "database.server.id": "42",
    "schema.history.internal.kafka.topic": "dbhistory.demo",
    "schema.history.internal.kafka.bootstrap.servers": "${env:KAFKA_BOOTSTRAP_SERVERS}",
    "schema.history.internal.store.only.captured.tables.ddl": "true",
    "schema.history.internal.skip.unparseable.ddl": "true",
    "topic.prefix": "asgard",
    "table.include.list": "demo.CUSTOMERS",
    "key.converter": "io.confluent.connect.avro.AvroConverter",
    "key.converter.schema.registry.url": "${env:SCHEMA_REGISTRY_URL}",
}
TOPICS = {
    "ratings": {"partitions": 1, "cleanup.policy": "delete", "retention.ms": 604800000, "key": "none"},
    "asgard.demo.CUSTOMERS": {
        "partitions": 1,
        "cleanup.policy": "compact",
        "key": "id",
        "connector": "mysql-demo-customers",
    },
}
CUSTOMERS = """SET 'auto.offset.reset' = 'earliest';
CREATE STREAM CUSTOMERS_SRC (K STRUCT<ID INT> KEY)
  WITH (KAFKA_TOPIC='asgard.demo.CUSTOMERS', KEY_FORMAT='AVRO', VALUE_FORMAT='AVRO');
CREATE STREAM CUSTOMERS_SRC_REKEY WITH (PARTITIONS=1, KEY_FORMAT='JSON') AS
  SELECT K->ID AS ID, EMAIL FROM CUSTOMERS_SRC PARTITION BY K->ID;
CREATE TABLE CUSTOMERS (ID INT PRIMARY KEY, EMAIL STRING) WITH (KAFKA_TOPIC='CUSTOMERS_SRC_REKEY', FORMAT='JSON');
"""
RATINGS = """CREATE STREAM RATINGS WITH (KAFKA_TOPIC='ratings', VALUE_FORMAT='AVRO');
CREATE STREAM ALERTS WITH (VALUE_FORMAT='JSON') AS
  SELECT R.USER_ID, R.STARS, C.EMAIL FROM RATINGS R JOIN CUSTOMERS C ON R.USER_ID = C.ID WHERE R.STARS < 3;
"""
FIELDS = [{"name": "user_id", "type": "int"}, {"name": "stars", "type": "int"}]
RATINGS_SCHEMA = {"type": "record", "name": "ratings", "fields": FIELDS}
CUSTOMER_SCHEMA = {"type": "record", "name": "Value", "fields": [{"name": "email", "type": "string"}]}
KEY_SCHEMA = {"type": "record", "name": "Key", "fields": [{"name": "id", "type": "int"}]}


SYSTEMS = {"connect": "Kafka Connect", "ksqldb": "ksqlDB", "registry": "Schema Registry"}


@dataclass
class Project:
    root: Path

    def write(self, path: str, content: object) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content if isinstance(content, str) else json.dumps(content, indent=1))
        return target

    def declared(self) -> Declarations:
        return for_target(load(self.root), TABLES["embedded"])


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return small_project(tmp_path)


def small_project(folder: Path) -> Project:
    """The project's files in a folder."""
    made = Project(folder)
    made.write("connectors/ratings/mysql-demo-customers.json", CONNECTOR)
    made.write("topics/ratings.json", TOPICS)
    made.write("topics/schemas/ratings-value.avsc", RATINGS_SCHEMA)
    made.write("topics/schemas/asgard.demo.CUSTOMERS-value.avsc", CUSTOMER_SCHEMA)
    made.write("topics/schemas/asgard.demo.CUSTOMERS-key.avsc", KEY_SCHEMA)
    made.write("ksql/customers.sql", CUSTOMERS)
    made.write("ksql/ratings.sql", RATINGS)
    made.write("services/ratings_bot.py", "def main() -> None: ...\n")
    return made


@dataclass(repr=False)
class Fakes:
    """All fakes; `writes` are the changes that any of them received."""

    connect: FakeConnect
    ksqldb: FakeKsql
    registry: FakeRegistry
    kafka: FakeTopics
    services: FakeServices
    clock: FakeClock
    servers: dict[str, FakeServer] = field(default_factory=dict)
    platform: Platform | None = None
    waits: list[str] = field(default_factory=list)
    owned: FakeEntries = field(default_factory=FakeEntries)
    claims: FakeClaimLog = field(default_factory=FakeClaimLog)
    replayed: FakeEntries = field(default_factory=FakeEntries)
    records: FakeRecords | None = None

    def __repr__(self) -> str:
        return "fakes"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Hypothesis would print every request ever made."""
        printer.text("fakes")

    def writes(self) -> list[str]:
        """One entry for each change; a request to ksqlDB may carry several statements."""
        over_http = [
            f"{request.method} {request.path}"
            for server in self.servers.values()
            for request in server.requests
            if server.is_write(request)
            for _ in (parse_script(request.body["ksql"]) if request.path == "/ksql" else [request])
        ]
        return [*over_http, *self.kafka.writes, *self.services.writes]

    def forget_writes(self) -> None:
        for server in self.servers.values():
            server.requests.clear()
        self.kafka.writes.clear()
        self.services.writes.clear()

    def plan(
        self, declared: Declarations, *, prune: bool = False, choices: ReplaceChoices = BY_DEFAULT
    ) -> DeploymentPlan:
        assert self.platform is not None
        live = read_settled(self.platform, declared, self.clock, self.waits.append)
        if live.is_running:
            scope = statement_scope(declared, live, PlanOptions(prune, choices))
            live = with_topic_details(self.platform, live, topics_of_changes(declared, live, scope))
        return make_plan(declared, live, options=PlanOptions(prune, choices))

    def up(
        self, declared: Declarations, *, prune: bool = False, choices: ReplaceChoices = BY_DEFAULT
    ) -> tuple[DeploymentPlan, int]:
        """Everything that `up` does after the platform has started; the plan and the counted writes."""
        assert self.platform is not None
        refuse_connector_problems(check_connectors(self.platform.connect, declared.connectors))
        return self.apply(declared, prune=prune, choices=choices)

    def apply(
        self, declared: Declarations, *, prune: bool = False, choices: ReplaceChoices = BY_DEFAULT
    ) -> tuple[DeploymentPlan, int]:
        """Carries the plan out and waits, with no check of connectors before."""
        assert self.platform is not None
        plan = self.plan(declared, prune=prune, choices=choices)
        deployment = Deployment(self.platform, declared, self.clock)
        deployment.carry_out(plan, _silent)
        await_running(self.platform, declared, self.clock)
        return plan, deployment.writes


def _silent(number: int, total: int, action: Action) -> None:
    """Tests look at the result."""


@pytest.fixture
def fakes() -> Iterator[Fakes]:
    with running_fakes() as made:
        yield made


@contextmanager
def running_fakes() -> Iterator[Fakes]:
    """All fakes with their servers."""
    names = ("MYSQL_HOST", "MYSQL_USER", "KAFKA_BOOTSTRAP_SERVERS", "SCHEMA_REGISTRY_URL")
    variables = {**dict.fromkeys(names, "x"), "MYSQL_PASSWORD": "hunter22"}
    made = Fakes(FakeConnect(variables), FakeKsql(), FakeRegistry(), FakeTopics(), FakeServices(), FakeClock())
    made.services.add("ratings_bot")
    made.ksqldb.topics = made.kafka
    # Debezium's first records register their schemas.
    made.connect.on_put = lambda name: made.registry.versions.update(
        {
            "asgard.demo.CUSTOMERS-value": [json.dumps(CUSTOMER_SCHEMA)],
            "asgard.demo.CUSTOMERS-key": [json.dumps(KEY_SCHEMA)],
        }
    )
    with ExitStack() as stack:
        for part in ("connect", "ksqldb", "registry"):
            made.servers[part] = stack.enter_context(running(getattr(made, part).server()))
        made.platform = stack.enter_context(_platform(made))
        yield made


def _platform(made: Fakes) -> Platform:
    def to(part: str, busy: frozenset[int]) -> Connection:
        return Connection(SYSTEMS[part], made.servers[part].url, clock=made.clock, busy=busy)

    return Platform(
        kafka=made.kafka,
        registry=schema_registry.SchemaRegistryClient(to("registry", schema_registry.BUSY)),
        connect=connect.ConnectClient(to("connect", frozenset({409, 503}))),
        ksqldb=ksqldb.KsqlClient(to("ksqldb", ksqldb.BUSY)),
        services=made.services,
        logs=Path("logs"),
        ownership=Ownership(made.owned, "bifrost"),
        claims=made.claims,
        may_hold_data=False,
    )
