"""Finding a Java runtime. Standard library only: the bootstrap uses it before there is an environment."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bifrost.settings import Settings

OLDEST, NEWEST = 17, 25
"""Kafka 4 needs 17; newer ones than 25 were not tried with these parts."""

_FIRST_WITH_AUTOMATIC_ARCHIVE = 19
_JVM_FOLDER = Path("/usr/lib/jvm")
_VERSION = re.compile(r'^JAVA_VERSION="(?:1\.)?(\d+)', re.M)


@dataclass(frozen=True, slots=True)
class Java:
    """A Java runtime."""

    home: Path
    version: int  # feature release: 17, 21, ...

    @property
    def has_compiler(self) -> bool:
        """Whether it is a development kit."""
        return (self.home / "bin" / "javac").exists()

    @property
    def program(self) -> str:
        """The path of `java`."""
        return str(self.home / "bin" / "java")

    def shared_classes(self, folder: Path, name: str) -> tuple[str, ...]:
        """Options with which a program leaves its loaded classes in a folder and finds them at its next start.

        That start takes about half as long. An archive that no longer fits is passed over by the JVM.
        """
        archive = folder / f"{name}-java{self.version}.jsa"
        quiet = "-Xlog:cds=off"  # it would say of every archive why it does not hold everything
        if self.version >= _FIRST_WITH_AUTOMATIC_ARCHIVE:
            return (quiet, "-XX:+AutoCreateSharedArchive", f"-XX:SharedArchiveFile={archive}")
        return (quiet, f"-XX:{'SharedArchiveFile' if archive.exists() else 'ArchiveClassesAtExit'}={archive}")


def find_java(settings: Settings, *, folder: Path = _JVM_FOLDER, compiler: bool = False) -> Java | None:
    """`JAVA_HOME` if it suits, else the newest suitable one of the PATH and of the system's JVM folder.

    Args:
        compiler: whether it must be a development kit.
    """
    chosen = settings.get("JAVA_HOME")
    java = _java_at(Path(chosen)) if chosen else None
    if java is not None and _suits(java, compiler):
        return java
    candidates = (_java_at(home) for home in _homes(settings, folder))
    found = [java for java in candidates if java is not None and _suits(java, compiler)]
    return max(found, key=lambda java: java.version, default=None)


def _suits(java: Java, compiler: bool) -> bool:
    return OLDEST <= java.version <= NEWEST and (java.has_compiler or not compiler)


def _homes(settings: Settings, folder: Path) -> Iterator[Path]:
    on_path = shutil.which("java", path=settings.get("PATH"))
    if on_path is not None:
        yield Path(on_path).resolve().parents[1]
    if folder.is_dir():
        yield from sorted({home.resolve() for home in folder.iterdir()})


def _java_at(home: Path) -> Java | None:
    try:
        release = (home / "release").read_text(errors="replace")
    except OSError:
        return None
    version = _VERSION.search(release)
    if version is None or not (home / "bin" / "java").exists():
        return None
    return Java(home, int(version.group(1)))
