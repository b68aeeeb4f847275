"""Plants secrets in settings and connectors of a running platform, and looks for them in all that people see.

    python -m benchmarks.planted_secrets

It starts its own platform with planted passwords of the stores and APIs, and deploys a copy of the project with
connectors whose files hold passwords and URLs with userinfo: one that works and whose password then changes, one whose
URL the worker refuses, one whose database refuses the password. It runs the commands that show something, with and
without `--json`, and searches for the secrets in their output, in the command lines of all processes, and in every file
of the platform: logs, run files, saved plans, reports of `doctor`. Kafka, the databases and the configurations of parts
hold what they must know, and must be closed to other users. Exit code 1 means a finding.
"""

from __future__ import annotations

import argparse
import base64
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from confluent_kafka import Producer

from benchmarks.changes.change import ProjectCopy
from benchmarks.own_platform import OwnPlatform, own_platform
from benchmarks.platform import wait_for

SETTINGS = {
    name: f"Pl4nted/{number}+{name.lower()}="
    for number, name in enumerate(
        (
            *("MYSQL_PASSWORD", "MYSQL_APP_PASSWORD", "POSTGRES_PASSWORD", "POSTGRES_APP_PASSWORD"),
            *("AWS_SECRET_ACCESS_KEY", "CONNECT_PASSWORD", "KSQLDB_PASSWORD", "SCHEMA_REGISTRY_PASSWORD"),
            *("ELASTICSEARCH_PASSWORD", "TELEGRAM_WEBHOOK_SECRET"),
        )
    )
}
USERS = {f"{part}_USER": "planted" for part in ("CONNECT", "KSQLDB", "SCHEMA_REGISTRY", "ELASTICSEARCH")}
IN_FILES = {name: f"pl4nted-{name}-9f3a" for name in ("password", "new-password", "userinfo", "database", "api-key")}
FOLDER, SINK, REFUSED, SOURCE = "connectors/ratings", "planted-sink", "planted-refused", "planted-source"
TOPIC = "planted"
UP = ("up", "ratings", "--no-demo", "--yes")
STORES = ("broker", "mariadb", "postgres", "mongodb")
"""Folders below `data` that hold the configurations of connectors and the accounts of databases."""
CLOSED = ("run", "data/broker")
"""Folders that no other user may read: what Connect stores in Kafka holds every secret of the connectors."""
COMMANDS = (
    *(("plan", "ratings"), ("status",), ("doctor",), ("lint",), ("validate",), ("lag",)),
    *((command, name) for command in ("diff", "describe") for name in (SINK, REFUSED, SOURCE)),
    *(("describe", "mysql-demo-customers"), ("offsets", "show", SINK)),
    *(("dlq", "list"), ("dlq", "show", SINK)),
)
LOGS = ("connect", "broker", "ksqldb", "supervisor", "mariadb", "s3", "console")


