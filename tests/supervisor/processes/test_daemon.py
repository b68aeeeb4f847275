"""The running supervisor with small real children, spoken to through its control socket."""

import os
import signal
import socket
import stat
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bifrost.backoff import Backoff
from bifrost.clients.supervisor import SupervisorClient, socket_address
from bifrost.errors import NotReady, Refused, Unreachable
from bifrost.settings import Settings
from bifrost.supervisor.component import Component, Probe, Restart
from bifrost.supervisor.processes import daemon
from bifrost.supervisor.processes.component_logs import LogLimits
from bifrost.supervisor.stop import stop_platform
from tests.supervisor.conftest import running
from tests.waiting import eventually

SOON_S = 15.0
QUICK = Backoff(first_s=0.01, max_s=0.05)


def python(name: str, code: str, **options) -> Component:
    return Component(name=name, command=(sys.executable, "-c", code), backoff=QUICK, **options)


def log_line(log: Path, text: str) -> Probe:
    """Ready when a log contains a text."""

    def probe() -> str | None:
        try:
            return None if text in log.read_text(errors="replace") else f"no {text!r} in {log.name} yet"
        except OSError as error:
            return f"{log.name}: {error.strerror or error}"

    return probe


SLEEPER = python("sleeper", "import time; print('awake', flush=True); time.sleep(600)")


def test_a_component_becomes_ready_and_is_stopped(settings):
    log = settings.logs / "sleeper.log"
    with running(settings, replace(SLEEPER, probe=log_line(log, "awake"))) as client:
        status = client.wait_for("sleeper", ("ready",), wait_s=SOON_S)
        assert status.pid is not None
        assert Path(status.log).read_text() == "awake\n"
        assert (settings.run / "sleeper.pid").read_text() == f"{status.pid}\n"
        assert os.getpgid(status.pid) == status.pid
        stopped = client.stop("sleeper", wait_s=SOON_S)
        assert (stopped.state, stopped.pid) == ("stopped", None)
        assert not _is_alive(status.pid)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_killed_component_comes_back(settings):
    with running(settings, SLEEPER) as client:
        first = client.wait_for("sleeper", ("running",), wait_s=SOON_S)
        os.kill(first.pid, signal.SIGKILL)
        end = time.monotonic() + SOON_S
        while client.component("sleeper").restarts == 0 and time.monotonic() < end:
            time.sleep(0.01)
        now = client.wait_for("sleeper", ("running",), wait_s=SOON_S)
        assert now.restarts == 1
        assert now.pid != first.pid


def test_restart_gives_a_new_process(settings):
    with running(settings, SLEEPER) as client:
        first = client.wait_for("sleeper", ("running",), wait_s=SOON_S)
        second = client.restart("sleeper", wait_s=SOON_S)
        assert second.state == "running"
        assert second.pid != first.pid


def test_the_cause_of_a_failure_is_the_line_of_its_log_that_explains_it(settings):
    code = "import sys; print('ERROR cannot read config'); print('bye'); sys.exit(3)"
    with running(settings, python("broken", code, restart=Restart.NEVER)) as client:
        status = client.wait_for("broken", ("failed",), wait_s=SOON_S)
        assert status.cause == "ended with exit code 3: ERROR cannot read config"


def test_the_last_line_of_a_service_explains_a_refused_token(settings):
    code = "import sys; print('ERROR once'); print('Slack refuses the token: invalid_auth'); sys.exit(78)"
    with running(settings, python("ratings_bot", code)) as client:
        status = client.wait_for("ratings_bot", ("failed",), wait_s=SOON_S)
        assert status.cause == "Slack refuses the token: invalid_auth"


def test_secrets_are_taken_out_of_a_cause(tmp_path, settings):
    secret = Settings({**settings.values, "MYSQL_PASSWORD": "hunter22"}, settings.project)
    code = "import sys; print('ERROR cannot log in with hunter22'); sys.exit(1)"
    with running(secret, python("broken", code, restart=Restart.NEVER)) as client:
        assert "hunter22" not in client.wait_for("broken", ("failed",), wait_s=SOON_S).cause


def test_one_that_ignores_sigterm_is_killed(settings):
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
    )
    deaf = python("deaf", code, grace_s=0.1, probe=log_line(settings.logs / "deaf.log", "deaf"))
    with running(settings, deaf) as client:
        client.wait_for("deaf", ("ready",), wait_s=SOON_S)
        assert client.stop("deaf", wait_s=SOON_S).state == "stopped"


