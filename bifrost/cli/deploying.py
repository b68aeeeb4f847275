"""`plan`, `up` and `validate`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from bifrost.cli.options import (
    JsonOption,
    PipelinesArgument,
    PruneOption,
    TargetOption,
    require_embedded,
    settings_for,
)
from bifrost.cli.output import Screen
from bifrost.clients.http import SystemClock
from bifrost.clients.supervisor import UP, SupervisorClient
from bifrost.deployer.apply.await_running import await_running
from bifrost.deployer.apply.deployment import Deployment, refuse_blocked
from bifrost.deployer.checks.connect_validate import (
    ConnectorProblem,
    check_connectors,
    check_variables,
    refuse_connector_problems,
)
from bifrost.deployer.checks.validate import refuse_file_problems, validate
from bifrost.deployer.declared.declarations import BUCKET_KEY, Declarations
from bifrost.deployer.declared.files import load
from bifrost.deployer.live.state import Platform, open_platform, read_live
from bifrost.deployer.plan.actions import Action, CreateBucket, DeploymentPlan, PutConnector
from bifrost.deployer.plan.make_plan import make_plan
from bifrost.deployer.plan.plan_text import plan_json, plan_lines, result_summary
from bifrost.deployer.targets import Substitutions, for_target, substitutions, variables_of
from bifrost.errors import ComponentError, NotReady, SettingError, Unreachable
from bifrost.settings import Settings
from bifrost.supervisor import compose_containers, launch
from bifrost.supervisor.components.generator import DEMOS

CHANGES = 3
DEMO_PATIENCE_S = 10.0
DATABASE_PATIENCE_S = 60.0
DATABASES: Mapping[str, str] = {"postgres": "POSTGRES_HOST"}
"""Components that are started when a connector names this variable."""


def plan_command(
    pipelines: PipelinesArgument = None,
    prune: PruneOption = False,
    as_json: JsonOption = False,
    target: TargetOption = None,
) -> None:
    """Show what `up` would do. Exit code 3 if there is anything to do, 0 if not."""
    settings, screen = settings_for(target), Screen(as_json=as_json)
    everything, selected = _declarations(settings, pipelines or ())
    with open_platform(settings) as platform, screen.working("comparing with what runs"):
        plan = make_plan(selected, read_live(platform, selected), everything=everything, prune=prune)
        problems = _check(platform, selected, plan, substitutions(settings))
    if as_json:
        screen.json(plan_json(plan, settings.target))
    else:
        screen.lines(plan_lines(plan))
    _warn_of(problems, screen)
    refuse_connector_problems(problems)
    raise typer.Exit(CHANGES if plan.changes else 0)


def up_command(
    pipelines: PipelinesArgument = None,
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Stay, and stop the platform when interrupted.")
    ] = False,
    ports: Annotated[str, typer.Option(help="`auto` takes free ports in place of taken ones.")] = "fixed",
    no_demo: Annotated[bool, typer.Option("--no-demo", help="Do not play the outside world.")] = False,
    prune: PruneOption = False,
    as_json: JsonOption = False,
    target: TargetOption = None,
) -> None:
    """Start the platform (embedded target), deploy what is declared, and return when all of it runs."""
    if ports not in ("fixed", "auto"):
        raise typer.BadParameter(f"{ports!r} is neither fixed nor auto", param_hint="--ports")
    settings, screen = settings_for(target), Screen(as_json=as_json)
    if foreground:
        require_embedded(settings, "--foreground")
    everything, selected = _declarations(settings, pipelines or ())
    if settings.target == "embedded":
        with screen.working("starting the platform"):
            settings = launch.start_platform(
                settings, progress=screen.progress, automatic_ports=ports == "auto", end_with_caller=foreground
            )
        _start_databases(settings, selected, screen)
    if settings.target == "compose":
        with screen.working("starting the containers"):
            compose_containers.start_containers(settings, progress=screen.progress)
    plan, writes = _deploy(settings, everything, selected, screen, prune=prune)
    if settings.target == "embedded" and not no_demo:
        _start_demos(settings, {item.pipeline for item in selected.pipeline_items}, screen)
    _show_result(settings, plan, writes, screen)
    if foreground:
        _stay(settings, screen)


def validate_command(as_json: JsonOption = False, target: TargetOption = None) -> None:
    """Check all declarations with nothing running: files, names, schemas, and the types of all statements."""
    settings, screen = settings_for(target), Screen(as_json=as_json)
    problems = validate(settings.project, substitutions(settings))
    errors = [problem for problem in problems if problem.is_error]
    if as_json:
        entries = [
            {
                "file": str(problem.path.relative_to(settings.project)),
                "line": problem.line,
                "problem": problem.text,
                "error": problem.is_error,
            }
            for problem in problems
        ]
        screen.json({"target": settings.target, "errors": len(errors), "problems": entries})
    else:
        for problem in problems:
            screen.say(str(problem).removeprefix(f"{settings.project}/"))
        screen.say(f"{len(errors)} errors, {len(problems) - len(errors)} warnings.")
    raise typer.Exit(1 if errors else 0)


def _declarations(settings: Settings, pipelines: Sequence[str]) -> tuple[Declarations, Declarations]:
    """Everything declared, and the chosen part of it, as the target runs them."""
    table = substitutions(settings)
    everything = for_target(load(settings.project), table)
    if settings.target == "embedded":
        # A server of somebody else may know functions that the embedded engine does not.
        refuse_file_problems(validate(settings.project, table))
    try:
        return everything, everything.select(pipelines)
    except SettingError as error:
        raise typer.BadParameter(str(error)) from error


def _deploy(
    settings: Settings, everything: Declarations, selected: Declarations, screen: Screen, *, prune: bool
) -> tuple[DeploymentPlan, int]:
    """Plan and carry out; the plan and the number of writes."""

    def report(number: int, total: int, action: Action) -> None:
        screen.progress(f"{number}/{total} {action.kind} {action.resource} {action.name}")

    clock = SystemClock()
    with open_platform(settings) as platform, screen.working("deploying"), _naming_dead_components(platform):
        plan = make_plan(selected, read_live(platform, selected), everything=everything, prune=prune)
        if not plan.is_running:
            raise NotReady(f"target {settings.target}", "deploy", "nothing of it answers; start it first")
        refuse_blocked(plan)
        problems = _check(platform, selected, plan, substitutions(settings))
        _warn_of(problems, screen)
        refuse_connector_problems(problems)
        deployment = Deployment(platform, selected, clock)
        deployment.carry_out(plan, report)
        await_running(platform, selected, clock)
    return plan, deployment.writes


@contextmanager
def _naming_dead_components(platform: Platform) -> Iterator[None]:
    """Where something does not answer because its process died, say that instead."""
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
        return ComponentError("supervisor", "ended while things were deployed")
    return ComponentError(down[0].name, down[0].cause, log=Path(down[0].log)) if down else None


def _check(
    platform: Platform, selected: Declarations, plan: DeploymentPlan, table: Substitutions
) -> tuple[ConnectorProblem, ...]:
    """Connect's opinion of every connector that would be written."""
    put = {step.name for action in plan.changes for step in action.operations if isinstance(step, PutConnector)}
    connectors = [item for item in selected.connectors if item.name in put]
    missing = check_variables(connectors, table.variables)
    if missing or not plan.is_running:
        return missing
    made = {step.name for action in plan.changes for step in action.operations if isinstance(step, CreateBucket)}
    # A bucket that is made before the connector is no reason against it.
    found = check_connectors(platform.connect, connectors)
    return tuple(
        problem for problem in found if not (problem.is_about(BUCKET_KEY) and problem.connector.bucket in made)
    )