def main() -> int:
    """Deploy, look, and print every finding."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    found: list[str] = []
    with tempfile.TemporaryDirectory(prefix="bifrost-secrets-") as folder:
        copy = ProjectCopy(Path(folder) / "project")
        with own_platform(copy.root, **SETTINGS, **USERS) as platform:
            for step, problems in steps(platform, copy):
                print(f"{step}: {len(problems)} findings", *problems, sep="\n    ", flush=True)
                found += problems
    print(f"{len(SETTINGS) + len(IN_FILES)} secrets, {len(found)} findings")
    return int(bool(found))


def steps(platform: OwnPlatform, copy: ProjectCopy) -> Iterator[tuple[str, list[str]]]:
    """Each step, and the findings after it."""
    found = list(ran(platform, *UP, "--ports", "auto"))
    endpoints = platform.settings.endpoints.as_json()
    registry = endpoints["schema_registry"].replace("://", f"://planted:{IN_FILES['userinfo']}@")
    plant_sink(copy, SINK, endpoints["search"], IN_FILES["password"], registry)
    found += ran(platform, *UP)
    spoil(platform)
    copy.json(f"{FOLDER}/{SINK}.json", "connection.password", value=IN_FILES["new-password"])
    saved = copy.root / "saved.plan"
    found += ran(platform, "plan", "ratings", "--out", str(saved), code=3)
    yield "a sink with secrets, whose password is about to change", [*found, *looked(platform, copy)]
    found = list(ran(platform, "up", "--plan", str(saved), "--no-demo", "--yes"))
    source = copy.read_json(f"{FOLDER}/mysql-demo-customers.json")
    strange = {"database.password": IN_FILES["database"], "database.server.id": "77", "topic.prefix": "planted"}
    copy.write_json(f"{FOLDER}/{SOURCE}.json", {**source, **strange})
    found += ran(platform, *UP, code=None)
    plant_sink(copy, REFUSED, f"http://planted:{IN_FILES['userinfo']}@127.0.0.1:1", IN_FILES["password"], registry)
    found += ran(platform, *UP, code=None)
    yield "connectors that fail", [*found, *looked(platform, copy)]


def plant_sink(copy: ProjectCopy, name: str, url: str, password: str, registry: str) -> None:
    """Declare a sink, and its topics."""
    config = copy.read_json(f"{FOLDER}/es_sink_unhappy_platinum_customers.json")
    planted = {
        "topics": TOPIC,
        "connection.url": url,
        "value.converter": "io.confluent.connect.avro.AvroConverter",
        "value.converter.schema.registry.url": registry,
        "value.converter.basic.auth.credentials.source": "URL",
        "connection.username": "planted",
        "connection.password": password,
        "connection.api.key": IN_FILES["api-key"],
        "errors.deadletterqueue.topic.name": f"{name}.dlq",
    }
    copy.write_json(f"{FOLDER}/{name}.json", {**config, **planted})
    plain = {"partitions": 1, "cleanup.policy": "delete", "retention.ms": 86_400_000, "key": "none"}
    for topic in (TOPIC, f"{name}.dlq"):
        copy.json("topics/ratings.json", topic, value=plain)


def spoil(platform: OwnPlatform) -> None:
    """A record that becomes a dead letter."""
    producer = Producer({"bootstrap.servers": platform.settings.endpoints.as_json()["kafka"]})
    producer.produce(TOPIC, b"no JSON")
    producer.flush()
    wait_for("a dead letter", lambda: platform.run("dlq", "show", SINK).returncode == 0, 120)


def ran(platform: OwnPlatform, *arguments: str, code: int | None = 0) -> Iterator[str]:
    """Run a command; what is wrong with its output or its exit code."""
    done = platform.run(*arguments)
    output = done.stdout + done.stderr
    if names := leaked(output):
        yield f"`{' '.join(arguments)}` shows {', '.join(names)}"
    if code is not None and done.returncode != code:
        yield f"`{' '.join(arguments)}`: exit code {done.returncode}: {output[-300:] if not names else ''}"
    if "Traceback" in output:
        yield f"`{' '.join(arguments)}` shows a traceback"


def looked(platform: OwnPlatform, copy: ProjectCopy) -> Iterator[str]:
    """Findings in the output of all commands, in processes and in files."""
    for command in COMMANDS:
        for options in ((), ("--json",)):
            yield from ran(platform, *command, *options, code=None)
    for name in LOGS:
        yield from ran(platform, "logs", name, code=None)
    yield from in_processes(platform)
    yield from in_files(platform.settings.home)
    for path in copy.root.rglob("*"):
        if path.is_file() and not path.is_relative_to(copy.root / "connectors") and (names := in_file(path)):
            yield f"{path.relative_to(copy.root)} holds {', '.join(names)}"


def in_processes(platform: OwnPlatform) -> Iterator[str]:
    """Secrets in command lines, which every user sees."""
    for component in platform.supervisor.status():
        if component.pid is not None:
            with suppress(OSError):
                line = Path(f"/proc/{component.pid}/cmdline").read_text(encoding="utf-8", errors="replace")
                if names := leaked(line):
                    yield f"the command line of {component.name} holds {', '.join(names)}"


def in_files(home: Path) -> Iterator[str]:
    """Secrets in files, except configurations of parts that only we can read, and stores that others can read."""
    for path in sorted(home.rglob("*")):
        place = path.relative_to(home)
        if place.parts[0] == "data" and len(place.parts) > 1 and place.parts[1] in STORES:
            continue
        with suppress(OSError):
            mode = path.stat().st_mode & 0o777
            if path.is_file() and (names := in_file(path)) and (place.parts[0] != "run" or mode & 0o077):
                yield f"{place} (mode {mode:o}) holds {', '.join(names)}"
    for place in CLOSED:
        mode = (home / place).stat().st_mode & 0o777
        if mode & 0o077:
            yield f"{place} is open to other users (mode {mode:o})"


def in_file(path: Path) -> list[str]:
    """The secrets in a file."""
    return leaked(path.read_text(encoding="utf-8", errors="replace"))


def leaked(text: str) -> list[str]:
    """The names of the secrets in a text, however they are spelled."""
    return sorted(name for name, secret in (*SETTINGS.items(), *IN_FILES.items()) if _holds(text, secret))


def _holds(text: str, secret: str) -> bool:
    spellings = (secret, quote(secret, safe=""), base64.b64encode(f"planted:{secret}".encode()).decode())
    return any(spelling in text for spelling in spellings)


if __name__ == "__main__":
    raise SystemExit(main())
