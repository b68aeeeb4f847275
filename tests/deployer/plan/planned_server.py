"""A ksqlDB server as the deployer reads it, made from statements by the engine's planner; and declarations as files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from zoneinfo import ZoneInfo

from bifrost.alert_template import Template
from bifrost.alerts import Alert
from bifrost.clients.kafka import TopicDescription
from bifrost.clients.ksqldb import DescribedSource, QuerySummary
from bifrost.clients.supervisor import ComponentStatus
from bifrost.deployer.declared.declarations import Declarations, DeclaredConnector, DeclaredService
from bifrost.deployer.declared.statement_files import read_statements
from bifrost.deployer.live.ownership import Owned
from bifrost.deployer.live.read_live import parse_or_none
from bifrost.deployer.live.state import LiveConnector, LiveQuery, LiveSource, LiveState
from bifrost.deployer.plan.actions import Action, DropLiveSource, RunStatement, TerminateLiveQuery
from bifrost.deployer.plan.replace_choices import BY_DEFAULT, ReplaceChoices
from bifrost.deployer.plan.statement_changes import StatementScope
from bifrost.deployer.plan.statements import plan_statements
from bifrost.engine.catalog.topics import TopicInfo
from bifrost.engine.planner.outcome import CreatePlan, CreateTypePlan, PersistentPlan
from bifrost.engine.testing.offline_check import OfflineChecker
from bifrost.server.descriptions import type_info
from bifrost.sql.parser import parse_script
from bifrost.sql.tree import ParsedStatement, resolve_types

PARTITIONS = 2


@dataclass
class PlannedServer:
    """Statements that run, and what reads their topics; `plan` compares changed statements with them."""

    folder: Path
    text: str
    records: Mapping[str, int] = field(default_factory=dict)
    unread: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    connectors: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    alerts: Mapping[str, str] = field(default_factory=dict)  # topic by name
    foreign: str = ""
    owned_queries: frozenset[str] = frozenset()
    owned_statements: frozenset[str] = frozenset()
    has_supervisor: bool = True

    def declared(self, text: str) -> Declarations:
        path = self.folder / "ksql"
        path.mkdir(exist_ok=True)
        (path / "shop.sql").write_text(text)
        return Declarations(
            statements=read_statements(path),
            connectors=tuple(DeclaredConnector(name, "shop", path, c) for name, c in self.connectors.items()),
            services=(DeclaredService("alerts", "", frozenset(self.alerts.values())),),
            alerts=tuple(alert_on(name, topic) for name, topic in self.alerts.items()),
        )

    def plan(self, text: str, choices: ReplaceChoices = BY_DEFAULT, **scope: object) -> list[Action]:
        declared = self.declared(text)
        found = StatementScope(declared, choices)
        return list(plan_statements(declared, self.live(), replace(found, **scope)))

    def changed(self, text: str, choices: ReplaceChoices = BY_DEFAULT, **scope: object) -> list[Action]:
        return [action for action in self.plan(text, choices, **scope) if action.is_change]

    def live(self) -> LiveState:
        checker = OfflineChecker(topics={name: TopicInfo(PARTITIONS) for name in ("orders", "people", "rates")})
        sources: dict[str, DescribedSource] = {}
        queries: dict[str, QuerySummary] = {}
        types = {}
        for statement in parse_script(self.text + self.foreign):
            tree = resolve_types(statement.tree, checker.metastore.types)
            planned = checker.check(ParsedStatement(statement.text, tree, statement.line, 1)).planned
            match planned:
                case CreateTypePlan(name=name, type=kind):
                    types[name] = type_info(kind)
                case CreatePlan(source=source):
                    sources[source.name] = described(source, planned.statement)
                case PersistentPlan(sink=sink, query=query, inserts=inserts):
                    if not inserts:
                        sources[sink.name] = described(sink, planned.statement)
                    queries[query.query_id] = QuerySummary(query.query_id, planned.statement, (sink.name,), "RUNNING")
                    writers = (*sources[sink.name].written_by, query.query_id)
                    sources[sink.name] = replace(sources[sink.name], written_by=writers)
        return LiveState(
            topics={
                each.topic: TopicDescription(each.topic, each.partitions, 1, {"retention.ms": "604800000"})
                for each in sources.values()
            },
            sources={name: LiveSource(each, parse_or_none(each.statement)) for name, each in sources.items()},
            queries={name: LiveQuery(each, parse_or_none(each.statement)) for name, each in queries.items()},
            types=types,
            connectors={name: LiveConnector(config, None) for name, config in self.connectors.items()},
            owned=Owned(self.owned_statements, self.owned_queries),
            services=self.services(),
            records=self.records,
            unread=self.unread,
        )

    def services(self) -> dict[str, ComponentStatus] | None:
        status = ComponentStatus("alerts", "running", 1, 0, 0.0, "logs/alerts.log", "")
        return {"alerts": status} if self.has_supervisor else None


def described(source, statement: str) -> DescribedSource:
    columns = tuple((column.name, str(column.type)) for column in source.schema.columns)
    return DescribedSource(
        source.name,
        source.kind.value,
        source.topic,
        source.partitions,
        statement,
        columns,
        (),
        (),
        len(source.schema.key),
    )


def alert_on(name: str, topic: str) -> Alert:
    return Alert(
        name=name,
        path=Path(f"{name}.toml"),
        topic=topic,
        channel="slack",
        to="x",
        template=Template.parse("{A}", ZoneInfo("UTC")),
        group=f"alerts.{name}",
        username="x",
        icon=":x:",
    )


def losses(action: Action) -> list[str]:
    return [f"{loss.what} [{loss.flag}]" for loss in action.loss]


def steps(action: Action) -> list[str]:
    """The operations on ksqlDB in words."""
    found = []
    for operation in action.operations:
        match operation:
            case TerminateLiveQuery(query_id):
                found.append(f"terminate {query_id}")
            case DropLiveSource(name, _, topic):
                found.append(f"drop {name}" + (f" and topic {topic}" if topic else ""))
            case RunStatement(statement):
                found.append(f"run {statement.name}")
            case _:
                found.append(type(operation).__name__)
    return found
