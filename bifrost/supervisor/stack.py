"""The JVM stack: Kafka, Connect and its plugins, schema registry, search, S3; fetched by Maven once per version."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bifrost.errors import ComponentError
from bifrost.settings import Settings
from bifrost.supervisor.java import Java
from bifrost.supervisor.stack_location import poms, stack_folder
from bifrost.supervisor.system_parts import find_program

Progress = Callable[[str], None]
"""Takes a line that tells a person how far something is."""

REPORT_EVERY_S = 5.0
_NAME = "JVM stack"


@dataclass(frozen=True, slots=True)
class Stack:
    """An installed JVM stack."""

    root: Path

    @property
    def kafka_classpath(self) -> str:
        """The class path of the broker, the Connect worker and Kafka's tools."""
        return f"{self.root / 'kafka'}/*"

    @property
    def plugins(self) -> Path:
        """Connect's plugin path: one folder per plugin."""
        return self.root / "plugins"

    @property
    def registry_jar(self) -> Path:
        """The schema registry's application."""
        return next((self.root / "registry").glob("*-runner.jar"))

    @property
    def search_classpath(self) -> str:
        """The class path of the search engine."""
        return f"{self.root / 'search'}/*"

    @property
    def s3_classpath(self) -> str:
        """The class path of the S3 store."""
        return f"{self.root / 's3'}/*"


def stack_of(settings: Settings) -> Stack:
    """Where the stack of the present poms is, or will be, installed."""
    return Stack(stack_folder(settings))


def install(settings: Settings, java: Java, progress: Progress) -> Stack:
    """The stack, fetched first if it is not there. An interrupted fetch leaves nothing that counts as installed.

    Raises:
        ComponentError: Maven is missing or failed, or the plugins could not be read.
    """
    stack = stack_of(settings)
    if stack.root.is_dir():
        return stack
    unfinished = stack.root.with_name(f"{stack.root.name}.{os.getpid()}")
    log = settings.logs / "stack.log"
    for folder in (settings.cache, settings.logs):
        folder.mkdir(parents=True, exist_ok=True)
    _remove_unfinished(settings.cache)
    try:
        _fetch(settings, java, unfinished, log, progress)
        _write_manifests(java, Stack(unfinished), log)
        unfinished.rename(stack.root)
    except FileExistsError:  # another start was faster
        pass
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return stack


def _remove_unfinished(cache: Path) -> None:
    for folder in cache.glob("stack-*.*"):
        if not Path("/proc", folder.suffix[1:]).exists():  # whoever began it is gone
            shutil.rmtree(folder, ignore_errors=True)


def _fetch(settings: Settings, java: Java, target: Path, log: Path, progress: Progress) -> None:
    maven = find_program(settings, "mvn")
    if maven is None:
        raise ComponentError(_NAME, "mvn is not on the PATH; install maven")
    pom = poms(settings) / "pom.xml"
    command = (maven, "--batch-mode", "-Dstyle.color=never", f"-Dstack.dist={target}", "-f", str(pom), "package")
    environment = {**settings.values, "JAVA_HOME": str(java.home)}
    began = time.monotonic()
    progress("JVM stack: fetching Kafka, Connect, Debezium, schema registry, search and S3 with Maven")
    with (
        log.open("wb") as output,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process,
    ):
        assert process.stdout is not None
        watch = _Watch(progress, began)
        for line in process.stdout:
            output.write(line)
            watch.saw(line.decode(errors="replace"))
    if process.returncode:
        raise ComponentError(_NAME, f"Maven failed: {_first_error(log)}", log=log)
    progress(f"JVM stack: fetched in {time.monotonic() - began:.0f} s")


class _Watch:
    """Tells now and then what Maven has fetched so far."""

    def __init__(self, progress: Progress, began: float) -> None:
        self._progress = progress
        self._began = self._told = began
        self._files = 0

    def saw(self, line: str) -> None:
        """Take in a line of Maven's."""
        if not line.startswith("Downloaded "):
            return
        self._files += 1
        now = time.monotonic()
        if now - self._told >= REPORT_EVERY_S:
            self._told = now
            latest = line.split()[3].rpartition("/")[2]
            self._progress(f"JVM stack: {self._files} files, {now - self._began:.0f} s, now {latest}")


def _first_error(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return next(
        (line.removeprefix("[ERROR]").strip() for line in lines if line.startswith("[ERROR]")), "no reason given"
    )


def _write_manifests(java: Java, stack: Stack, log: Path) -> None:
    """Let plugins be found by their manifests: the worker starts seconds faster than by reading every class."""
    tool = "org.apache.kafka.tools.ConnectPluginPath"
    command = (java.program, "-cp", stack.kafka_classpath, tool, "sync-manifests", "--plugin-path", str(stack.plugins))
    with log.open("ab") as output:
        done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, timeout=120)
    if done.returncode:
        raise ComponentError(_NAME, "the Connect plugins could not be listed", log=log)
