"""Checks of this machine: memory, disk, open files, processes and logs of the embedded platform."""

from __future__ import annotations

import platform as python_platform
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

from bifrost import __version__
from bifrost.deployer.live.state import Platform
from bifrost.operations.health.finding import Finding, ok, problem, warning
from bifrost.operations.watch.disk_guard import read_paused
from bifrost.settings import Settings
from bifrost.supervisor.preflight import MIB, available_memory

LEAST_MEMORY_MIB = 500
LEAST_DISK_MIB = 2000
LEAST_OPEN_FILES = 4096
LOG_TAIL_BYTES = 200_000
ERRORS_SHOWN = 3
_ERROR_WORDS = (" ERROR ", " FATAL ", "[ERROR]", "Traceback (most recent call last)", "OutOfMemoryError")


def versions() -> Iterator[Finding]:
    """What runs this command."""
    yield ok("Bifrost", __version__)
    yield ok("Python", python_platform.python_version())
    yield ok("system", python_platform.platform())


def resources(settings: Settings) -> Iterator[Finding]:
    """Memory, disk and open files that are left."""
    memory = available_memory() // MIB
    text = f"{memory} MiB available"
    if memory < LEAST_MEMORY_MIB:
        yield warning("memory", text, "the system may kill a component; stop other programs")
    else:
        yield ok("memory", text)
    folder = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    disk = shutil.disk_usage(folder)
    text = f"{disk.free // MIB} of {disk.total // MIB} MiB free at {folder}"
    paused = read_paused(settings.disk_pause)
    if paused is not None:
        advice = "free some: the watcher then resumes them"
        yield problem("disk", f"{text}; paused for lack of space: {', '.join(sorted(paused)) or 'unknown'}", advice)
    elif disk.free // MIB < LEAST_DISK_MIB:
        yield warning(
            "disk", text, "Kafka and the search engine stop writing on a full disk; delete what is not needed"
        )
    else:
        yield ok("disk", text)
    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= limit < LEAST_OPEN_FILES and 0 <= most < LEAST_OPEN_FILES:
        yield warning("open files", f"at most {most} per process", "raise the limit (ulimit -n), at least to 4096")
    else:
        yield ok("open files", f"{limit} per process, at most {most}")


def folders(settings: Settings) -> Iterator[Finding]:
    """What the data and logs of the embedded platform take."""
    for folder in (settings.data, settings.logs):
        if not folder.is_dir():
            continue
        sizes = {entry.name: _size(entry) for entry in folder.iterdir()}
        largest = sorted(sizes, key=lambda name: -sizes[name])[:4]
        parts = ", ".join(f"{name} {sizes[name] // MIB} MiB" for name in largest)
        yield ok(folder.name, f"{sum(sizes.values()) // MIB} MiB: {parts}")


def components(platform: Platform) -> Iterator[Finding]:
    """The processes of the embedded platform."""
    if platform.services is None or not platform.services.is_running():
        return
    for status in platform.services.status():
        restarts = f", restarted {status.restarts} times" if status.restarts else ""
        cause = f": {status.cause}" if status.cause else ""
        text = f"{status.state}{restarts}{cause}"
        if status.state in ("failed", "backoff"):
            yield problem(status.name, text, f"`logs {status.name}` shows why; `restart {status.name}` starts it")
        elif restarts:
            yield warning(status.name, text, f"`logs {status.name}` shows why")
        else:
            yield ok(status.name, text)


def log_errors(settings: Settings) -> Iterator[Finding]:
    """The last errors in the logs of the embedded platform."""
    if not settings.logs.is_dir():
        return
    for log in sorted(settings.logs.glob("*.log")):
        lines = [line for line in _tail(log) if any(word in line for word in _ERROR_WORDS)]
        if lines:
            shown = " | ".join(line.strip()[:300] for line in lines[-ERRORS_SHOWN:])
            yield warning(log.name, f"{len(lines)} errors near its end: {shown}", f"`logs {log.stem}` shows more")
        else:
            yield ok(log.name, "no errors near its end")


def _tail(log: Path) -> list[str]:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - LOG_TAIL_BYTES))
        return file.read().decode("utf-8", "replace").splitlines()


def _size(path: Path) -> int:
    if not path.is_dir() or path.is_symlink():
        return path.stat(follow_symlinks=False).st_blocks * 512
    return sum(_size(entry) for entry in path.iterdir())
