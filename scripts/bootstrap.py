"""Installs the system packages and the Python environment that a command needs. `deploy.py` and `test` start here.

Standard library only, because it runs before the environment exists.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))

from bifrost.errors import BifrostError  # noqa: E402
from bifrost.settings import Settings  # noqa: E402
from bifrost.supervisor.install.system_parts import SystemPart, find_program, missing  # noqa: E402

LOG_INTERVAL_S = 10.0
"""Seconds between progress lines where the terminal cannot rewrite a line."""


class BootstrapError(BifrostError):
    """The machine lacks a package, or an installation failed."""


class Step:
    """Shows the progress of one installation step on stderr, and its duration at the end."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._started = self._written = time.monotonic()
        self._rewrites = sys.stderr.isatty()
        self._write(what)

    def at(self, detail: str) -> None:
        """Show a detail of the progress; at most every `LOG_INTERVAL_S` where lines cannot be rewritten."""
        now = time.monotonic()
        if self._rewrites or now - self._written >= LOG_INTERVAL_S:
            self._written = now
            self._write(f"{self._what}: {detail}, {now - self._started:.0f} s")

    def done(self) -> None:
        """Show that the step is done, and how long it took."""
        self._write(f"{self._what}: done in {time.monotonic() - self._started:.1f} s")
        if self._rewrites:
            sys.stderr.write("\n")

    def _write(self, line: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        sys.stderr.write(f"\r\033[K{line[:width]}" if self._rewrites else f"{line}\n")
        sys.stderr.flush()


def ensure_parts(settings: Settings, parts: Iterable[SystemPart]) -> None:
    """Install the missing parts with apt.

    Raises:
        BootstrapError: this user cannot install packages, and the message is the command to run; or an installation
            failed.
    """
    lacking = missing(settings, parts)
    if not lacking:
        return
    names = ", ".join(part.name for part in lacking)
    apt, root = find_program(settings, "apt-get"), _as_root(settings)
    if apt is None or root is None:
        command = (
            f"sudo apt-get install --no-install-recommends {' '.join(_package(settings, part) for part in lacking)}"
        )
        raise BootstrapError(f"this machine lacks {names}; install with\n  {command}")
    environment = {**settings.values, "DEBIAN_FRONTEND": "noninteractive"}
    _watched(f"System packages: {names}", (*root, apt, "update"), environment, ("Get:",))
    install = (*root, apt, "install", "--yes", "--no-install-recommends")
    packages = [_package(settings, part) for part in lacking]
    with _temporary_files(root, [part.file_during_install for part in lacking if part.file_during_install is not None]):
        _watched(f"System packages: {' '.join(packages)}", (*install, *packages), environment, ("Get:", "Setting up"))
    not_found = missing(settings, lacking)
    if not_found:
        raise BootstrapError(f"{', '.join(part.name for part in not_found)}: installed, but still not found")


@contextmanager
def _temporary_files(root: Sequence[str], files: Sequence[tuple[str, str]]) -> Iterator[None]:
    """Write files (path, text) as root, and remove them after the block."""
    write = 'mkdir -p "$(dirname "$1")" && printf %s "$2" > "$1"'
    try:
        for path, text in files:
            subprocess.run((*root, "sh", "-c", write, "sh", path, text), check=True)
        yield
    finally:
        for path, _ in files:
            subprocess.run((*root, "rm", "-f", path), check=True)


def ensure_environment(settings: Settings, *, dev: bool) -> Path:
    """Create the virtual environment, or update it, so that it holds every package of the lock file.

    Does nothing if it does already. Starts again from an empty environment if an earlier installation was interrupted.

    Args:
        settings: they name the environment's folder.
        dev: include the packages that tests and checks need.

    Returns:
        The path of the environment's Python.

    Raises:
        BootstrapError: the environment could not be created; the message ends with the last lines of the output.
    """
    python = settings.venv / "bin" / "python"
    locks = lock_files(settings.project)
    wanted = locks if dev else {"run": locks["run"]}
    settings.venv.parent.mkdir(parents=True, exist_ok=True)
    with _lock(settings.venv.with_name(settings.venv.name + ".lock")):
        installed = _installed(settings.venv)
        if all(installed.get(name) == _digest(path) for name, path in wanted.items()) and python.exists():
            return python
        if not installed or not python.exists():
            create = (sys.executable, "-m", "venv", "--clear", str(settings.venv))
            _watched("Python environment", create, settings.values, ())
        _record(settings.venv).unlink(missing_ok=True)
        # The last lock file holds all packages of those before it.
        lock = list(wanted.values())[-1]
        options = ("--no-input", "--progress-bar", "off", "--require-hashes", "--requirement", str(lock))
        pip = (str(python), "-m", "pip", "install", *options)
        _watched(f"Python packages of {lock.name}", pip, settings.values, ("Collecting", "Installing"))
        now = {name: _digest(path) for name, path in wanted.items()}
        _record(settings.venv).write_text(json.dumps({**installed, **now}))
    return python


def lock_files(project: Path) -> dict[str, Path]:
    """The files that pin every package with its hashes: `run`, and `dev`, which holds those of `run` too."""
    return {"run": project / "requirements.lock", "dev": project / "requirements-dev.lock"}


def become(settings: Settings, python: Path, arguments: Sequence[str]) -> NoReturn:
    """Replace this process with the environment's Python, which imports the project from any working directory."""
    path = [str(settings.project), *filter(None, [settings.get("PYTHONPATH")])]
    environment = {**settings.values, "PYTHONPATH": os.pathsep.join(path)}
    os.execve(python, (str(python), "-P", *arguments), environment)  # noqa: S606


def _as_root(settings: Settings) -> tuple[str, ...] | None:
    """The prefix that runs a command as root: empty for root, `sudo -n`, or `None` if neither is possible."""
    if os.geteuid() == 0:
        return ()
    sudo = find_program(settings, "sudo")
    if sudo is None or subprocess.run((sudo, "-n", "true"), capture_output=True).returncode:
        return None
    return (sudo, "-n")


def _package(settings: Settings, part: SystemPart) -> str:
    cache = find_program(settings, "apt-cache")
    if cache is None:
        return part.packages[0]
    known = (
        name for name in part.packages if not subprocess.run((cache, "show", name), capture_output=True).returncode
    )
    return next(known, part.packages[0])


def _watched(what: str, command: Sequence[str], environment: Mapping[str, str], shown: tuple[str, ...]) -> None:
    """Run a command and show as progress those of its lines that start with one of the prefixes `shown`.

    Raises:
        BootstrapError: the command failed; the message holds the last 20 lines of its output.
    """
    step = Step(what)
    last_lines: list[str] = []
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for count, line in enumerate(process.stdout, 1):
            last_lines = [*last_lines[-19:], line.rstrip()]
            if line.startswith(shown):
                step.at(f"{' '.join(line.split()[:3])} ({count})")
    if process.returncode:
        raise BootstrapError(
            f"{what}: failed\n  " + "\n  ".join(last_lines) + f"\n  {command[0]} ended with {process.returncode}"
        )
    step.done()


def _record(venv: Path) -> Path:
    """The file that records which lock files are completely installed in an environment."""
    return venv / "bifrost-dependencies.json"


def _installed(venv: Path) -> dict[str, str]:
    try:
        return {str(name): str(digest) for name, digest in json.loads(_record(venv).read_text()).items()}
    except (OSError, ValueError):
        return {}


def _digest(lock: Path) -> str:
    return hashlib.sha256(sys.version.encode() + lock.read_bytes()).hexdigest()


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
