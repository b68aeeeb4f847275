"""Child processes: their logs, and their end when the supervisor is killed."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bifrost.errors import ComponentError, SettingError
from bifrost.settings import Settings
from bifrost.supervisor.component import Component
from bifrost.supervisor.processes.child_process import COMPONENT_VARIABLE, component_mark, run_step, spawn
from bifrost.supervisor.processes.component_logs import (
    LogLimits,
    failure_line,
    log_limits,
    rotate_before_start,
    rotate_while_running,
)
from bifrost.supervisor.processes.leftovers import kill_leftovers, leftover_pids
from tests.waiting import eventually

SOON_S = 15.0
PROJECT = Path(__file__).parents[3]

PARENT = """
import sys, time
from pathlib import Path
from bifrost.supervisor.component import Component
from bifrost.supervisor.processes.child_process import spawn
child = spawn(Component("child", ("sleep", "600")), home=Path(sys.argv[1]), log=Path(sys.argv[1]) / "child.log")
print(child.pid, flush=True)
time.sleep(600)
"""


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def await_end(pid: int) -> None:
    eventually(lambda: not runs(pid), f"the end of process {pid}", SOON_S)


def test_a_suspended_process_can_be_stopped(tmp_path):
    child = spawn(Component("child", ("sleep", "600")), home=tmp_path, log=tmp_path / "child.log")
    try:
        os.kill(child.pid, signal.SIGSTOP)
        child.signal(signal.SIGTERM)

        await_end(child.pid)
    finally:
        child.signal(signal.SIGKILL)
        child.wait()


def test_children_end_when_the_supervisor_is_killed(tmp_path):
    parent = subprocess.Popen((sys.executable, "-c", PARENT, str(tmp_path)), cwd=PROJECT, stdout=subprocess.PIPE)
    with parent:
        child = int(parent.stdout.readline())
        assert runs(child)
        parent.send_signal(signal.SIGKILL)
    await_end(child)


def test_leftovers_are_known_by_their_mark_and_no_other_process_is_touched(tmp_path):
    ours, others = tmp_path / "ours", tmp_path / "others"
    marked = subprocess.Popen(("sleep", "600"), env={COMPONENT_VARIABLE: component_mark(ours, "broker")})
    stranger = subprocess.Popen(("sleep", "600"), env={COMPONENT_VARIABLE: component_mark(others, "broker")})
    with marked, stranger:
        try:
            assert leftover_pids(ours) == [marked.pid]
            assert kill_leftovers(ours) == [marked.pid]
            assert marked.wait(timeout=SOON_S) == -signal.SIGKILL
            assert stranger.poll() is None
        finally:
            stranger.kill()
    assert kill_leftovers(ours) == []


def test_a_child_carries_its_mark_and_writes_to_its_log(tmp_path):
    child = spawn(
        Component("echo", ("sh", "-c", f"echo ${COMPONENT_VARIABLE}")),
        home=tmp_path,
        log=tmp_path / "logs" / "echo.log",
    )
    assert child.wait() == 0
    assert (tmp_path / "logs" / "echo.log").read_text() == f"{tmp_path}::echo\n"
    assert child.failure_line() == f"{tmp_path}::echo"


def test_a_missing_program_is_named(tmp_path):
    with pytest.raises(ComponentError, match="broker: cannot run no-such-java"):
        spawn(Component("broker", ("no-such-java",)), home=tmp_path, log=tmp_path / "broker.log")


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        ({"env": {"PATH": os.defpath, "TEXT": "a\0b"}}, "null byte"),
        ({"cwd": Path("/no/such/folder")}, "No such file or directory"),
        ({"user": "no-such-account"}, "no-such-account"),
    ],
)
def test_whatever_keeps_a_program_from_starting_is_an_error_of_its_component(tmp_path, broken, problem):
    with pytest.raises(ComponentError, match=f"broker: cannot run true: .*{problem}"):
        spawn(Component("broker", ("true",), **broken), home=tmp_path, log=tmp_path / "broker.log")


def test_a_log_that_cannot_be_written_is_an_error_of_its_component(tmp_path):
    (tmp_path / "broker.log").mkdir()
    with pytest.raises(ComponentError, match=r"broker: cannot run true: .*Is a directory"):
        spawn(Component("broker", ("true",)), home=tmp_path, log=tmp_path / "broker.log")
    with pytest.raises(ComponentError, match=r"broker: cannot run true: .*Is a directory"):
        run_step("broker", ("true",), log=tmp_path / "broker.log", env={"PATH": os.defpath})


def test_arguments_reach_the_program_as_they_are(tmp_path):
    arguments = ("-x", "--", "$HOME", "a b", "*", "", "'\"", "-")
    code = "import sys; print(sys.argv[1:])"
    child = spawn(Component("echo", (sys.executable, "-c", code, *arguments)), home=tmp_path, log=tmp_path / "e.log")
    assert child.wait() == 0
    assert (tmp_path / "e.log").read_text() == f"{list(arguments)}\n"


def test_the_failure_line_is_of_this_run_only(tmp_path):
    log = tmp_path / "broker.log"
    log.write_text("ERROR of the run before\n")
    child = spawn(Component("broker", ("sh", "-c", "echo all is well")), home=tmp_path, log=log)
    child.wait()
    assert child.failure_line() == "all is well"


def test_the_failure_line_is_the_last_one_that_mentions_an_error(tmp_path):
    log = tmp_path / "x.log"
    log.write_text("INFO start\nERROR disk is full\n  at java.io.Exception.thrower\nINFO bye\n\n")
    assert failure_line(log) == "ERROR disk is full"
    assert failure_line(log, last_line_only=True) == "INFO bye"
    assert failure_line(tmp_path / "none.log") == ""


def test_a_large_log_is_rotated_before_a_start(tmp_path):
    log = tmp_path / "x.log"
    log.write_text("0123456789abcdef")
    rotate_before_start(log, LogLimits(max_bytes=10))
    assert not log.exists()
    assert (tmp_path / "x.log.1").read_text() == "0123456789abcdef"


def test_a_log_is_rotated_while_its_program_writes_to_it(tmp_path):
    limits = LogLimits(max_bytes=1000)
    log = tmp_path / "connect.log"
    code = "import sys\nfor line in sys.stdin: print(line.strip() * 50, flush=True)"
    with log.open("ab") as output:
        writer = subprocess.Popen((sys.executable, "-c", code), stdin=subprocess.PIPE, stdout=output, text=True)
    with writer:
        writer.stdin.write("".join(f"{number:03d}\n" for number in range(10)))
        writer.stdin.flush()
        eventually(lambda: log.stat().st_size == 10 * 151)
        assert rotate_while_running(log, limits)
        assert not rotate_while_running(log, limits)
        writer.stdin.write("ERROR\n")
        writer.stdin.close()
    assert (tmp_path / "connect.log.1").read_text().splitlines()[-1] == "009" * 50
    assert log.read_text() == "ERROR" * 50 + "\n"
    assert failure_line(log, 1510) == ("ERROR" * 50)


def test_the_newest_rotated_logs_stay_as_many_as_the_setting_says(tmp_path):
    log = tmp_path / "x.log"
    for run in range(5):
        log.write_text(f"run {run}".ljust(50))
        assert rotate_while_running(log, LogLimits(max_bytes=10, rotated_files=3))
    assert {path.name: path.read_text().strip() for path in tmp_path.iterdir()} == {
        "x.log": "",
        "x.log.1": "run 4",
        "x.log.2": "run 3",
        "x.log.3": "run 2",
    }
    log.write_text("a smaller number".ljust(50))
    rotate_before_start(log, LogLimits(max_bytes=10, rotated_files=1))
    assert [path.name for path in tmp_path.iterdir()] == ["x.log.1"]


@pytest.mark.parametrize("rotated_files", [1, 3])
def test_a_disk_that_is_full_for_long_costs_the_oldest_log_alone(tmp_path, monkeypatch, rotated_files):
    log, limits = tmp_path / "x.log", LogLimits(max_bytes=10, rotated_files=rotated_files)
    for run in range(rotated_files):
        log.write_text(f"run {run}".ljust(50))
        assert rotate_while_running(log, limits)
    earlier = {path.read_text() for path in tmp_path.glob("x.log.?")}
    log.write_text("the log".ljust(50))

    def copy_a_part(source, copy, _length):
        copy.write(source.read(5))
        copy.flush()
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(shutil, "copyfileobj", copy_a_part)
        for _ in range(5):
            with pytest.raises(OSError, match="No space left"):
                rotate_while_running(log, limits)
    assert log.read_text().strip() == "the log"
    assert {path.read_text() for path in tmp_path.glob("x.log.?")} == earlier - {"run 0".ljust(50)}

    assert rotate_while_running(log, limits)
    assert {path.read_text() for path in tmp_path.glob("x.log.?")} == earlier - {"run 0".ljust(50)} | {
        "the log".ljust(50)
    }


def test_size_and_number_of_logs_are_settings():
    assert log_limits(Settings()) == LogLimits(20 * 1024 * 1024, 1)
    changed = Settings({"BIFROST_LOG_MAX_MB": "5", "BIFROST_LOG_ROTATED_FILES": "4"})
    assert log_limits(changed) == LogLimits(5 * 1024 * 1024, 4)


@pytest.mark.parametrize("name", ["BIFROST_LOG_MAX_MB", "BIFROST_LOG_ROTATED_FILES"])
@pytest.mark.parametrize("value", ["0", "-1", "20 MB", "1.5", "²", "9" * 30])
def test_a_limit_that_is_no_number_is_refused(name, value):
    with pytest.raises(SettingError, match=f"{name}: .* is not a whole number from 1 to"):
        log_limits(Settings({name: value}))


def test_the_failure_line_of_a_log_of_json_says_what_a_line_of_text_would(tmp_path):
    log = tmp_path / "alerts.log"
    fields = {"time": "2026-11-30T12:00:00.000Z", "level": "ERROR", "logger": "alerts", "program": "alerts"}
    log.write_text(json.dumps({**fields, "message": "alerts stopped: SLACK_API_TOKEN: is not set"}) + "\n")
    assert failure_line(log) == "ERROR alerts: alerts stopped: SLACK_API_TOKEN: is not set"
    crash = {**fields, "message": "the program ended", "exception": "Traceback ...\n  File x\nKeyError: 'a'"}
    log.write_text(json.dumps(crash) + "\n")
    assert failure_line(log) == "ERROR alerts: the program ended: KeyError: 'a'"


def test_a_missing_log_is_not_rotated(tmp_path):
    assert not rotate_while_running(tmp_path / "none.log")


def test_a_step_that_fails_says_how(tmp_path):
    log = tmp_path / "mariadb.log"
    with pytest.raises(ComponentError, match="mariadb: sh ended with exit code 4: ERROR no space") as failure:
        run_step("mariadb", ("sh", "-c", "echo ERROR no space; exit 4"), log=log, env={"PATH": os.defpath})
    assert failure.value.log == log


def test_a_step_reads_the_text_it_is_given(tmp_path):
    log = tmp_path / "mariadb.log"
    run_step("mariadb", ("cat",), log=log, env={"PATH": os.defpath}, text="SELECT 1;")
    assert log.read_text() == "SELECT 1;"
