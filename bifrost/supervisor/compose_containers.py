"""Starts the containers of the compose target, where a Docker engine runs."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from bifrost.errors import ComponentError
from bifrost.security.container_files import prepare_registry_user, remove_container_files, write_container_files
from bifrost.security.secure_folder import secure_folder
from bifrost.settings import Settings
from bifrost.supervisor.components.broker_security import prepare_users
from bifrost.supervisor.install.maven import Progress
from bifrost.supervisor.processes.component_logs import failure_line, log_path

FILE = "docker-compose.yml"
SECURED_FILE = "docker/secure.yml"
NAME = "compose"
BROKER_SERVICE = "kafka"
PROBE_TIMEOUT_S = 20.0
READY_S = 1800.0
"""The first start pulls and builds images."""


def start_containers(settings: Settings, *, progress: Progress) -> bool:
    """Start the containers that do not run yet, and return when all are healthy.

    Where Kafka is secured, it starts first: the other containers need users that only a running broker can create.

    Returns:
        Whether a Docker engine answers. Without one nothing is done: the parts may run elsewhere.

    Raises:
        ComponentError: the containers did not start; the message carries the engine's error.
        RemoteError: the secured broker does not answer, or refuses its own user.
    """
    _prepare_files(settings)
    command = _command(settings)
    if command is None:
        progress("no Docker engine answers; assuming that the parts already run")
        return False
    log = log_path(settings, NAME)
    log.parent.mkdir(parents=True, exist_ok=True)
    progress(f"{NAME}: starting the containers; the first time images are pulled and built (log: {log})")
    files = (FILE, SECURED_FILE) if settings.is_secured else (FILE,)
    whole = (*command, *(part for file in files for part in ("--file", str(settings.project / file))))
    if settings.is_secured:
        _run(settings, log, (*whole, "up", "--detach", "--wait", BROKER_SERVICE))
        prepare_registry_user(prepare_users(settings), secure_folder(settings))
    _run(settings, log, (*whole, "up", "--detach", "--build", "--wait"))
    return True


def _prepare_files(settings: Settings) -> None:
    """Write what the secured containers read, or remove what would let later commands take them for secured."""
    if not settings.is_secured:
        remove_container_files(settings.container_files)
        return
    folder = secure_folder(settings)
    folder.prepare(datetime.now(UTC))
    write_container_files(folder, settings.container_files)


def _run(settings: Settings, log: Path, command: tuple[str, ...]) -> None:
    with log.open("wb") as output:
        try:
            done = subprocess.run(
                command, env=_environment(settings), cwd=settings.project, stdout=output, stderr=output, timeout=READY_S
            )
        except subprocess.TimeoutExpired as late:
            raise ComponentError(NAME, f"not healthy within {READY_S:.0f} s", log=log) from late
    if done.returncode:
        raise ComponentError(NAME, failure_line(log) or f"exit code {done.returncode}", log=log)


def _environment(settings: Settings) -> dict[str, str]:
    """The variables of Docker Compose; each environment has containers and volumes of a separate name."""
    own = {"COMPOSE_PROJECT_NAME": f"bifrost-{settings.environment}"} if settings.environment else {}
    return {**own, **settings.values, "BIFROST_HOME": str(settings.home)}


def _command(settings: Settings) -> tuple[str, ...] | None:
    """The command of Docker Compose, `None` if it or the engine is missing."""
    docker = shutil.which("docker", path=settings.values.get("PATH", ""))
    if docker is None or not _works(settings, docker, "info"):
        return None
    return (docker, "compose") if _works(settings, docker, "compose", "version") else None


def _works(settings: Settings, program: str, *arguments: str) -> bool:
    try:
        done = subprocess.run(
            (program, *arguments),
            env=_environment(settings),
            cwd=settings.project,
            capture_output=True,
            timeout=PROBE_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
