"""Starts the embedded platform from another process: the basis of `up`."""

from __future__ import annotations

import fcntl
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from bifrost.clients.supervisor import ComponentStatus, SupervisorClient
from bifrost.errors import ComponentError, Unreachable
from bifrost.security.secure_folder import secure_folder
from bifrost.settings import Settings
from bifrost.supervisor import ports, preflight
from bifrost.supervisor.install import connect_plugins, jmx_exporter
from bifrost.supervisor.install.java import find_java
from bifrost.supervisor.install.jvm_stack import install
from bifrost.supervisor.install.maven import Progress
from bifrost.supervisor.platform_components import COMPONENTS, ON_COMMAND
from bifrost.supervisor.port_claims import PortClaims
from bifrost.supervisor.processes.child_process import ended_with_parent
from bifrost.supervisor.processes.component_logs import failure_line, log_limits, log_path, rotate_before_start
from bifrost.supervisor.processes.leftovers import kill_leftovers
from bifrost.supervisor.scrape_targets import write_scrape_targets
from bifrost.supervisor.stop import naming_the_home, stop_platform
from bifrost.supervisor.supervisor_lock import is_supervised, lock_for_supervisor

READY_S = 300.0
"""Longer than each component has to become ready (`Component.ready_within_s`)."""
NEWS_S = 20.0
"""After this long without a component that becomes ready, what is still starting is shown."""
ANSWER_S = 60.0
LOCK_S = 300.0
_POLL_S = 0.1


def start_platform(
    settings: Settings,
    *,
    progress: Progress,
    automatic_ports: bool = False,
    only: Collection[str] | None = None,
    on_command: Collection[str] = (),
    end_with_caller: bool = False,
) -> Settings:
    """Start the platform, or the missing components of a running one, and return when it is ready.

    Services and generators are not included; start them by name afterwards. Databases that only some pipelines need
    are included if `on_command` names them.

    Args:
        progress: receives lines to show to the user.
        automatic_ports: replace occupied ports by free ones; otherwise an occupied port is an error.
        only: names of the components to start; by default all.
        on_command: names of components that start on request only, to start beside the others.
        end_with_caller: stop the platform when this process ends (`up --foreground`).

    Returns:
        The settings with the platform's ports.

    Raises:
        ComponentError: a requirement is missing (the message lists all; nothing was started), or a component did not
            become ready (what was started has been stopped again), or the home cannot be written.
    """
    with naming_the_home(settings), start_lock(settings):
        client = SupervisorClient(settings, timeout_s=READY_S, on_wait=progress)
        fresh = not is_supervised(settings, client, progress)
        if fresh:
            _start(settings, progress, automatic_ports, only, end_with_caller)
        else:
            _refuse_other_security(settings)
            _start_missing(client)
        for name in on_command:
            client.start(name)
        try:
            _wait_until_ready(client, progress, frozenset(on_command))
        except ComponentError:
            if fresh:
                stop_platform(settings, progress=progress)
            raise
    return Settings(settings.values, settings.project)


def _start(
    settings: Settings, progress: Progress, automatic_ports: bool, only: Collection[str] | None, end_with_caller: bool
) -> None:
    left = kill_leftovers(settings.home)
    if left:
        progress(f"killed {len(left)} processes that a killed supervisor left behind")
    # A platform that was killed left it, and what it says of ports and security is no longer true.
    settings.endpoints_file.unlink(missing_ok=True)
    settings = Settings(settings.values, settings.project)
    with PortClaims() as claims:
        assignment = ports.assign_ports(settings, claims, automatic=automatic_ports)
        found = preflight.problems(settings, only or COMPONENTS, assignment)
        if found:
            raise ComponentError("preflight", "nothing was started:" + "".join(f"\n  - {problem}" for problem in found))
        java = find_java(settings)
        if java is not None:
            install(settings, java, progress)
            connect_plugins.install(settings, progress)
            if settings.has_jmx:
                jmx_exporter.install(settings, progress)
        if settings.is_secured:
            for made in secure_folder(settings).prepare(datetime.now(UTC)):
                progress(f"made {made}")
        for path in (settings.previous_ports_file, settings.endpoints_file):
            ports.write_ports(path, assignment.ports, secured=settings.is_secured, jmx=settings.has_jmx)
        write_scrape_targets(settings, assignment.ports)
        _spawn_daemon(settings, only or (), claims, end_with_caller)


