"""Installs the JVM stack with Maven: Kafka, Connect and its plugins, schema registry, search, S3."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from bifrost.errors import ComponentError
from bifrost.settings import Settings
from bifrost.supervisor.install import maven
from bifrost.supervisor.install.install_folders import stack_folder, stack_sources
from bifrost.supervisor.install.java import Java
from bifrost.supervisor.install.maven import Progress

_NAME = "JVM stack"
_MANIFESTS_S = 600
"""Seconds for the tool that lists the plugins: 5 on a free machine."""


@dataclass(frozen=True, slots=True)
class Stack:
    """An installed JVM stack."""

    root: Path

    @property
    def kafka_classpath(self) -> str:
        """The class path of the broker, the Connect worker and Kafka's tools: corrected classes, then Kafka's own."""
        return f"{self.root / 'broker-fix'}/*:{self.root / 'kafka'}/*"

    @property
    def plugins(self) -> Path:
        """Connect's plugin path: one folder per plugin."""
        return self.root / "plugins"

    @property
    def registry_classpath(self) -> str:
        """The class path of the schema registry: our main, and the application, whose manifest names the rest."""
        application = next((self.root / "registry").glob("*-runner.jar"))
        return f"{self.root / 'registry-node'}/*:{self._server_security}:{application}"

    @property
    def mongo_classpath(self) -> str:
        """The class path of the document database."""
        return f"{self.root / 'mongo'}/*:{self._server_security}"

    @property
    def search_classpath(self) -> str:
        """The class path of the search engine."""
        return f"{self.root / 'search'}/*:{self._server_security}"

    @property
    def _server_security(self) -> str:
        return f"{self.root / 'server-security'}/*"

    @property
    def s3_classpath(self) -> str:
        """The class path of the S3 store."""
        return f"{self.root / 's3'}/*"


def stack_of(settings: Settings) -> Stack:
    """The stack of the current poms, installed or not."""
    return Stack(stack_folder(settings))


def install(settings: Settings, java: Java, progress: Progress) -> Stack:
    """Return the stack; download it first if it is missing. An interrupted download never counts as installed.

    Raises:
        ComponentError: Maven is missing or failed, or the plugins could not be listed.
    """
    stack = stack_of(settings)
    if maven.mark_used(stack.root):
        return stack
    log = settings.logs / "stack.log"
    with maven.build_folder(stack.root) as place:
        build = maven.Build(
            _NAME,
            "downloading Kafka, Connect, Debezium, schema registry, search and S3 with Maven",
            stack_sources(settings) / "pom.xml",
            {"stack.dist": str(place)},
        )
        maven.package(settings, build, log, progress)
        _write_manifests(java, Stack(place), log)
    return stack


def _write_manifests(java: Java, stack: Stack, log: Path) -> None:
    """Write the manifests of the plugins, which saves the worker from scanning every class at its start."""
    tool = "org.apache.kafka.tools.ConnectPluginPath"
    command = (java.program, "-cp", stack.kafka_classpath, tool, "sync-manifests", "--plugin-path", str(stack.plugins))
    try:
        with log.open("ab") as output:
            subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, timeout=_MANIFESTS_S, check=True)
    except subprocess.CalledProcessError as error:
        raise ComponentError(_NAME, "Kafka's tool could not list the Connect plugins", log=log) from error
    except subprocess.TimeoutExpired as error:
        problem = f"Kafka's tool did not list the Connect plugins within {_MANIFESTS_S} s; run the command again"
        raise ComponentError(_NAME, problem, log=log) from error
