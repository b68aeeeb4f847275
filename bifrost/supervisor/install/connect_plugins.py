"""Builds our Connect plugins (`jvm/connect-plugins`) with Maven, once per version of their sources."""

from __future__ import annotations

import shutil
from pathlib import Path

from bifrost.settings import Settings
from bifrost.supervisor.install import maven
from bifrost.supervisor.install.install_folders import connect_plugins_folder, connect_plugins_sources


def install(settings: Settings, progress: maven.Progress) -> Path:
    """Return the plugin path, which holds a folder per plugin; build it first if it is missing.

    Raises:
        ComponentError: Maven or a Java compiler is missing, or Maven failed.
    """
    folder = connect_plugins_folder(settings)
    if maven.mark_used(folder):
        return folder
    with maven.build_folder(folder) as place:
        work = place / ".build"
        build = maven.Build(
            "Connect plugins",
            "building the sinks and sources of this project with Maven",
            connect_plugins_sources(settings) / "pom.xml",
            {"build.root": str(work), "plugins.dist": str(place), "maven.test.skip": "true"},
        )
        maven.package(settings, build, settings.logs / "connect-plugins.log", progress)
        shutil.rmtree(work)
    return folder
