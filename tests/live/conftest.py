"""A platform for the live tests: its own home and free ports, with the downloads and environment in place."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pymysql
import pytest

from bifrost import settings as project_settings
from bifrost.clients.supervisor import SupervisorClient
from bifrost.default_settings import LOOPBACK, PORTS
from bifrost.errors import SettingError
from bifrost.settings import PROJECT, Settings
from tests.live.targets import EMBEDDED, has_docker, lacking, missing_from, settings_of_target

UP_S = 600
COMPOSE_UP_S = 3600
"""The first start pulls and builds images."""
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of this folder are live: they share one platform.

    On a target that is not ours to start and kill, only the checks of the far ends run, if the target has their parts.
    """
    try:
        settings = settings_of_target()
        if settings.target != EMBEDDED:
            settings.endpoints  # noqa: B018
    except SettingError as error:
        pytest.exit(str(error), returncode=2)
    reasons: dict[tuple[str, ...], str] = {}
    for item in items:
        if HERE not in item.path.parents:
            continue
        item.add_marker(pytest.mark.live)
        if settings.target == EMBEDDED:
            continue
        mark = item.get_closest_marker("far_end")
        if mark is None:
            reason = "needs a platform that the tests start, kill and change"
        elif mark.args in reasons:
            reason = reasons[mark.args]
        else:
            reason = reasons[mark.args] = ", ".join(lacking(settings, mark.args))
        if reason:
            item.add_marker(pytest.mark.skip(reason=f"target {settings.target}: {reason}"))


@dataclass(frozen=True, slots=True)
class Platform:
    """A deployed platform, and the command that deployed it."""

    settings: Settings  # of its home, with the ports that it took

    def run(self, *arguments: str, check: bool = True, timeout_s: float = UP_S) -> subprocess.CompletedProcess[str]:
        """Run `scripts/deploy.py` for this platform; unless `check` is off, an error fails the test with all output."""
        command = (sys.executable, str(PROJECT / "scripts" / "deploy.py"), *arguments)
        done = subprocess.run(
            command, env=self.settings.values, cwd=PROJECT, capture_output=True, text=True, timeout=timeout_s
        )
        if check and done.returncode:
            pytest.fail(f"deploy.py {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def status(self) -> dict[str, Any]:
        """What `status --json` prints."""
        found: dict[str, Any] = json.loads(self.run("status", "--json").stdout)
        return found

    def mysql(self) -> "pymysql.Connection[pymysql.cursors.Cursor]":
        """A connection to the database of the customers, with the application's account."""
        parts = urlsplit(self.endpoints["mysql"])
        return pymysql.connect(
            host=parts.hostname or "",
            port=parts.port or 3306,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            database=parts.path.strip("/"),
            autocommit=True,
        )

    @property
    def endpoints(self) -> dict[str, str]:
        """Where its parts listen, by name as in `status --json`."""
        return self.settings.endpoints.as_json()

    @property
    def supervisor(self) -> SupervisorClient:
        """Its supervisor."""
        return SupervisorClient(self.settings)


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The platform under test: a new embedded one, or the target that `scripts/test --target` names."""
    settings = settings_of_target()
    match settings.target:
        case "embedded":
            yield from embedded_platform(tmp_path_factory.mktemp("home"))
        case "compose":
            if not has_docker():
                pytest.exit("the compose target needs a Docker engine, and none answers (docker info)", returncode=2)
            found = Platform(settings)
            # The containers stay: `docker compose down --volumes` removes them.
            found.run("up", "--no-demo", timeout_s=COMPOSE_UP_S)
            yield found
        case "remote":
            found = Platform(settings)
            if missing := missing_from(found.run("plan", "--json", check=False).stdout):
                names = ", ".join(missing[:5])
                text = f"the remote target lacks {len(missing)} declared things ({names}, ...); deploy them first"
                pytest.exit(text, returncode=2)
            yield found


def embedded_platform(home: Path) -> Iterator[Platform]:
    """The embedded platform with every pipeline deployed and no demo load; gone again after the last live test."""
    ours = project_settings.load()
    ports = free_ports()
    values = {
        **ours.values,
        **{f"BIFROST_PORT_{part.upper()}": str(port) for part, port in ports.items()},
        "BIFROST_HOME": str(home),
        "BIFROST_CACHE": str(ours.cache),
        "BIFROST_VENV": str(ours.venv),
        "BIFROST_TARGET": "embedded",
        # Never the real Slack and Telegram, whatever `.env` says.
        "SLACK_API_URL": f"http://{LOOPBACK}:{ports['console']}/",
        "TELEGRAM_API_URL": f"http://{LOOPBACK}:{ports['console']}/",
    }
    settings = Settings(values, PROJECT)
    fresh = Platform(settings)
    try:
        fresh.run("up", "--ports", "auto", "--no-demo")
        yield Platform(Settings(values, PROJECT))
    finally:
        fresh.run("down", "--purge", check=False)
        if fresh.supervisor.is_running():
            fresh.supervisor.shutdown()


def free_ports() -> dict[str, int]:
    """A free port for every part of the platform."""
    with ExitStack() as held:
        listeners = {part: held.enter_context(socket.create_server((LOOPBACK, 0))) for part in PORTS}
        return {part: listener.getsockname()[1] for part, listener in listeners.items()}
