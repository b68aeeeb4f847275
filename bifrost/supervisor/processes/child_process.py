"""One child process: in its own process group, with a log file, ended no later than the supervisor."""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from bifrost.errors import ComponentError
from bifrost.settings import Settings
from bifrost.supervisor.component import Component

STEP_TIMEOUT_S = 120.0
ROTATE_ABOVE_BYTES = 20 * 1024 * 1024
COMPONENT_VARIABLE = "BIFROST_COMPONENT"
"""In the environment of every child, as `<home>::<name>`, by which leftovers are recognised."""

_SEARCHED_BYTES = 64 * 1024
_MAX_LINE_CHARS = 400
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class ChildProcess:
    """A started component. Create it with `spawn`, in a thread that lives as long as the supervisor."""

    def __init__(self, popen: subprocess.Popen[bytes], log: Path, log_start: int) -> None:
        self._popen = popen
        self._log = log
        self._log_start = log_start

    @property
    def pid(self) -> int:
        """Its process id, which is also its process group."""
        return self._popen.pid

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and its children; does nothing after they have ended."""
        try:
            os.killpg(self._popen.pid, number)
        except ProcessLookupError:
            return

    def wait(self) -> int:
        """Block until it ends; return its exit code, or minus the signal that ended it."""
        return self._popen.wait()

    def failure_line(self, *, last_line_only: bool = False) -> str:
        """The line of its log that best explains why it ended; with `last_line_only` always the last line."""
        return failure_line(self._log, self._log_start, last_line_only=last_line_only)


def spawn(component: Component, *, home: Path, log: Path) -> ChildProcess:
    """Start a component's process, its output appended to `log`.

    Raises:
        ComponentError: the program cannot be started.
    """
    rotate(log)
    environment = {**component.env, COMPONENT_VARIABLE: component_mark(home, component.name)}
    with log.open("ab") as output:
        start = output.tell()
        try:
            popen = _popen(component, environment, output.fileno())
        except (OSError, subprocess.SubprocessError) as error:
            raise ComponentError(component.name, f"cannot run {component.command[0]}: {error}", log=log) from error
    return ChildProcess(popen, log, start)


def _popen(component: Component, environment: Mapping[str, str], output: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        component.command,
        cwd=component.cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        user=component.user,
        group=None if component.user is None else group_of(component.user),
        extra_groups=None if component.user is None else [],
        process_group=0,
        # Runs after the change of user, which would clear it.
        preexec_fn=end_with_parent(),
    )


def end_with_parent(number: signal.Signals = signal.SIGKILL) -> Callable[[], None]:
    """What a child runs before its program, so that it receives a signal when the thread that started it ends."""
    parent = os.getpid()

    def set_signal() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:  # the parent ended before the line above
            os._exit(1)

    return set_signal


def group_of(user: str) -> int:
    """The primary group of an account."""
    return pwd.getpwnam(user).pw_gid


def log_path(settings: Settings, name: str) -> Path:
    """The log of a component."""
    return settings.logs / f"{name}.log"


def component_mark(home: Path, name: str) -> str:
    """The value of `COMPONENT_VARIABLE` in a component's environment."""
    return f"{home}::{name}"


def run_step(
    component: str,
    command: tuple[str, ...],
    *,
    log: Path,
    env: Mapping[str, str],
    cwd: Path | None = None,
    text: str = "",
) -> None:
    """Run a short program that prepares a component, and append its output to the component's log.

    Args:
        text: written to the program's standard input.

    Raises:
        ComponentError: it failed; the message carries the line of the log that explains why.
    """
    with log.open("ab") as output:
        start = output.tell()
        try:
            done = subprocess.run(
                command,
                env=env,
                cwd=cwd,
                input=text.encode(),
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=STEP_TIMEOUT_S,
                preexec_fn=end_with_parent(),
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise ComponentError(component, f"cannot run {command[0]}: {error}", log=log) from error
    if done.returncode:
        problem = f"{Path(command[0]).name} ended with {describe_exit(done.returncode)}: {failure_line(log, start)}"
        raise ComponentError(component, problem, log=log)


def describe_exit(code: int) -> str:
    """Describe how a process ended: `exit code 1`, `signal SIGKILL`."""
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"


def rotate(log: Path) -> None:
    """Rename a large log to `<name>.log.1`, replacing the previous one."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > ROTATE_ABOVE_BYTES:
        log.replace(log.with_name(log.name + ".1"))


def failure_line(log: Path, start: int = 0, *, last_line_only: bool = False) -> str:
    """The last line of a log that mentions an error, else its last line; only what was written after `start` counts."""
    try:
        with log.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(start, end - _SEARCHED_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    error_lines = [] if last_line_only else [line for line in lines if _mentions_error(line)]
    return (error_lines or lines or [""])[-1][:_MAX_LINE_CHARS]


def _mentions_error(line: str) -> bool:
    # Stack frames mention exceptions too, but explain less than the line above them.
    return not line.startswith("at ") and any(word in line for word in ("ERROR", "FATAL", "Exception", "Error:"))
