"""Finds a Java runtime. Standard library only: the bootstrap imports it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bifrost.settings import Settings

OLDEST, NEWEST = 17, 25
"""Kafka 4 needs 17; versions after 25 are untested with these parts."""

_FIRST_WITH_AUTOMATIC_ARCHIVE = 19
_ARCHIVING_S = 60.0
"""Enough on a busy machine; less than clients wait for the end of the platform."""
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

    @property
    def short_lived(self) -> tuple[str, ...]:
        """Options for a tool that runs for a few seconds: it ends before optimised code would pay."""
        return ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")

    @property
    def optimises_late(self) -> tuple[str, ...]:
        """Options that compile only what really runs often with the optimising compiler.

        On two cores, that compiler takes a quarter of the processor time of a start.
        """
        limits = {"Invocation": 30_000, "MinInvocation": 10_000, "Compile": 60_000, "BackEdge": 400_000}
        return tuple(f"-XX:Tier4{name}Threshold={limit}" for name, limit in limits.items())

    def shared_classes(self, folder: Path, name: str) -> tuple[str, ...]:
        """Options that make a program archive its loaded classes in a folder and reuse them at its next start.

        That start takes about half as long. The JVM ignores an archive that no longer fits.
        """
        archive = self._archive(folder, name)
        quiet = "-Xlog:cds=off"  # silences a line for every class that cannot be archived
        if self.version >= _FIRST_WITH_AUTOMATIC_ARCHIVE:
            return (quiet, "-XX:+AutoCreateSharedArchive", f"-XX:SharedArchiveFile={archive}")
        return (quiet, f"-XX:{'SharedArchiveFile' if archive.exists() else 'ArchiveClassesAtExit'}={archive}")

    def classes_shared_by(self, folder: Path, name: str) -> tuple[str, ...]:
        """Options that make a program use the archive of another one with the same class path, if it exists."""
        archive = self._archive(folder, name)
        # With an archive that is missing, the JVM does not use its own one either.
        return ("-Xlog:cds=off", f"-XX:SharedArchiveFile={archive}") if archive.exists() else ()

    def grace_s(self, folder: Path, name: str, usual_s: float) -> float:
        """How long such a program may take to stop: longer when it writes its archive, which it does at its end.

        Killed before that, it would try again at every stop.
        """
        return usual_s if self._archive(folder, name).exists() else max(usual_s, _ARCHIVING_S)

    def _archive(self, folder: Path, name: str) -> Path:
        return folder / f"{name}-java{self.version}.jsa"


def find_java(settings: Settings, *, folder: Path = _JVM_FOLDER, compiler: bool = False) -> Java | None:
    """Return `JAVA_HOME` if it is suitable, else the newest suitable Java of the PATH and the system's JVM folder.

    Args:
        compiler: require a development kit.
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
