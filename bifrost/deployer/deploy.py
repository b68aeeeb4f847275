"""What `plan` and `up` do on a target: compare, check, carry out, and wait until everything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from bifrost.clients.http import Clock
from bifrost.deployer.apply.await_running import (
    SETTLE_S,
    UNCHANGED_SETTLE_S,
    NotRunning,
    await_running,
    failure,
    live_failures,
)
from bifrost.deployer.apply.deployment import Deployment, OnAction, refuse_blocked
from bifrost.deployer.checks import validation_record
from bifrost.deployer.checks.connect_validate import (
    ConnectorProblem,
    check_connectors,
    check_variables,
    refuse_connector_problems,
)
from bifrost.deployer.checks.worker_plugins import adapted, read_offer
from bifrost.deployer.declared.declarations import BUCKET_KEY, Declarations
from bifrost.deployer.declared.files import load
from bifrost.deployer.live.read_live import is_running
from bifrost.deployer.live.state import LiveState, Platform
from bifrost.deployer.live.topic_details import with_topic_details
from bifrost.deployer.plan.actions import (
    CreateBucket,
    DeploymentPlan,
    PutConnector,
    PutConnectorWithoutOffsets,
    TakeOverConnector,
)
from bifrost.deployer.plan.declared_rights import declared_rights
from bifrost.deployer.plan.make_plan import make_plan, statement_scope
from bifrost.deployer.plan.options import PlanOptions
from bifrost.deployer.plan.selection import select_actions, selected_declarations
from bifrost.deployer.plan.statements import topics_of_changes
from bifrost.deployer.settled_state import OnWait, read_settled
from bifrost.deployer.targets import (
    Substitutions,
    dropped_converter_keys,
    for_target,
    substitutions,
    unavailable_connectors,
)
from bifrost.errors import ComponentError, NotReady, Unreachable
from bifrost.settings import Settings

Problems = tuple[ConnectorProblem, ...]


@dataclass(frozen=True, slots=True)
class ProjectDeclarations:
    """All declarations of a project and the part that is deployed."""

    everything: Declarations
    selected: Declarations


@dataclass(frozen=True, slots=True)
class PlannedDeployment:
    """A plan and what it was made from: the selected declarations as the target runs them, and the live state."""

    plan: DeploymentPlan
    declared: Declarations
    live: LiveState


def load_declarations(settings: Settings) -> Declarations:
    """Everything declared, as written.

    Raises:
        DeclarationError: a file is wrong; for the embedded target, also when a statement is.
    """
    everything = load(settings.project)
    # Another ksqlDB server may have functions that the embedded engine lacks.
    if settings.target == "embedded" and not validation_record.is_recorded(settings):
        # Imported when needed: with it comes the whole SQL engine.
        from bifrost.deployer.checks.validate import refuse_file_problems, validate

        refuse_file_problems(validate(settings.project, substitutions(settings)))
        validation_record.record(settings)
    return everything


def plan_deployment(
    platform: Platform,
    declarations: ProjectDeclarations,
    table: Substitutions,
    clock: Clock,
    *,
    options: PlanOptions,
    on_wait: OnWait,
) -> tuple[PlannedDeployment, Problems]:
    """The plan with what it was made from, and what is wrong with the connectors that it would write.

    Args:
        options: what a person chose about the plan.
        on_wait: is called while ksqlDB is starting or stopping.

    Raises:
        Unreachable, NotReady: a part of the target does not answer while others do.
    """
    everything, selected, table, problems = _on_workers(platform, declarations, table)
    live = read_settled(platform, selected, clock, on_wait)
    planned = _planned(platform, ProjectDeclarations(everything, selected), live, options)
    return planned, (*problems, *_check_connectors(platform, selected, planned.plan, table))


def deploy(
    platform: Platform,
    declarations: ProjectDeclarations,
    table: Substitutions,
    clock: Clock,
    *,
    options: PlanOptions,
    accept: Callable[[PlannedDeployment], None],
    on_problems: Callable[[Problems], None],
    on_action: OnAction,
    on_wait: OnWait,
) -> tuple[DeploymentPlan, int]:
    """Plan, carry the plan out, and wait until everything declared runs.

    Args:
        options: what a person chose about the plan.
        accept: is called before anything is changed, and raises `PlanRefused` to prevent it.
        on_problems: receives what is wrong with connectors, warnings included, before anything is changed.
        on_action: is called before each change.
        on_wait: receives what is being waited for: ksqlDB while it starts or stops, then what does not run yet.

    Returns:
        The plan and the number of writes.

    Raises:
        PlanRefused: a part of the plan is left to a person, or `accept` refuses it; nothing was changed.
        DeclarationError: Connect does not accept a connector; nothing was changed.
        ComponentError: a process of the embedded platform died.
        RemoteError: a step failed, or something does not run.
    """
    with _naming_dead_components(platform):
        everything, selected, table, warnings = _on_workers(platform, declarations, table)
        live = read_settled(platform, selected, clock, on_wait)
        planned = _planned(platform, ProjectDeclarations(everything, selected), live, options)
        plan = planned.plan
        if not plan.is_running:
            raise NotReady("target", "deploy", "no part of it answers; start it first")
        refuse_blocked(plan)
        accept(planned)
        problems = (*warnings, *_check_connectors(platform, selected, plan, table))
        on_problems(problems)
        refuse_connector_problems(problems)
        deployment = Deployment(platform, selected, clock)
        with nullcontext() if platform.rights is None else platform.rights.during(declared_rights(everything)):
            deployment.carry_out(plan, on_action)
            filtered = selected_declarations(selected, options.filter)
            settle_s = SETTLE_S if deployment.writes else UNCHANGED_SETTLE_S
            await_running(platform, filtered, clock, settle_s=settle_s, on_wait=on_wait)
    return plan, deployment.writes


def _planned(
    platform: Platform, declarations: ProjectDeclarations, live: LiveState, options: PlanOptions
) -> PlannedDeployment:
    """The plan, and the live state with what it had to know about the topics of changed statements."""
    everything, selected = declarations.everything, declarations.selected
    scope = statement_scope(everything, live, options)
    if live.is_running:
        live = with_topic_details(platform, live, topics_of_changes(selected, live, scope))
    plan = make_plan(selected, live, everything=everything, options=options)
    return PlannedDeployment(select_actions(plan, options.filter, selected), selected, live)


def _on_workers(
    platform: Platform, declarations: ProjectDeclarations, table: Substitutions
) -> tuple[Declarations, Declarations, Substitutions, Problems]:
    """All declarations and the selected ones as the target's workers run them, and warnings of what they lack."""
    everything, selected = declarations.everything, declarations.selected
    warnings: list[ConnectorProblem] = []
    if everything.connectors and is_running(platform):
        before = unavailable_connectors(everything, table)
        table = adapted(table, everything, read_offer(platform.connect))
        missing = unavailable_connectors(selected, table)
        for connector in selected.connectors:
            if connector.name in missing and connector.name not in before:
                warnings.append(ConnectorProblem(connector, f"is not deployed: {missing[connector.name]}", False))
    for connector in selected.connectors:
        for key in dropped_converter_keys(connector, table):
            text = f"{key}: has no effect here, because the workers' own converter takes the place of the connector's"
            warnings.append(ConnectorProblem(connector, text, False))
    return for_target(everything, table), for_target(selected, table), table, tuple(warnings)


