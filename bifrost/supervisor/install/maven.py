"""Running Maven for an installation into the cache: what is half done never counts as installed."""

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

Progress = Callable[[str], None]
"""Takes a line that tells a person how far something is."""

REPORT_EVERY_S = 5.0
KEEP_UNUSED_S = 30 * 86_400
"""How long a build that is not used any more stays in the cache: another checkout may come back to it."""


@dataclass(frozen=True, slots=True)
class Build:
    """A Maven build: `name` and `doing` are for people, `properties` become -D options."""

    name: str
    doing: str
    pom: Path
    properties: Mapping[str, str]


@contextmanager
def build_folder(folder: Path) -> Iterator[Path]:
    """A folder beside `folder` to build in, which takes its name in the end; it is gone after a failure.

    What earlier builds of the same kind left behind when they were killed is removed first, and in the end the builds
    that nobody has used for 30 days.
    """
    kind = folder.name.rpartition("-")[0]
    folder.parent.mkdir(parents=True, exist_ok=True)
    for left in folder.parent.glob(f"{kind}-*.*"):
        if not Path("/proc", left.suffix[1:]).exists():  # whoever began it is gone
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
    """Whether this build is there; if so, it counts as used now."""
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
        if not folder.is_dir():  # another start was faster
            raise


def package(settings: Settings, build: Build, log: Path, progress: Progress) -> None:
    """Run `mvn package`; all of its output goes to `log`.

    Raises:
        ComponentError: Maven or a Java compiler is missing, or Maven failed.
    """
    command, environment = _command(settings, build)
    log.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    progress(f"{build.name}: {build.doing}")
    with (
        log.open("wb") as output,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process,
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
    """Tells now and then what Maven has fetched so far."""

    def __init__(self, name: str, progress: Progress, began: float) -> None:
        self._name = name
        self._progress = progress
        self._began = self._told = began
        self._files = 0

    def take_line(self, line: str) -> None:
        """Take in a line of Maven's."""
        if not line.startswith("Downloaded "):
            return
        self._files += 1
        now = time.monotonic()
        if now - self._told >= REPORT_EVERY_S:
            self._told = now
            latest = line.split()[3].rpartition("/")[2]
            self._progress(f"{self._name}: {self._files} files, {now - self._began:.0f} s, now {latest}")


def _first_error(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return next(
        (line.removeprefix("[ERROR]").strip() for line in lines if line.startswith("[ERROR]")), "no reason given"
    )
