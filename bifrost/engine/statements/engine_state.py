"""The parts of an engine, and its state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bifrost.clients.connect import ConnectClient
from bifrost.engine.catalog.metastore import MetaStore
from bifrost.engine.functions.registry import FunctionRegistry
from bifrost.engine.planner import Planner
from bifrost.engine.planner.environment import Environment, PlannerConfig
from bifrost.engine.queries.inserts import InsertWriter
from bifrost.engine.queries.launcher import Launcher
from bifrost.engine.queries.persistent import PersistentQueries
from bifrost.engine.runtime.commands import Command, CommandTopic
from bifrost.engine.runtime.environment import LiveEnvironment
from bifrost.engine.statements.client_session import ClientSession
from bifrost.engine.statements.pull_plans import PullPlans
from bifrost.errors import AnalysisError


@dataclass(frozen=True, slots=True)
class EngineParts:
    """The parts of an engine, which `wiring` assembles. `properties` are the server's."""

    environment: LiveEnvironment
    functions: FunctionRegistry
    launcher: Launcher
    commands: CommandTopic
    inserts: InsertWriter
    connect: ConnectClient
    properties: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FailedCommand:
    """A command of the command topic that could not be executed at the last start; `at_ms` is epoch ms."""

    command: Command
    error: str
    at_ms: int

    @property
    def id(self) -> str:
        """The id of its query, else of the command."""
        return self.command.query_id or self.command.id

    @property
    def name(self) -> str:
        """The name of the source or type that it defines."""
        return self.command.id.split("/")[1].strip("`")


class EngineState:
    """The state that statements change: sources, types and persistent queries."""

    def __init__(self, parts: EngineParts) -> None:
        self.parts = parts
        self.metastore = MetaStore()
        self.queries = PersistentQueries(parts.launcher)
        self.pull_plans = PullPlans()
        self.failures: tuple[FailedCommand, ...] = ()

    def add_failure(self, command: Command, error: str) -> None:
        """Adds a command that could not be executed."""
        self.failures = (*self.failures, FailedCommand(command, error, self.parts.launcher.now_ms()))

    def drop_failures(self, chosen: Callable[[FailedCommand], bool]) -> bool:
        """Removes failed commands; returns whether there were any."""
        before = self.failures
        self.failures = tuple(failure for failure in before if not chosen(failure))
        return len(self.failures) < len(before)

    def changed(self) -> None:
        """Discards cached plans after a change of sources or types."""
        # A new object: a thread that is planning now may still add an outdated plan to the old one.
        self.pull_plans = PullPlans()

    def properties(self, session: ClientSession) -> dict[str, str]:
        """The effective properties: the session's override the server's."""
        return {**self.parts.properties, **session.properties}

    def check_overrides(self, session: ClientSession) -> None:
        """Checks that a session sets no property of the server's denylist.

        Raises:
            AnalysisError: it does.
        """
        denied = self.parts.properties.get("ksql.properties.overrides.denylist", "").split(",")
        names = [name for name in session.properties if name in {entry.strip() for entry in denied}]
        if names:
            raise AnalysisError(
                "One or more properties overrides set locally are prohibited by the KSQL server "
                f"(use UNSET to reset their default value): [{', '.join(names)}]"
            )

    def functions(self, session: ClientSession) -> FunctionRegistry:
        """The functions, configured by the effective properties."""
        return self.parts.functions.configured(self.properties(session))

    def planner(
        self, session: ClientSession, *, metastore: MetaStore | None = None, environment: Environment | None = None
    ) -> Planner:
        """A planner for a session, over the engine's metastore and environment or the given ones."""
        properties: Mapping[str, object] = self.properties(session)
        return Planner(
            metastore if metastore is not None else self.metastore,
            self.functions(session),
            environment if environment is not None else self.parts.environment,
            PlannerConfig.of(properties),
        )