def refuse_failures(platform: Platform, declared: Declarations) -> list[NotRunning]:
    """Raise if anything declared has failed by now; return what else on the target has failed.

    Raises:
        NotReady: a declared connector, one of its tasks or a declared query has failed, with its cause.
    """
    declared_failures, others = live_failures(platform, declared)
    if declared_failures:
        raise failure(declared_failures)
    return others


def _check_connectors(
    platform: Platform, selected: Declarations, plan: DeploymentPlan, table: Substitutions
) -> Problems:
    """Asks Connect to validate every connector that would be written."""
    operations = [operation for action in plan.changes for operation in action.operations]
    puts = (PutConnector, PutConnectorWithoutOffsets, TakeOverConnector)
    written = {operation.name for operation in operations if isinstance(operation, puts)}
    connectors = [connector for connector in selected.connectors if connector.name in written]
    missing = check_variables(connectors, table.variables)
    if missing or not plan.is_running:
        return missing
    # A bucket that is created before the connector is no reason against the connector.
    new_buckets = {operation.name for operation in operations if isinstance(operation, CreateBucket)}
    return tuple(
        problem
        for problem in check_connectors(platform.connect, connectors)
        if not (problem.is_about(BUCKET_KEY) and problem.connector.bucket in new_buckets)
    )


@contextmanager
def _naming_dead_components(platform: Platform) -> Iterator[None]:
    """Where a part does not answer because its process died, report that instead."""
    try:
        yield
    except Unreachable as error:
        dead = _dead_component(platform)
        if dead is None:
            raise
        raise dead from error


def _dead_component(platform: Platform) -> ComponentError | None:
    if platform.services is None:
        return None
    try:
        down = [status for status in platform.services.status() if status.state in ("failed", "backoff")]
    except Unreachable:
        return ComponentError("supervisor", "ended during the deployment")
    return ComponentError(down[0].name, down[0].cause, log=Path(down[0].log)) if down else None
