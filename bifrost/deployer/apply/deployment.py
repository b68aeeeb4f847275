"""Carries a plan out. After an interruption, the next plan holds the remaining changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from itertools import count
from typing import assert_never

from bifrost.clients.http import Clock
from bifrost.clients.kafka import TopicDescription
from bifrost.dashboards.saved_objects import saved_objects
from bifrost.deployer.apply.await_running import POLL_S, expected_queries, is_insert
from bifrost.deployer.apply.connector_offsets import put_without_offsets, stop_sink, take_over
from bifrost.deployer.apply.index_copies import copy_index
from bifrost.deployer.apply.rebuilds import Rebuilds
from bifrost.deployer.apply.stages import PlanStage, StageMode, stages
from bifrost.deployer.apply.statement_runs import StatementRuns
from bifrost.deployer.declared.declarations import Declarations
from bifrost.deployer.live.ownership import Owned
from bifrost.deployer.live.state import Platform, ServiceControl
from bifrost.deployer.plan.actions import (
    Action,
    ActionKind,
    AddPartitions,
    AlterTopic,
    AwaitReaders,
    BeginRebuild,
    CopyIndex,
    CreateBucket,
    CreateTopic,
    DeleteConnector,
    DeleteTemplate,
    DeleteTopic,
    DeploymentPlan,
    DropLiveSource,
    DropLiveType,
    FinishRebuild,
    ImportDashboard,
    Operation,
    PutConnector,
    PutConnectorWithoutOffsets,
    PutTemplate,
    RegisterIncompatible,
    RegisterSubject,
    ResourceKind,
    RestartConnector,
    RestartService,
    ResumeConnector,
    ResumeLiveQuery,
    RunStatement,
    StartService,
    StopConnector,
    StopService,
    TakeOverConnector,
    TerminateLiveQuery,
    UpdateIndex,
)
from bifrost.deployer.plan.ksql_commands import drop_source, drop_type, resume, terminate
from bifrost.errors import BifrostError, NotReady, PlanRefused, Refused

TOPIC_PATIENCE_S = 15.0
WRITERS = 6
"""How many changes are sent at the same time: more would only queue in Connect, which handles one at a time."""

OnAction = Callable[[int, int, Action], None]
"""Called before each change with its number (from 1), the number of all changes, and the action."""


def refuse_blocked(plan: DeploymentPlan) -> None:
    """Raise if the plan leaves a change to a person.

    Raises:
        PlanRefused: with the reasons, and the commands to run manually, if any.
    """
    if not plan.blocked:
        return
    commands = tuple(dict.fromkeys(command for action in plan.blocked for command in action.manual_steps))
    reasons = "".join(f"\n  - {action.resource} {action.name}: {action.reason}" for action in plan.blocked)
    manual_steps = "".join(f"\n    {command}" for command in commands)
    run = f"\n  run manually:{manual_steps}" if commands else ""
    raise PlanRefused(f"nothing was changed; the deployer does not carry this out:{reasons}{run}", commands)


class Deployment:
    """One run of a plan against a platform. `writes` counts the changes that were sent."""

    def __init__(self, platform: Platform, declared: Declarations, clock: Clock) -> None:
        self._platform = platform
        self._declared = declared
        self._clock = clock
        self._statements = StatementRuns(platform, declared, clock)
        self._rebuilds = Rebuilds(platform, declared, clock)
        self.writes = 0

    def carry_out(self, plan: DeploymentPlan, report: OnAction) -> None:
        """Carry out every change of the plan, in its order; what does not need each other, at the same time.

        Raises:
            PlanRefused: the plan leaves a change to a person; nothing was changed.
            RemoteError: an operation failed; those before it stay done, and the next run continues from there.
        """
        refuse_blocked(plan)
        try:
            numbers = count(1)
            for stage in stages(plan.changes):
                self._carry_out(stage, lambda action: report(next(numbers), len(plan.changes), action))
        except BifrostError:
            # What was created before the failure belongs to this project; the failure itself is what must be
            # reported.
            with suppress(BifrostError):
                self._record_ownership()
            raise
        self._record_ownership()

    def _carry_out(self, stage: PlanStage, announce: Callable[[Action], None]) -> None:
        self.writes += sum(len(action.operations) for action in stage.actions)
        if stage.mode is StageMode.STATEMENTS:
            self._run_statements(stage.actions, announce)
            return
        for action in stage.actions:
            announce(action)
            if action.resource is ResourceKind.CONNECTOR and action.kind in (ActionKind.CREATE, ActionKind.REPLACE):
                self._statements.expect_first_records(action.name)
        if stage.mode is StageMode.TOGETHER:
            self._carry_out_together(stage.actions)
        else:
            self._carry_out_action(operation for action in stage.actions for operation in action.operations)

    def _run_statements(self, actions: Sequence[Action], announce: Callable[[Action], None]) -> None:
        steps = [(action, step) for action in actions for step in action.operations if isinstance(step, RunStatement)]
        by_name = {step.statement.name: action for action, step in steps}
        self._statements.run([step.statement for _, step in steps], lambda statement: announce(by_name[statement.name]))

    def _carry_out_together(self, actions: Sequence[Action]) -> None:
        """Carries actions out at the same time; after a failure, those that have not begun do not begin."""
        with ThreadPoolExecutor(WRITERS, thread_name_prefix="deployment") as writers:
            running = [writers.submit(self._carry_out_action, action.operations) for action in actions]
            wait(running, return_when=FIRST_EXCEPTION)
            for future in running:
                future.cancel()
        for future in running:
            if not future.cancelled():
                future.result()

    def _carry_out_action(self, operations: Iterable[Operation]) -> None:
        for operation in operations:
            self._perform(operation)

    def _record_ownership(self) -> None:
        """Records what is this project's now; without the right to do so, `--prune` will keep it all."""
        ownership, ksqldb = self._platform.ownership, self._platform.ksqldb
        if ownership is None or not (self._declared.statements or self._declared.topics):
            return
        queries = ksqldb.queries()
        live = {source.name for source in (*ksqldb.streams(), *ksqldb.tables())}
        expected = expected_queries(self._declared, self._platform, queries)
        inserts = {query.id for query in queries if is_insert(query)}
        with suppress(Refused):
            before = ownership.read()
            declared = {statement.name for statement in self._declared.statements}
            # What no longer exists is forgotten: another project may create something of that name.
            statements = (before.statements | declared) & live
            ids = (before.queries | {query_id for query_id in expected.values() if query_id is not None}) & inserts
            topics = (before.topics | self._declared.written_topics) & self._platform.kafka.topics().keys()
            ownership.update(before, Owned(frozenset(statements), frozenset(ids), topics=frozenset(topics)))

    def _perform(self, step: Operation) -> None:
        connect, ksqldb = self._platform.connect, self._platform.ksqldb
        match step:
            case CreateTopic(topic):
                self._create_topic(topic)
            case AlterTopic(name, changed):
                self._platform.kafka.alter_config(name, changed)
            case AddPartitions(name, total):
                self._platform.kafka.add_partitions(name, total)
            case DeleteTopic(name):
                self._delete_topic(name)
            case RegisterSubject(subject):
                self._platform.registry.register(subject.name, subject.schema)
            case RegisterIncompatible(subject):
                self._platform.registry.register_incompatible(subject.name, subject.schema)
            case PutConnector(name, config):
                self._put_connector(name, config)
            case PutConnectorWithoutOffsets(name, config):
                put_without_offsets(connect, self._clock, name, lambda: self._put_connector(name, config))
            case TakeOverConnector(name, config, former):
                take_over(connect, self._clock, name, config, former)
            case ResumeConnector(name):
                connect.resume(name)
            case RestartConnector(name, only_failed):
                connect.restart(name, only_failed=only_failed)
            case DeleteConnector(name):
                connect.delete(name)
            case RunStatement(statement):
                self._statements.run([statement])
            case DropLiveSource(name, kind, topic):
                ksqldb.execute(drop_source(kind, name, if_exists=True, delete_topic=bool(topic)))
                if topic:
                    self._await_deletion(topic)
            case DropLiveType(name):
                ksqldb.execute(drop_type(name))
            case ResumeLiveQuery(query_id):
                ksqldb.execute(resume(query_id))
            case TerminateLiveQuery(query_id):
                self._terminate(query_id)
            case PutTemplate() | UpdateIndex() | CopyIndex() | DeleteTemplate() | CreateBucket() | ImportDashboard():
                self._perform_on_sinks(step)
            case StartService(name):
                self._services().start(name)
            case RestartService(name):
                self._services().restart(name, wait_s=0)
            case StopService(name):
                self._services().stop(name)
            case StopConnector(name):
                stop_sink(connect, self._clock, name)
            case BeginRebuild(rebuild):
                self._rebuilds.begin(rebuild)
            case AwaitReaders(groups):
                self._rebuilds.await_readers(groups)
            case FinishRebuild(rebuild):
                self._rebuilds.finish(rebuild)
            case _:
                assert_never(step)

    def _perform_on_sinks(
        self, step: PutTemplate | UpdateIndex | CopyIndex | DeleteTemplate | CreateBucket | ImportDashboard
    ) -> None:
        platform = self._platform
        match step:
            case PutTemplate(name, body) if platform.search is not None:
                platform.search.put_template(name, body)
            case UpdateIndex(name, mapping, settings) if platform.search is not None:
                platform.search.indices.update(name, mapping, settings)
            case CopyIndex() if platform.search is not None:
                copy_index(platform.search.indices, platform.connect, self._clock, step)
            case DeleteTemplate(name) if platform.search is not None:
                platform.search.delete_template(name)
            case CreateBucket(name) if platform.s3 is not None:
                platform.s3.create_bucket(name)
            case ImportDashboard(dashboard) if platform.kibana is not None:
                platform.kibana.import_objects(saved_objects(dashboard))
            case _:
                raise NotReady(
                    "target",
                    type(step).__name__,
                    "this target has no such system (search, S3 or Kibana); run `plan` again",
                )

    def _services(self) -> ServiceControl:
        if self._platform.services is None:
            raise NotReady("supervisor", "services", "this target has no supervisor; start its services where they run")
        return self._platform.services

    def _create_topic(self, topic: TopicDescription) -> None:
        self._platform.kafka.create(topic)
        deadline = self._clock.monotonic() + TOPIC_PATIENCE_S
        # The controller knows the topic before every broker lists it; until then a statement on it would be refused.
        while topic.name not in self._platform.kafka.topics():
            if self._clock.monotonic() > deadline:
                raise NotReady(
                    "Kafka", f"topic {topic.name}", f"not listed {TOPIC_PATIENCE_S:.0f} s after it was created"
                )
            self._clock.sleep(POLL_S)

    def _delete_topic(self, name: str) -> None:
        self._platform.kafka.delete(name)
        self._await_deletion(name)

    def _await_deletion(self, name: str) -> None:
        deadline = self._clock.monotonic() + TOPIC_PATIENCE_S
        # Brokers delete a topic one after another; until then one of its name cannot be created.
        while name in self._platform.kafka.topics():
            if self._clock.monotonic() > deadline:
                raise NotReady("Kafka", f"topic {name}", f"still listed {TOPIC_PATIENCE_S:.0f} s after it was deleted")
            self._clock.sleep(POLL_S)

    def _terminate(self, query_id: str) -> None:
        ksqldb = self._platform.ksqldb
        try:
            ksqldb.execute(terminate(query_id))
        except Refused:
            # It may have ended meanwhile, or an answer was lost.
            if any(query.id == query_id for query in ksqldb.queries()):
                raise

    def _put_connector(self, name: str, config: Mapping[str, str]) -> None:
        connect = self._platform.connect
        try:
            connect.put(name, config)
        except Refused as error:
            # Connect turns some failures of a connector's checks into a bare 500, whether or not it stored the config.
            if error.status != 500:
                raise
            if connect.config(name) == config:
                return
            self._put_again(name, config)

    def _put_again(self, name: str, config: Mapping[str, str]) -> None:
        try:
            self._platform.connect.put(name, config)
        except Refused as error:
            body = f"{error.body} (the cause is in {self._platform.log_of('connect')})"
            raise Refused(error.system, error.request, status=error.status, body=body) from error
