"""Where the JVM stack and our Connect plugins are installed. Standard library only: the bootstrap imports it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from bifrost.settings import Settings

_EDITION = "1"
"""Version of what the installation does beyond the poms. Changing it makes every home install the stack again."""

_PLUGINS_EDITION = "1"
"""The same for our Connect plugins."""

_PARTS = ("stack", "broker-fix", "server-security", "registry", "mongo", "search", "s3")
"""The folders of `jvm/` that the stack is built from."""

_AGENT_PARTS = ("server-security", "jmx-exporter")
"""The folders of `jvm/` that the agent for JMX is built from."""


def stack_sources(settings: Settings) -> Path:
    """The folder of the stack's Maven projects."""
    return settings.project / "jvm" / "stack"


def stack_folder(settings: Settings) -> Path:
    """The folder of the installed stack, named by a hash of the sources."""
    folder = settings.project / "jvm"
    return settings.cache / f"stack-{_digest(_EDITION, folder, _poms_and_classes(folder, _PARTS))}"


def connect_plugins_sources(settings: Settings) -> Path:
    """The folder of the Connect plugins' sources."""
    return settings.project / "jvm" / "connect-plugins"


def connect_plugins_folder(settings: Settings) -> Path:
    """The folder of the built Connect plugins, named by a hash of their sources without tests."""
    folder = connect_plugins_sources(settings)
    sources = sorted((*folder.rglob("pom.xml"), *(file for file in folder.glob("*/src/main/**/*") if file.is_file())))
    return settings.cache / f"connect-plugins-{_digest(_PLUGINS_EDITION, folder, sources)}"


def jmx_exporter_sources(settings: Settings) -> Path:
    """The folder of the Maven project of our agent, which names the JMX exporter."""
    return settings.project / "jvm" / "jmx-exporter"


def jmx_exporter_folder(settings: Settings) -> Path:
    """The folder of the JMX exporter and our agent, named by a hash of the agent's sources."""
    folder = settings.project / "jvm"
    return settings.cache / f"jmx-exporter-{_digest('2', folder, _poms_and_classes(folder, _AGENT_PARTS))}"


def jvm_parts_installed(settings: Settings) -> bool:
    """Whether the stack and the plugins are installed. A folder with its final name is complete."""
    return stack_folder(settings).is_dir() and connect_plugins_folder(settings).is_dir()


def _poms_and_classes(folder: Path, parts: Iterable[str]) -> Iterable[Path]:
    for part in parts:
        yield from sorted((*(folder / part).rglob("pom.xml"), *(folder / part).rglob("*.java")))


def _digest(edition: str, folder: Path, sources: Iterable[Path]) -> str:
    digest = hashlib.sha256(edition.encode())
    for source in sources:
        digest.update(source.relative_to(folder).as_posix().encode() + source.read_bytes())
    return digest.hexdigest()[:12]
