"""Installs the agent that serves the figures of Java programs for Prometheus, where BIFROST_JMX asks for it."""

from __future__ import annotations

from pathlib import Path

from bifrost.settings import Settings
from bifrost.supervisor.install import maven
from bifrost.supervisor.install.install_folders import jmx_exporter_folder, jmx_exporter_sources


def install(settings: Settings, progress: maven.Progress) -> Path:
    """Return the folder of the agent; download and build it first if it is missing.

    Raises:
        ComponentError: Maven or a Java compiler is missing, or Maven failed.
    """
    folder = jmx_exporter_folder(settings)
    if maven.mark_used(folder):
        return folder
    with maven.build_folder(folder) as place:
        build = maven.Build(
            "JMX exporter",
            "downloading the exporter and building the agent with Maven",
            jmx_exporter_sources(settings) / "pom.xml",
            {"jmx.dist": str(place)},
        )
        maven.package(settings, build, settings.logs / "jmx-exporter.log", progress)
    return folder
