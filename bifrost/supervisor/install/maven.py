"""Runs Maven to install into the cache; an unfinished build never counts as installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bifrost.errors import ComponentError
from bifrost.settings import Settings
from bifrost.supervisor.install.java import find_java
from bifrost.supervisor.install.system_parts import find_program
from bifrost.supervisor.processes.child_process import ended_with_parent

Progress = Callable[[str], None]
"""Receives a line that shows the progress to the user."""

REPORT_EVERY_S = 5.0
KEEP_UNUSED_S = 30 * 86_400
"""How long an unused build stays in the cache: another checkout may use it again."""


@dataclass(frozen=True, slots=True)
class Build:
    """A Maven build: `name` and `doing` are shown to the user, `properties` become -D options."""

    name: str
    doing: str
    pom: Path
    properties: Mapping[str, str]


@contextmanager
def build_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder to build in, renamed to `folder` at the end or removed after a failure.

    Also removes what killed builds of the same kind left behind, and builds unused for 30 days.
    """
    kind = folder.name.rpartition("-")[0]
    folder.parent.mkdir(parents=True, exist_ok=True)
    for left in folder.parent.glob(f"{kind}-*.*"):
        if not Path("/proc", left.suffix[1:]).exists():  # its process has ended
            shutil.rmtree(left, ignore_errors=True)
    place = folder.with_name(f"{folder.name}.{os.getpid()}")
    try:
        yield place
        _publish(place, folder)
        mark_used(folder)
        _remove_unused(folder.parent.glob(f"{kind}-*"))
    finally:
        shutil.rmtree(place, ignore_errors=True)


def mark_used(folder: Path) -> bool:
    """Return whether this build exists; if so, record that it is in use."""
    try:
        os.utime(folder)
    except FileNotFoundError:
        return False
    return True


def _remove_unused(builds: Iterable[Path]) -> None:
    for build in builds:
        if not build.suffix and time.time() - build.stat().st_mtime > KEEP_UNUSED_S:
            shutil.rmtree(build, ignore_errors=True)


def _publish(place: Path, folder: Path) -> None:
    try:
        place.rename(folder)
    except OSError:
        if not folder.is_dir():  # another start published the same build first
            raise


def package(settings: Settings, build: Build, log: Path, progress: Progress) -> None:
    """Run `mvn package` and write its output to `log`.

    Raises:
        ComponentError: Maven or a Java compiler is missing, or Maven failed.
    """
    command, environment = _command(settings, build)
    log.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    progress(f"{build.name}: {build.doing}")
    with (
        log.open("wb") as output,
        # Ended with this process: a killed `up` must not leave a build behind that nothing will publish.
        subprocess.Popen(
            ended_with_parent(command, environment), env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process,
    ):
        assert process.stdout is not None
        watch = _DownloadProgress(build.name, progress, began)
        for line in process.stdout:
            output.write(line)
            watch.take_line(line.decode(errors="replace"))
    if process.returncode:
        raise ComponentError(build.name, f"Maven failed: {_first_error(log)}", log=log)
    progress(f"{build.name}: done in {time.monotonic() - began:.0f} s")


def _command(settings: Settings, build: Build) -> tuple[tuple[str, ...], dict[str, str]]:
    maven = find_program(settings, "mvn")
    if maven is None:
        raise ComponentError(build.name, "mvn is not on the PATH; install maven")
    java = find_java(settings, compiler=True)
    if java is None:
        raise ComponentError(build.name, "no suitable Java with a compiler found; install a JDK")
    options = (f"-D{name}={value}" for name, value in build.properties.items())
    command = (maven, "--batch-mode", "-Dstyle.color=never", *options, "-f", str(build.pom), "package")
    return command, {**settings.values, "JAVA_HOME": str(java.home)}


class _DownloadProgress:
    """Reports every few seconds how many files Maven has downloaded."""

    def __init__(self, name: str, progress: Progress, began: float) -> None:
        self._name = name
        self._progress = progress
        self._began = self._reported_at = began
        self._files = 0

    def take_line(self, line: str) -> None:
        """Count a line of Maven's output."""
        if not line.startswith("Downloaded "):
            return
        self._files += 1
        now = time.monotonic()
        if now - self._reported_at >= REPORT_EVERY_S:
            self._reported_at = now
            latest = line.split()[3].rpartition("/")[2]
            self._progress(f"{self._name}: {self._files} files, {now - self._began:.0f} s, now {latest}")


def _first_error(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return next(
        (line.removeprefix("[ERROR]").strip() for line in lines if line.startswith("[ERROR]")), "no reason given"
    )
