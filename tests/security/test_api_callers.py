"""Who may call which HTTP API of a secured platform: a request of every role to each server that is in Python."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import count

import httpx
import pytest

from bifrost.console.app import console_login
from bifrost.rest_proxy.app import app_from
from bifrost.security.roles import ROLES
from bifrost.security.secure_folder import secure_folder
from bifrost.server.__main__ import credentials
from bifrost.server.app import create_app
from bifrost.settings import Settings
from tests.engine.runtime.engines import World
from tests.fakes.console import running_console
from tests.rest_proxy.conftest import served as served_proxy
from tests.server.conftest import IDENTITY
from tests.server.serving import served as served_ksqldb

CALLERS = {
    "ksqldb": {"deployer", "console", "services", "watch", "supervisor"},
    "rest_proxy": {"deployer", "console", "supervisor"},
    "console": {"deployer", "supervisor"},
}
"""The roles that each server accepts; all others are refused."""


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("home")
    settings = Settings({"BIFROST_HOME": str(home), "BIFROST_SECURE": "1", "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"})
    secure_folder(settings).prepare(datetime.now(UTC))
    return Settings(settings.values)


@pytest.fixture(scope="module")
def servers(secured: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A page of each server, which shows something to those whom it accepts."""
    folder = secure_folder(secured)
    minutes = count(step=60).__next__  # the console lets those wait who guess passwords
    inbox = tmp_path_factory.mktemp("console") / "inbox.sqlite"
    with ExitStack() as stack:
        world = World()
        stack.callback(world.close)
        ksqldb = stack.enter_context(served_ksqldb(create_app(world.engine(), IDENTITY, credentials(secured))))
        rest_proxy = stack.enter_context(served_proxy(app_from(secured)))
        console = stack.enter_context(running_console(inbox, time.time, login=console_login(folder, minutes)))
        yield {
            "ksqldb": f"{ksqldb}/metrics",
            "rest_proxy": f"{rest_proxy.base_url}/metrics",
            "console": f"{console.url}/metrics",
        }


@pytest.mark.parametrize("part", CALLERS)
def test_a_server_accepts_the_roles_that_call_it_and_refuses_all_others(
    secured: Settings, servers: dict[str, str], part: str
) -> None:
    folder = secure_folder(secured)
    with httpx.Client(verify=False, timeout=10) as client:
        found = {role: client.get(servers[part], auth=(role, folder.password(role))).status_code for role in ROLES}
    assert found == {role: 200 if role in CALLERS[part] else 401 for role in ROLES}


@pytest.mark.parametrize("part", CALLERS)
def test_metrics_need_a_login_too(servers: dict[str, str], part: str) -> None:
    with httpx.Client(verify=False, timeout=10) as client:
        assert client.get(servers[part]).status_code == 401
        assert client.get(servers[part], auth=("deployer", "wrong")).status_code == 401


def test_a_role_does_not_get_in_with_the_password_of_another(secured: Settings, servers: dict[str, str]) -> None:
    password = secure_folder(secured).password("console")
    with httpx.Client(verify=False, timeout=10) as client:
        assert {client.get(url, auth=("deployer", password)).status_code for url in servers.values()} == {401}
