"""Starting and stopping a platform: homes that cannot be used, and supervisors that do not answer yet or any more."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from bifrost.clients.supervisor import SupervisorClient
from bifrost.errors import ComponentError
from bifrost.settings import Settings
from bifrost.supervisor.component import Component
from bifrost.supervisor.launch import start_platform
from bifrost.supervisor.ports import read_ports, write_ports
from bifrost.supervisor.processes.child_process import COMPONENT_VARIABLE
from bifrost.supervisor.stop import purge, stop_platform
from bifrost.supervisor.supervisor_lock import is_supervised, lock_for_supervisor
from tests.supervisor.conftest import running

WAIT = "a supervisor is starting or ending; waiting for it"
SLEEPER = Component(name="sleeper", command=(sys.executable, "-c", "import time; time.sleep(600)"))


@pytest.mark.parametrize("home", ["/dev/null/home", "file"])
def test_a_home_that_cannot_be_used_is_named_with_its_setting(tmp_path: Path, home: str):
    (tmp_path / "file").touch()
    settings = Settings({"BIFROST_HOME": str(tmp_path / home)}, tmp_path)
    for act in (start_platform, stop_platform):
        with pytest.raises(ComponentError, match=rf"cannot use the folder {settings.home} \(BIFROST_HOME\): .*Not a"):
            act(settings, progress=lambda line: None)


@pytest.mark.parametrize("act", [start_platform, stop_platform])
def test_a_supervisor_that_is_still_starting_is_waited_for_and_its_components_live(settings: Settings, act):
    """As after a kill of the `up` that started it, before its control socket exists."""
    lines: list[str] = []
    mark = {COMPONENT_VARIABLE: f"{settings.home}::early"}
    with ExitStack() as stack:
        stack.enter_context(lock_for_supervisor(settings))
        early = stack.enter_context(
            subprocess.Popen((sys.executable, "-c", "import time; time.sleep(600)"), env={**os.environ, **mark})
        )
        stack.callback(early.kill)
        is_waiting = threading.Event()

        def report(line: str) -> None:
            lines.append(line)
            is_waiting.set()

        acting = threading.Thread(target=act, args=(settings,), kwargs={"progress": report})
        acting.start()
        assert is_waiting.wait(30)
        with running(settings, SLEEPER) as client:
            acting.join(30)
            assert not acting.is_alive()
            assert client.is_running() == (act is start_platform)
        assert early.poll() is None
    assert lines[0] == WAIT


def test_a_supervisor_that_has_ended_is_not_waited_for(settings: Settings):
    with lock_for_supervisor(settings):
        pass
    assert not is_supervised(settings, SupervisorClient(settings), pytest.fail)


def test_a_supervisor_that_neither_answers_nor_ends_is_an_error(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bifrost.supervisor.supervisor_lock.ANSWER_S", 0.2)
    with lock_for_supervisor(settings), pytest.raises(ComponentError, match="has not answered on its control socket"):
        stop_platform(settings, progress=lambda line: None)


def test_the_lock_lives_as_long_as_the_process_that_inherited_it(settings: Settings):
    client = SupervisorClient(settings)
    with lock_for_supervisor(settings) as lock:
        command = (sys.executable, "-c", "import sys; sys.stdin.read()")
        holder = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=(lock.fileno(),))
    with holder, pytest.raises(ComponentError, match="another one has just started"), lock_for_supervisor(settings):
        pass
    assert not is_supervised(settings, client, pytest.fail)


def test_what_is_still_starting_is_shown(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bifrost.supervisor.launch.NEWS_S", 0.1)
    is_ready = threading.Event()
    lines: list[str] = []

    def report(line: str) -> None:
        lines.append(line)
        if line.startswith("waiting for"):
            is_ready.set()

    slow = replace(SLEEPER, name="slow", probe=lambda: None if is_ready.is_set() else "not yet")
    with running(settings, slow):
        start_platform(settings, progress=report)
    assert lines[0] == "waiting for slow (0 s)"
    assert lines[-1].startswith("slow is ready after ")


@pytest.mark.parametrize("secured", [True, False])
def test_a_home_stays_as_secured_as_it_was_when_its_data_is_deleted(settings: Settings, secured: bool):
    write_ports(settings.previous_ports_file, {"kafka": 20001}, secured=secured)
    (settings.data / "broker").mkdir()
    purge(Settings(settings.values, settings.project))
    now = Settings(settings.values, settings.project)
    assert now.is_secured is secured
    assert not (settings.data / "broker").exists()
    assert read_ports(settings.previous_ports_file) == {}
