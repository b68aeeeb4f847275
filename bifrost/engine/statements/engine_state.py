"""What an engine is made of, and what changes while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bifrost.clients.connect import ConnectClient
from bifrost.engine.catalog.metastore import MetaStore
from bifrost.engine.functions.registry import FunctionRegistry
from bifrost.engine.planner import Planner
from bifrost.engine.planner.environment import Environment, PlannerConfig
from bifrost.engine.planner.outcome import PullPlan
from bifrost.engine.queries.inserts import InsertWriter
from bifrost.engine.queries.launcher import Launcher
from bifrost.engine.queries.persistent import PersistentQueries
from bifrost.engine.runtime.commands import CommandTopic
from bifrost.engine.runtime.environment import LiveEnvironment
from bifrost.engine.statements.client_session import ClientSession

PullKey = tuple[str, frozenset[tuple[str, str]], frozenset[tuple[str, str]]]
"""What a pull query's plan depends on besides sources and types: its text, properties and variables."""


@dataclass(frozen=True, slots=True)
class EngineParts:
    """What an engine is made of; the program that starts it puts them together. `properties` are the server's."""

    environment: LiveEnvironment
    functions: FunctionRegistry
    launcher: Launcher
    commands: CommandTopic
    inserts: InsertWriter
    connect: ConnectClient
    properties: dict[str, str] = field(default_factory=dict)


class EngineState:
    """What statements change: sources, types and persistent queries."""

    def __init__(self, parts: EngineParts) -> None:
        self.parts = parts
        self.metastore = MetaStore()
        self.queries = PersistentQueries(parts.launcher)
        self.pull_plans: dict[PullKey, PullPlan] = {}

    def changed(self) -> None:
        """Tells that sources or types are not what they were: plans made before do not hold any more."""
        # A new dict: whoever plans just now may put an outdated plan into the old one.
        self.pull_plans = {}

    def properties(self, session: ClientSession) -> dict[str, str]:
        """The properties in force: the session's over the server's."""
        return {**self.parts.properties, **session.properties}

    def functions(self, session: ClientSession) -> FunctionRegistry:
        """The functions under the properties in force."""
        return self.parts.functions.configured(self.properties(session))

    def planner(
        self, session: ClientSession, *, metastore: MetaStore | None = None, environment: Environment | None = None
    ) -> Planner:
        """A planner over the metastore (or another one) for a session."""
        properties: Mapping[str, object] = self.properties(session)
        return Planner(
            metastore if metastore is not None else self.metastore,
            self.functions(session),
            environment if environment is not None else self.parts.environment,
            PlannerConfig.of(properties),
        )