def test_the_children_of_a_component_end_with_it(settings):
    code = (
        "import subprocess, sys, time; child = subprocess.Popen(['sleep', '600']); "
        "print(child.pid, flush=True); time.sleep(600)"
    )
    log = settings.logs / "parent.log"
    with running(settings, python("parent", code, probe=log_line(log, "\n"))) as client:
        client.wait_for("parent", ("ready",), wait_s=SOON_S)
        grandchild = int(log.read_text())
        client.stop("parent", wait_s=SOON_S)
        end = time.monotonic() + SOON_S
        while _runs(grandchild) and time.monotonic() < end:
            time.sleep(0.01)
        assert not _runs(grandchild)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_an_unexpected_error_of_a_step_fails_the_component_alone(settings):
    def step() -> None:
        raise RuntimeError("a bug")

    with running(settings, python("broken", "pass", prepare=step), SLEEPER) as client:
        assert client.wait_for("broken", ("failed",), wait_s=SOON_S).cause == "RuntimeError: a bug"
        assert client.wait_for("sleeper", ("running",), wait_s=SOON_S).is_up


def test_a_log_that_cannot_be_written_fails_its_component_alone(settings):
    (settings.logs / "broken.log").mkdir()
    with running(settings, python("broken", "pass"), SLEEPER) as client:
        assert "Is a directory" in client.wait_for("broken", ("failed",), wait_s=SOON_S).cause
        assert client.wait_for("sleeper", ("running",), wait_s=SOON_S).is_up
        assert "Is a directory" in client.restart("broken", wait_s=SOON_S).cause


def test_a_pid_file_that_cannot_be_written_stops_nothing(settings):
    (settings.run / "sleeper.pid").mkdir()
    with running(settings, SLEEPER) as client:
        assert client.wait_for("sleeper", ("running",), wait_s=SOON_S).is_up
        assert client.stop("sleeper", wait_s=SOON_S).state == "stopped"


@pytest.mark.parametrize(
    ("error", "cause"), [(RuntimeError("a bug"), "RuntimeError: a bug"), (OSError("no route"), "no route")]
)
def test_an_error_of_a_probe_is_the_cause_that_status_shows(settings, error, cause):
    is_fixed = threading.Event()

    def probe() -> None:
        if not is_fixed.is_set():
            raise error

    with running(settings, replace(SLEEPER, probe=probe)) as client:
        eventually(lambda: client.component("sleeper").cause == f"its probe failed: {cause}")
        assert client.component("sleeper").state == "starting"
        is_fixed.set()
        assert client.wait_for("sleeper", ("ready",), wait_s=SOON_S).cause == ""


def test_logs_are_rotated_while_the_platform_runs(settings, monkeypatch):
    monkeypatch.setattr(daemon, "log_limits", lambda _settings: LogLimits(max_bytes=100))
    monkeypatch.setattr(daemon, "ROTATION_INTERVAL_S", 0.05)
    code = "import time\nwhile True: print('x' * 60, flush=True); time.sleep(0.01)"
    with running(settings, python("talker", code)) as client:
        client.wait_for("talker", ("running",), wait_s=SOON_S)
        eventually((settings.logs / "talker.log.1").exists)
        rotated = (settings.logs / "talker.log.1").stat().st_mtime_ns
        eventually(lambda: (settings.logs / "talker.log.1").stat().st_mtime_ns > rotated, "the next rotation")
        assert (settings.logs / "talker.log").stat().st_size < 50_000


def test_the_control_socket_is_its_owners_alone(settings):
    with running(settings, SLEEPER) as client:
        client.wait_for("sleeper", ("running",), wait_s=SOON_S)
        assert stat.S_IMODE(settings.control_socket.stat().st_mode) == 0o600


def test_a_home_with_a_long_path_has_a_control_socket_too(tmp_path):
    settings = Settings({"BIFROST_HOME": str(tmp_path / ("long" * 30))}, tmp_path)
    settings.run.mkdir(parents=True)
    with running(settings, SLEEPER) as client:
        assert client.wait_for("sleeper", ("running",), wait_s=SOON_S).is_up
    assert not settings.control_socket.exists()


def test_unknown_names_are_refused_with_the_known_ones(settings):
    with running(settings, SLEEPER) as client:
        client.wait_for("sleeper", ("running",), wait_s=SOON_S)
        with pytest.raises(Refused, match="'slepper'; known are sleeper"):
            client.start("slepper")
        with pytest.raises(Refused, match=r"'slepper'; (there|known) are sleeper"):
            client.component("slepper")


