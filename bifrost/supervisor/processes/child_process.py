"""One child process: in its own process group, with a log file, ended no later than the supervisor."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from bifrost.errors import ComponentError
from bifrost.supervisor.component import Component
from bifrost.supervisor.processes.component_logs import DEFAULT_LIMITS, LogLimits, failure_line, rotate_before_start

STEP_TIMEOUT_S = 120.0
COMPONENT_VARIABLE = "BIFROST_COMPONENT"
"""In the environment of every child, as `<home>::<name>`, by which leftovers are recognised."""

_UNLESS_ORPHANED = '[ "$PPID" = "$1" ] || exit 1; shift; exec "$@"'
_NOT_STARTED = (OSError, subprocess.SubprocessError, LookupError, ValueError)
"""What starting a process raises: also for an unknown account, or a NUL in an argument or variable."""


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
            # A suspended process acts on a signal only when it continues.
            os.killpg(self._popen.pid, signal.SIGCONT)
        except ProcessLookupError:
            return

    def wait(self) -> int:
        """Block until it ends; return its exit code, or minus the signal that ended it."""
        return self._popen.wait()

    def failure_line(self, *, last_line_only: bool = False) -> str:
        """The line of its log that best explains why it ended; with `last_line_only` always the last line."""
        return failure_line(self._log, self._log_start, last_line_only=last_line_only)


def spawn(component: Component, *, home: Path, log: Path, limits: LogLimits = DEFAULT_LIMITS) -> ChildProcess:
    """Start a component's process, its output appended to `log`.

    Raises:
        ComponentError: the program cannot be started, or its log cannot be written.
    """
    environment = {**component.env, COMPONENT_VARIABLE: component_mark(home, component.name)}
    try:
        rotate_before_start(log, limits)
        with log.open("ab") as output:
            start = output.tell()
            popen = _popen(component, environment, output.fileno())
    except _NOT_STARTED as error:
        raise ComponentError(component.name, f"cannot run {component.command[0]}: {error}", log=log) from error
    return ChildProcess(popen, log, start)


def _popen(component: Component, environment: Mapping[str, str], output: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ended_with_parent(component.command, environment),
        cwd=component.cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        user=component.user,
        group=None if component.user is None else group_of(component.user),
        extra_groups=None if component.user is None else [],
        process_group=0,
    )


def ended_with_parent(
    command: tuple[str, ...], environment: Mapping[str, str], number: signal.Signals = signal.SIGKILL
) -> tuple[str, ...]:
    """The command, made to receive a signal when the thread that starts it ends.

    `setpriv` sets this up, a shell checks that the parent had not ended before that, and then becomes the program. Code
    of ours between fork and exec (`preexec_fn`) could deadlock instead, since the supervisor has threads.

    Raises:
        FileNotFoundError: the program is missing; `setpriv` would report that in the log only.
    """
    # Search the PATH of the child's environment, as the child would.
    program = shutil.which(command[0], path=environment.get("PATH", os.defpath))
    if program is None:
        raise FileNotFoundError("no such program")
    setpriv = shutil.which("setpriv") or "/usr/bin/setpriv"
    signal_option = ("--pdeathsig", number.name.removeprefix("SIG"))
    return (
        setpriv,
        *signal_option,
        "--",
        "/bin/sh",
        "-c",
        _UNLESS_ORPHANED,
        "sh",
        str(os.getpid()),
        program,
        *command[1:],
    )


def group_of(user: str) -> int:
    """The primary group of an account; raises `KeyError` for an unknown one."""
    return pwd.getpwnam(user).pw_gid


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
    try:
        with log.open("ab") as output:
            start = output.tell()
            done = subprocess.run(
                ended_with_parent(command, env),
                env=env,
                cwd=cwd,
                input=text.encode(),
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=STEP_TIMEOUT_S,
            )
    except _NOT_STARTED as error:
        raise ComponentError(component, f"cannot run {command[0]}: {error}", log=log) from error
    if done.returncode:
        problem = f"{Path(command[0]).name} ended with {describe_exit(done.returncode)}: {failure_line(log, start)}"
        raise ComponentError(component, problem, log=log)


def describe_exit(code: int) -> str:
    """Describe how a process ended: `exit code 1`, `signal SIGKILL`."""
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
