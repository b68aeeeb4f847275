"""Plants known secrets in the settings of a platform, lets things fail, and looks for them in every output and file.

    python -m benchmarks.planted_secrets

It starts a platform of its own with the pipelines `ratings` and `orders`. Then it runs every command that shows
something, breaks a connector, a statement and a password, and runs them again. A secret may be in a file of the run
folder that only its owner can read, and nowhere else: not in an output, a log, a saved plan or a process's arguments.
Exit code 1 means that one was found elsewhere.
"""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from benchmarks.changes.change import ProjectCopy
from benchmarks.own_platform import OwnPlatform, own_platform

NAMES = (
    "MYSQL_PASSWORD",
    "MYSQL_APP_PASSWORD",
    "POSTGRES_PASSWORD",
    "POSTGRES_APP_PASSWORD",
    "AWS_SECRET_ACCESS_KEY",
)
PLANTED: Mapping[str, str] = {name: f"Planted4{name.lower().replace('_', '.')}+x" for name in NAMES}
PIPELINES = ("ratings", "orders")
UP = ("up", *PIPELINES, "--no-demo", "--yes")
COMMANDS = (
    UP,
    ("plan", *PIPELINES),
    ("plan", *PIPELINES, "--json"),
    ("status",),
    ("status", "--json"),
    ("diff", "mysql-demo-customers"),
    ("describe", "mysql-demo-customers"),
    ("describe", "RATINGS_ENRICHED"),
    ("validate",),
    ("logs", "connect", "--lines", "2000"),
    ("logs", "ksqldb", "--lines", "2000"),
)
SOURCE = "connectors/ratings/mysql-demo-customers.json"


def main() -> int:
    """Run everything and print where secrets were found."""
    found: set[str] = set()
    with tempfile.TemporaryDirectory(prefix="bifrost-secrets-") as folder:
        copy = ProjectCopy(Path(folder) / "project")
        with own_platform(copy.root, **PLANTED) as platform:
            platform.succeed(*UP, "--ports", "auto")
            found |= set(shown(platform, "as deployed"))
            copy.json(SOURCE, "database.hostname", value="nowhere.invalid")
            found |= set(shown(platform, "with a wrong host"))
            copy.json(SOURCE, "database.hostname", value="${env:MYSQL_HOST}")
            copy.json(SOURCE, "database.password", value=f"wrong{PLANTED['MYSQL_PASSWORD']}")
            found |= set(shown(platform, "with a wrong password"))
            copy.json(SOURCE, "database.password", value="${env:MYSQL_PASSWORD}")
            copy.append("ksql/ratings.sql", "\nCREATE STREAM BROKEN AS SELECT NOSUCH(STARS) AS A FROM RATINGS;\n")
            found |= set(shown(platform, "with a wrong statement"))
            found |= set(in_files(platform))
            found |= set(in_arguments())
    for line in sorted(found):
        print(line)
    print(f"{len(found)} places hold a planted secret that must not")
    return int(bool(found))


def shown(platform: OwnPlatform, when: str) -> Iterator[str]:
    """The commands that show a secret."""
    for command in COMMANDS:
        done = platform.run(*command)
        for name in leaks(done.stdout + done.stderr):
            yield f"`{' '.join(command)}` {when} shows {name}"


def in_files(platform: OwnPlatform) -> Iterator[str]:
    """The files of the platform that hold a secret, except private ones of the run folder and the databases' own."""
    home = platform.settings.home
    for path in (path for path in home.rglob("*") if path.is_file() and not path.is_symlink()):
        names = leaks(path.read_bytes().decode("utf-8", "replace"))
        is_private = path.stat().st_mode & 0o077 == 0
        if not names or path.is_relative_to(platform.settings.data):
            continue
        if not (path.is_relative_to(platform.settings.run) and is_private):
            yield f"{path.relative_to(home)} (mode {path.stat().st_mode & 0o777:o}) holds {', '.join(sorted(names))}"


def in_arguments() -> Iterator[str]:
    """The processes of this machine whose arguments hold a secret: every user can read them."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        for name in leaks(command):
            yield f"the arguments of {command.split()[0]} hold {name}"


def leaks(text: str) -> set[str]:
    """The names of the planted secrets in a text, also as parts of URLs and in base64."""
    return {name for name, secret in PLANTED.items() if any(spelling in text for spelling in _spellings(secret))}


def _spellings(secret: str) -> tuple[str, ...]:
    return secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode().rstrip("=")


if __name__ == "__main__":
    raise SystemExit(main())
