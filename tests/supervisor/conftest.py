import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bifrost.clients.supervisor import SupervisorClient
from bifrost.settings import Settings
from bifrost.supervisor.component import Component
from bifrost.supervisor.processes.daemon import Daemon


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of an empty home, with folders as a launch makes them."""
    found = Settings({"BIFROST_HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin"}, tmp_path / "project")
    for folder in (found.run, found.logs, found.data, found.project):
        folder.mkdir(parents=True)
    return found


@contextmanager
def running(settings: Settings, *components: Component) -> Iterator[SupervisorClient]:
    """A supervisor with real children, for as long as the block lasts."""
    daemon = Daemon(settings, components)
    thread = threading.Thread(target=daemon.run)
    thread.start()
    client = SupervisorClient(settings)
    try:
        end = time.monotonic() + 10
        while not client.is_running() and time.monotonic() < end:
            time.sleep(0.01)
        yield client
    finally:
        daemon.shut_down()
        thread.join(timeout=30)
        assert not thread.is_alive()