def test_a_wait_that_fails_names_the_current_state(settings):
    with running(settings, SLEEPER) as client:
        client.wait_for("sleeper", ("running",), wait_s=SOON_S)
        with pytest.raises(NotReady, match="sleeper is running after 0 s, not failed"):
            client.wait_for("sleeper", ("failed",), wait_s=0.2)


def test_shutdown_ends_everything(settings):
    with running(settings, SLEEPER) as client:
        pid = client.wait_for("sleeper", ("running",), wait_s=SOON_S).pid
        client.shutdown(wait_s=SOON_S)
        assert not client.is_running()
        assert not _is_alive(pid)


@contextmanager
def busy_supervisor(settings: Settings, *, queue_size: int = 8) -> Iterator[socket.socket]:
    """A socket that is listened on, and whose connections nothing accepts yet."""
    with socket.socket(socket.AF_UNIX) as busy:
        with socket_address(settings.control_socket) as address:
            busy.bind(address)
        busy.listen(queue_size)
        busy.settimeout(SOON_S)
        yield busy


def answer_one(busy: socket.socket) -> None:
    connection, _ = busy.accept()
    with connection:
        connection.settimeout(SOON_S)
        connection.recv(1000)
        connection.sendall(b'{"components": [],')
        connection.sendall(b' "pid": 1}\n')


def test_a_supervisor_that_does_not_answer_counts_as_running(settings):
    with busy_supervisor(settings), pytest.raises(NotReady, match="it is running but did not answer"):
        SupervisorClient(settings, timeout_s=0.1).is_running()


def test_a_busy_supervisor_is_waited_for_and_the_wait_is_shown(settings, monkeypatch):
    monkeypatch.setattr("bifrost.clients.supervisor.TIMEOUT_S", 0.05)
    lines: list[str] = []
    with busy_supervisor(settings) as busy:

        def report(line: str) -> None:
            lines.append(line)
            if len(lines) == 2:
                threading.Thread(target=answer_one, args=(busy,)).start()

        assert SupervisorClient(settings, timeout_s=SOON_S, on_wait=report).pid() == 1
    assert set(lines) == {"the supervisor is busy; waiting (0 s)"}


def test_a_supervisor_whose_queue_of_connections_is_full_counts_as_running(settings):
    with busy_supervisor(settings, queue_size=0), socket.socket(socket.AF_UNIX) as first:
        with socket_address(settings.control_socket) as address:
            first.connect(address)
        with pytest.raises(NotReady, match="it is running but did not answer"):
            SupervisorClient(settings, timeout_s=0.3).is_running()


def test_a_request_is_answered_once_the_queue_of_connections_has_room(settings):
    with busy_supervisor(settings, queue_size=0) as busy, socket.socket(socket.AF_UNIX) as first:
        with socket_address(settings.control_socket) as address:
            first.connect(address)
        with ThreadPoolExecutor() as threads:
            answer = threads.submit(SupervisorClient(settings, timeout_s=SOON_S).pid)
            busy.accept()[0].close()
            answer_one(busy)
            assert answer.result() == 1


def test_without_a_platform_every_request_says_so(settings):
    client = SupervisorClient(settings)
    assert not client.is_running()
    with pytest.raises(Unreachable, match="the embedded platform is not running"):
        client.status()


def test_down_shows_which_components_have_stopped_and_which_it_waits_for(settings):
    is_released = settings.run / "released"
    code = (
        "import pathlib, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: None)\n"
        "print('awake', flush=True)\n"
        f"while not pathlib.Path({str(is_released)!r}).exists(): time.sleep(0.01)\n"
    )
    log = settings.logs / "slow.log"
    slow = python("slow", code, probe=log_line(log, "awake"))
    quick = replace(SLEEPER, depends_on=("slow",))
    lines: list[str] = []

    def report(line: str) -> None:
        lines.append(line)
        if line.endswith("waiting for slow"):
            is_released.touch()

    with running(settings, quick, slow) as client:
        client.wait_for("sleeper", ("running",), wait_s=SOON_S)
        assert stop_platform(settings, progress=report)
    assert lines[0] == "stopping the platform"
    assert lines[1] in ("waiting for sleeper", "waiting for slow")
    assert lines[-1] in ("stopped sleeper; waiting for slow", "waiting for slow", "stopped slow")
