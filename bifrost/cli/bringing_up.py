"""What `up` does."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bifrost.cli.endpoints import visible_endpoints
from bifrost.cli.locking import deploying_alone
from bifrost.cli.logged_stop import stop_logged
from bifrost.cli.losses import accept_losses
from bifrost.cli.options import refuse_remote, require_embedded
from bifrost.cli.output import Screen
from bifrost.cli.pending_action import pending_action
from bifrost.cli.plan_files import open_saved_plan
from bifrost.cli.projects import read_declarations, warn_of
from bifrost.cli.rotating import continue_running_rotation
from bifrost.clients.http import SystemClock
from bifrost.clients.supervisor import UP, SupervisorClient
from bifrost.deployer.declared.declarations import Declarations
from bifrost.deployer.deploy import PlannedDeployment, ProjectDeclarations, deploy, refuse_failures
from bifrost.deployer.live.state import open_platform
from bifrost.deployer.plan.actions import Action, DeploymentPlan
from bifrost.deployer.plan.losses import AllowedLosses
from bifrost.deployer.plan.options import PlanOptions
from bifrost.deployer.plan.plan_text import action_line, plan_json, result_summary
from bifrost.deployer.plan.saved_plan import refuse_moved
from bifrost.deployer.targets import substitutions
from bifrost.errors import ComponentError
from bifrost.operations.action_log import account_name, action_log_of
from bifrost.operations.needed_components import databases_of
from bifrost.operations.watch.disk_guard import forget_generators
from bifrost.operations.watch.watch_state import watched_failures
from bifrost.security.console_password import USER
from bifrost.security.open_parts import open_parts_of
from bifrost.security.secure_folder import secure_folder
from bifrost.settings import Settings
from bifrost.supervisor import compose_containers, launch
from bifrost.supervisor.components.generator import DEMOS

ACTION = "up"
"""The name of what it changes, in the log of actions."""
DEMO_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class UpRequest:
    """What a person asks of `up`.

    `pipelines` are the selected ones (empty: all), `saved` is a plan to carry out in place of a new one, `allowed` are
    the losses that are accepted. `foreground` stays until it is interrupted, `demos` starts the demo data generators,
    `automatic_ports` replaces occupied ports.
    """

    pipelines: tuple[str, ...]
    options: PlanOptions
    allowed: AllowedLosses
    saved: Path | None
    yes: bool
    foreground: bool
    demos: bool
    automatic_ports: bool
    lock_timeout_s: float
    as_json: bool


def bring_up(settings: Settings, request: UpRequest) -> None:
    """Start the target, deploy what is declared, and return when all of it runs.

    Raises:
        BifrostError: it names what failed, and on which thing.
    """
    screen = Screen(as_json=request.as_json)
    if request.foreground:
        require_embedded(settings, "--foreground")
    if settings.get("BIFROST_SECURE") == "1":
        refuse_remote(settings, "--secure (BIFROST_SECURE)")
    pipelines, options, plan_file = request.pipelines, request.options, None
    if request.saved is not None:
        plan_file = open_saved_plan(request.saved, settings, pipelines, options)
        pipelines, options = plan_file.scope.pipelines, plan_file.scope.options
    declarations = read_declarations(settings, pipelines)
    selected = declarations.selected
    settings = _start_target(settings, selected, screen, request)
    with pending_action(action_log_of(settings), ACTION) as pending:

        def accept(found: PlannedDeployment) -> None:
            if plan_file is not None:
                refuse_moved(plan_file, found.plan, found.declared, found.live)
            accept_losses(found.plan, request.allowed, screen, yes=request.yes)
            if changes := found.plan.changes:
                pending.begin(f"{len(changes)} changes on {settings.target}", map(action_line, changes))

        plan, writes = _deploy(settings, declarations, screen, options, accept, request.lock_timeout_s)
        pending.result = _written(plan, writes)
    # After the deployment, which creates the topics and tables that the demos write to.
    if settings.target == "embedded" and request.demos:
        with screen.working("starting the demo data generators"):
            _start_demos(settings, {item.pipeline for item in selected.pipeline_items}, screen)
    with open_platform(settings) as platform:
        # Also what was not deployed now, and what failed on the first records of the demos.
        for other in refuse_failures(platform, declarations.everything):
            screen.warn(f"{other.system}: {other.thing}: {other.problem}")
    if settings.target == "embedded":
        # A connector without a connection to its database runs, for Connect.
        for line in watched_failures(settings.watch_state):
            screen.warn(line)
    _show_result(settings, plan, writes, screen)
    if request.foreground:
        _stay(settings, screen)


def _start_target(settings: Settings, selected: Declarations, screen: Screen, request: UpRequest) -> Settings:
    """Start the parts of a target that runs here; returns the settings with the ports that it took."""
    if settings.target == "embedded":
        with screen.working("starting the platform"):
            with pending_action(action_log_of(settings), ACTION) as pending:
                if not SupervisorClient(settings).is_running():
                    pending.begin("platform", ("Start the platform.",))
                    forget_generators(settings.disk_pause)
                started = launch.start_platform(
                    settings,
                    progress=screen.progress,
                    automatic_ports=request.automatic_ports,
                    on_command=databases_of(selected.connectors),
                    end_with_caller=request.foreground,
                )
                pending.result = "It runs, secured." if started.is_secured else "It runs."
        _complete_rotation(started, screen)
        return started
    if settings.target == "compose":
        lines = ("Start the containers, or change those that run.",)
        log = action_log_of(settings)
        with screen.working("starting the containers"), log.logged(account_name(), ACTION, "containers", lines):
            compose_containers.start_containers(settings, progress=screen.progress)
        # A copy reads the logins that the start has made.
        return settings.with_values()
    return settings


def _complete_rotation(settings: Settings, screen: Screen) -> None:
    """Continue a rotation that was interrupted while the platform kept running; a fresh start has completed it."""
    folder = secure_folder(settings)
    if settings.is_secured and folder.rotation.state() is not None:
        screen.progress("continuing the rotation of certificates and passwords that was interrupted")
        with launch.start_lock(settings):
            continue_running_rotation(folder, settings, screen)


def _deploy(
    settings: Settings,
    declarations: ProjectDeclarations,
    screen: Screen,
    options: PlanOptions,
    accept: Callable[[PlannedDeployment], None],
    lock_timeout_s: float,
) -> tuple[DeploymentPlan, int]:
    def report(number: int, total: int, action: Action) -> None:
        check()
        screen.progress(f"{number}/{total} {action.kind} {action.resource} {action.name}")

    with (
        open_platform(settings, on_wait=screen.progress) as platform,
        screen.working("deploying"),
        deploying_alone(platform, screen, lock_timeout_s) as check,
    ):
        return deploy(
            platform,
            declarations,
            substitutions(settings),
            SystemClock(),
            options=options,
            accept=accept,
            on_problems=lambda problems: warn_of(problems, screen),
            on_action=report,
            on_wait=screen.progress,
        )


def _start(settings: Settings, name: str, patience_s: float) -> bool:
    """Start a component and wait until it is up; returns whether it was down before."""
    supervisor = SupervisorClient(settings, timeout_s=patience_s)
    if supervisor.component(name).state in UP:
        return False
    with action_log_of(settings).logged(
        account_name(), ACTION, f"component {name}", ("Generate demo data.",)
    ) as result:
        status = supervisor.start(name, wait_s=patience_s)
        if status.state not in UP:
            raise ComponentError(name, status.cause or f"is {status.state}", log=settings.logs / f"{name}.log")
        result.text = "It runs."
    return True


def _start_demos(settings: Settings, pipelines: set[str], screen: Screen) -> None:
    for pipeline, name in DEMOS.items():
        if pipeline in pipelines and _start(settings, name, DEMO_PATIENCE_S):
            screen.progress(f"{name} generates demo data for {pipeline} (`up --no-demo` does not start it)")


def _written(plan: DeploymentPlan, writes: int) -> str:
    return f"{result_summary(plan)}; {writes} write{'' if writes == 1 else 's'}"


def _show_result(settings: Settings, plan: DeploymentPlan, writes: int, screen: Screen) -> None:
    endpoints = visible_endpoints(settings)
    if screen.as_json:
        result: dict[str, Any] = {
            **plan_json(plan, settings.target),
            "running": True,
            **({"secured": True, "open": list(_open_parts(settings))} if settings.is_secured else {}),
            "writes": writes,
            "seconds": round(screen.seconds, 1),
            "endpoints": endpoints,
        }
        screen.json(result)
        return
    for item in plan.undeclared:
        screen.warn(f"{item.resource} {item.name} is not declared")
    what = "What was selected" if plan.left_out else "Everything"
    screen.say(f"{what} runs: {_written(plan, writes)}, {screen.seconds:.1f} s.")
    for name, part in (("console", "console"), ("ksqlDB", "ksqldb"), ("Connect", "connect")):
        if endpoints[part]:
            screen.say(f"  {name:<8} {endpoints[part]}")
    if settings.is_secured:
        screen.say("Secured: each program has a user or certificate, and only the rights in Kafka that it needs.")
        if settings.target == "embedded":
            _show_console_login(settings, screen)
        if still_open := _open_parts(settings):
            screen.say(f"Still open to every program of this machine: {', '.join(still_open)}.")
    screen.say('Next: `status`, `logs NAME -f`, `ksql -e "SHOW QUERIES;"`, `down`.')


def _open_parts(settings: Settings) -> tuple[str, ...]:
    dashboards = ("Kibana",) if settings.target == "compose" else ()
    return (*dashboards, *open_parts_of(settings))


def _show_console_login(settings: Settings, screen: Screen) -> None:
    """Say who logs in to the console. A person's first password is made only where a person sees it: on a terminal."""
    password = secure_folder(settings).console_password
    if password.version:
        screen.say(f"Log in to the console as {USER}. If the password is lost, `secure password` makes another one.")
    elif screen.is_terminal:
        screen.say(f"Log in to the console as {USER} with the password {password.renew()}")
        screen.say("It is shown only now. If it is lost, `secure password` makes another one.")
    else:
        screen.say(f"`secure password` makes and shows the password with which {USER} logs in to the console.")


def _stay(settings: Settings, screen: Screen) -> None:
    supervisor = SupervisorClient(settings, timeout_s=launch.READY_S, on_wait=screen.progress)
    screen.progress("staying in the foreground; interrupt to stop the platform")
    try:
        while supervisor.is_running():
            time.sleep(1)
    except KeyboardInterrupt:
        stop_logged(settings, screen, ACTION)
        return
    raise ComponentError("supervisor", "ended", log=settings.logs / "supervisor.log")