def _spawn_daemon(settings: Settings, only: Collection[str], claims: PortClaims, end_with_caller: bool) -> None:
    log = log_path(settings, "supervisor")
    rotate_before_start(log, log_limits(settings))
    environment = {**settings.values, "BIFROST_HOME": str(settings.home)}
    inherited = ",".join(map(str, claims.file_descriptors))
    command = (sys.executable, "-m", "bifrost.supervisor", f"--port-claims={inherited}", *only)
    if end_with_caller:
        command = ended_with_parent(command, environment, signal.SIGTERM)
    with log.open("ab") as output, lock_for_supervisor(settings) as lock:
        start = output.tell()
        daemon = subprocess.Popen(
            command,
            cwd=settings.project,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=(*claims.file_descriptors, lock.fileno()),
        )
    client = SupervisorClient(settings, timeout_s=ANSWER_S)
    end = time.monotonic() + ANSWER_S
    while not client.is_running():
        if daemon.poll() is not None or time.monotonic() > end:
            problem = failure_line(log, start) or "does not answer on its control socket"
            raise ComponentError("supervisor", problem, log=log)
        time.sleep(_POLL_S)


def _refuse_other_security(settings: Settings) -> None:
    wanted = settings.get("BIFROST_SECURE")
    if wanted and (wanted == "1") != settings.is_secured:
        runs, asked = ("with", "without") if settings.is_secured else ("without", "with")
        raise ComponentError("platform", f"runs {runs} security; `down` first, then `up` starts it {asked} security")


def _start_missing(client: SupervisorClient) -> None:
    for status in client.status():
        if status.name not in ON_COMMAND and status.state in ("failed", "stopped"):
            client.start(status.name)


def _wait_until_ready(client: SupervisorClient, progress: Progress, on_command: frozenset[str]) -> None:
    began = news = time.monotonic()
    reported: set[str] = set()
    while True:
        statuses = _statuses(client)
        now = time.monotonic()
        optional = frozenset(ON_COMMAND) - on_command
        waiting = [status for status in statuses if status.name not in reported and status.name not in optional]
        for status in waiting:
            if status.is_up:
                reported.add(status.name)
                progress(f"{status.name} is {status.state} after {now - began:.1f} s")
                news = now
            elif status.state == "failed":
                raise ComponentError(status.name, status.cause, log=Path(status.log))
        missing = [status for status in waiting if not status.is_up]
        if not missing:
            return
        if now - began > READY_S:
            names = ", ".join(f"{status.name} is {status.state}" for status in missing)
            raise ComponentError("platform", f"not ready after {READY_S:.0f} s: {names}")
        if now - news > NEWS_S:
            progress(f"waiting for {', '.join(status.name for status in missing)} ({now - began:.0f} s)")
            news = now
        time.sleep(_POLL_S)


def _statuses(client: SupervisorClient) -> list[ComponentStatus]:
    try:
        return client.status()
    except Unreachable as error:
        raise ComponentError("supervisor", "ended while the platform was starting") from error


@contextmanager
def start_lock(settings: Settings) -> Iterator[None]:
    """Allow one start at a time; the operating system frees the lock when its process ends."""
    settings.run.mkdir(parents=True, exist_ok=True)
    settings.run.chmod(0o700)
    settings.logs.mkdir(parents=True, exist_ok=True)
    with (settings.run / "launch.lock").open("w") as file:
        end = time.monotonic() + LOCK_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise ComponentError("platform", "another start is still in progress") from None
                time.sleep(_POLL_S)
        yield
