"""The programs that must be installed on the system, and the apt packages that contain them.

Standard library only: the bootstrap reads this table before the Python environment exists.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from bifrost.settings import Settings
from bifrost.supervisor.install.install_folders import jvm_parts_installed
from bifrost.supervisor.install.java import NEWEST, OLDEST, find_java

_FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
_FONT = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")


@dataclass(frozen=True, slots=True)
class SystemPart:
    """Something that apt installs: the first of `packages` that the system knows."""

    name: str
    packages: tuple[str, ...]
    is_present: Callable[[Settings], bool]
    components: frozenset[str] = frozenset()  # of the platform that need it
    file_during_install: tuple[str, str] | None = None  # (path, text) of a file that exists during the installation


def find_program(settings: Settings, name: str) -> str | None:
    """The path of a program. The system's folders are searched too: databases are often outside a user's PATH."""
    return shutil.which(name, path=f"{settings.get('PATH')}:{_FOLDERS}")


def find_postgres(settings: Settings, version: str = "") -> Path | None:
    """The folder of PostgreSQL's server programs: of `version` if it is installed, else of the newest.

    Debian installs several versions side by side, outside the PATH.
    """
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    folders = {folder.parent.name: folder for folder in sorted(found, key=lambda folder: float(folder.parent.name))}
    if folders:
        return folders.get(version) or list(folders.values())[-1]
    program = find_program(settings, "postgres")
    return Path(program).resolve().parent if program else None


def _program(*names: str) -> Callable[[Settings], bool]:
    return lambda settings: all(find_program(settings, name) is not None for name in names)


_JVM = frozenset({"broker", "connect", "schema_registry", "mongodb", "search", "s3"})

ENVIRONMENT_PARTS = (
    SystemPart(
        "venv for this Python",
        (f"python{sys.version_info.major}.{sys.version_info.minor}-venv", "python3-venv"),
        lambda settings: (settings.venv / "bin" / "python").exists() or find_spec("ensurepip") is not None,
    ),
)
"""Required by every command."""

PLATFORM_PARTS = (
    SystemPart(
        f"Java {OLDEST} to {NEWEST} with a compiler",
        ("openjdk-21-jdk-headless", "openjdk-17-jdk-headless", "default-jdk-headless"),
        # Once everything is built, a runtime is enough.
        lambda settings: find_java(settings, compiler=not jvm_parts_installed(settings)) is not None,
        _JVM,
    ),
    SystemPart("Maven", ("maven",), lambda settings: jvm_parts_installed(settings) or _program("mvn")(settings), _JVM),
    SystemPart(
        "MariaDB server",
        ("mariadb-server-core", "mariadb-server-core-10.6"),
        _program("mariadbd", "mariadb-install-db"),
        frozenset({"mariadb"}),
    ),
    SystemPart(
        "MariaDB client",
        ("mariadb-client-core", "mariadb-client-core-10.6"),
        _program("mariadb"),
        frozenset({"mariadb"}),
    ),
    SystemPart(
        "PostgreSQL server",
        ("postgresql",),
        lambda settings: find_postgres(settings) is not None,
        frozenset({"postgres"}),
        # Debian's package would otherwise start a database server on the port that ours uses.
        file_during_install=("/etc/postgresql-common/createcluster.d/bifrost.conf", "create_main_cluster = off\n"),
    ),
)
"""Required in addition to start the embedded platform."""

TEST_PARTS = (
    SystemPart("docker-compose", ("docker-compose", "docker-compose-v2"), _program("docker-compose")),
    SystemPart("tshark", ("tshark",), _program("tshark")),
    SystemPart("Chromium", ("chromium",), _program("chromium")),
    SystemPart("Chromium's driver", ("chromium-driver",), _program("chromedriver")),
    SystemPart("Node.js and npm", ("npm",), _program("node", "npm")),
    SystemPart("DejaVu fonts", ("fonts-dejavu-core",), lambda _: _FONT.exists()),
)
"""Required in addition to run the whole test suite."""


def missing(settings: Settings, parts: Iterable[SystemPart]) -> list[SystemPart]:
    """The parts that are not installed."""
    return [part for part in parts if not part.is_present(settings)]