def _warn_of(problems: Sequence[ConnectorProblem], screen: Screen) -> None:
    for problem in problems:
        if not problem.is_error:
            screen.warn(f"{problem.connector.name}: {problem.text}")


def _start_databases(settings: Settings, selected: Declarations, screen: Screen) -> None:
    """Start those databases that the platform does without until a connector names them."""
    values = (value for connector in selected.connectors for value in connector.config.values())
    named = {name for value in values for name in variables_of(value)}
    for name, variable in DATABASES.items():
        if variable in named and _start(settings, name, DATABASE_PATIENCE_S):
            screen.progress(f"{name} is ready")


def _start(settings: Settings, name: str, patience_s: float) -> bool:
    """Start a component and wait for it; whether it was not up before."""
    supervisor = SupervisorClient(settings)
    if supervisor.component(name).state in UP:
        return False
    status = supervisor.start(name, wait_s=patience_s)
    if status.state not in UP:
        raise ComponentError(name, status.cause or f"is {status.state}", log=settings.logs / f"{name}.log")
    return True


def _start_demos(settings: Settings, pipelines: set[str], screen: Screen) -> None:
    for pipeline, name in DEMOS.items():
        if pipeline in pipelines and _start(settings, name, DEMO_PATIENCE_S):
            screen.progress(f"{name} plays the outside world of {pipeline} (`up --no-demo` leaves that out)")


def _show_result(settings: Settings, plan: DeploymentPlan, writes: int, screen: Screen) -> None:
    endpoints = settings.endpoints
    if screen.as_json:
        result: dict[str, Any] = {
            **plan_json(plan, settings.target),
            "running": True,
            "writes": writes,
            "seconds": round(screen.seconds, 1),
            "endpoints": endpoints.as_json(),
        }
        screen.json(result)
        return
    for item in plan.undeclared:
        screen.warn(f"{item.resource} {item.name} is not declared")
    screen.say(f"Everything runs: {result_summary(plan)}; {writes} writes, {screen.seconds:.1f} s.")
    for name, value in (("console", endpoints.console), ("ksqlDB", endpoints.ksqldb), ("Connect", endpoints.connect)):
        if value:
            screen.say(f"  {name:<8} {value}")
    screen.say('Next: `status`, `logs NAME -f`, `ksql -e "SHOW QUERIES;"`, `down`.')


def _stay(settings: Settings, screen: Screen) -> None:
    supervisor = SupervisorClient(settings)
    screen.progress("staying in the foreground; interrupt to stop the platform")
    try:
        while supervisor.is_running():
            time.sleep(1)
    except KeyboardInterrupt:
        launch.stop_platform(settings, progress=screen.progress)
        return
    raise ComponentError("supervisor", "ended", log=settings.logs / "supervisor.log")
