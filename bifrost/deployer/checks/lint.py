"""Known mistakes in connectors, found in their files alone: old names, missing keys, clashes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bifrost.deployer.checks.vendor_keys import BIGQUERY_SINK, JDBC_SOURCE, unknown_keys
from bifrost.deployer.declared.declarations import Declarations, DeclaredConnector
from bifrost.deployer.declared.files import line_of


@dataclass(frozen=True, slots=True)
class FileProblem:
    """Something wrong in a file: an error or a warning."""

    path: Path
    line: int | None
    text: str
    is_error: bool = True

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line is not None else f"{self.path}"
        return f"{place}: {'' if self.is_error else 'warning: '}{self.text}"


_HISTORY = "schema.history.internal"
_KAFKA_HISTORY = "io.debezium.storage.kafka.history.KafkaSchemaHistory"
_FILE_HISTORY = "io.debezium.storage.file.history.FileSchemaHistory"
_HISTORY_KEYS: Mapping[str, tuple[str, ...]] = {
    _KAFKA_HISTORY: (f"{_HISTORY}.kafka.topic", f"{_HISTORY}.kafka.bootstrap.servers"),
    _FILE_HISTORY: (f"{_HISTORY}.file.filename",),
}
"""Keys that a schema history needs, by its class; others are not known here."""
_BINLOG = ("database.hostname", "database.user", "database.server.id", "topic.prefix")
_BINLOG_CLASSES = (
    "io.debezium.connector.mysql.MySqlConnector",
    "io.debezium.connector.mariadb.MariaDbConnector",
)
REQUIRED: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(_BINLOG_CLASSES, _BINLOG),
    "io.debezium.connector.postgresql.PostgresConnector": (
        "database.hostname",
        "database.user",
        "database.dbname",
        "topic.prefix",
    ),
    "io.debezium.connector.mongodb.MongoDbConnector": ("mongodb.connection.string", "topic.prefix"),
    "io.confluent.connect.elasticsearch.ElasticsearchSinkConnector": ("connection.url", "topics"),
    "io.confluent.connect.s3.S3SinkConnector": (
        "topics",
        "s3.bucket.name",
        "format.class",
        "storage.class",
        "flush.size",
    ),
    BIGQUERY_SINK: ("topics", "project", "keyfile"),
    JDBC_SOURCE: ("connection.url", "topic.prefix", "mode"),
    "io.debezium.connector.jdbc.JdbcSinkConnector": ("topics", "connection.url"),
}
"""Keys without which these classes do not start."""

RENAMED: Mapping[str, str] = {
    "database.server.name": "topic.prefix",
    "database.whitelist": "database.include.list",
    "database.blacklist": "database.exclude.list",
    "table.whitelist": "table.include.list",
    "table.blacklist": "table.exclude.list",
    "mongodb.hosts": "mongodb.connection.string",
    "mongodb.name": "topic.prefix",
}
"""Keys of Debezium 1.x and their successors; Debezium silently ignores the old ones."""

_OLD_HISTORY = "database.history."
_NEW_HISTORY = "schema.history.internal."
_OLD_UNWRAP = "io.debezium.transforms.UnwrapFromEnvelope"
# Two connectors with the same value disturb each other: MySQL ends the older connection of a server id, a slot serves
# one reader, and a history is replayed by each of its users.
_UNIQUE = ("database.server.id", "schema.history.internal.kafka.topic", "slot.name")
_TRANSFORM_KEY = re.compile(r"transforms\.([^.]+)\.")


def lint(declared: Declarations) -> Iterator[FileProblem]:
    """The problems that single connectors have by themselves, as written (not mapped to a target)."""
    for connector in declared.connectors:
        for check in _CHECKS:
            yield from check(connector)


def lint_together(declared: Declarations) -> Iterator[FileProblem]:
    """The problems that connectors and topics have with each other."""
    for connector in declared.connectors:
        yield from _topics_read(connector, declared)
    yield from _clashes(declared)
    yield from _topics(declared)


def at_key(connector: DeclaredConnector, key: str, text: str, *, is_error: bool = True) -> FileProblem:
    """A problem at the line of a connector's key."""
    line = line_of(connector.path.read_text(encoding="utf-8"), key)
    return FileProblem(connector.path, line, f"{key}: {text}", is_error)


def _old_names(connector: DeclaredConnector) -> Iterator[FileProblem]:
    if not connector.config["connector.class"].startswith("io.debezium."):
        return
    for key, value in connector.config.items():
        new = RENAMED.get(key)
        if key.startswith(_OLD_HISTORY):
            new = _NEW_HISTORY + key.removeprefix(_OLD_HISTORY)
        if new is not None:
            yield at_key(connector, key, f"is a key of Debezium 1.x; use {new}")
        if value == _OLD_UNWRAP:
            yield at_key(connector, key, "is a class of Debezium 1.x; use io.debezium.transforms.ExtractNewRecordState")


def _required_keys(connector: DeclaredConnector) -> Iterator[FileProblem]:
    class_name = connector.config["connector.class"]
    for key in REQUIRED.get(class_name, ()):
        if not connector.config.get(key) and not (key == "topics" and connector.config.get("topics.regex")):
            yield FileProblem(connector.path, None, f"{key} is missing; {class_name} needs it")


def _schema_history(connector: DeclaredConnector) -> Iterator[FileProblem]:
    """What the history of table definitions needs, and what keeps uncaptured tables from stopping it."""
    if connector.config["connector.class"] not in _BINLOG_CLASSES:
        return
    history = connector.config.get(_HISTORY) or _KAFKA_HISTORY
    for key in _HISTORY_KEYS.get(history, ()):
        if not connector.config.get(key):
            yield FileProblem(connector.path, None, f"{key} is missing; {history} needs it")
    for option in ("store.only.captured.tables.ddl", "skip.unparseable.ddl"):
        key = f"{_HISTORY}.{option}"
        if key not in connector.config:
            text = f"set {key} to true: else a table that is not captured can stop this connector for good"
            yield FileProblem(connector.path, None, text, is_error=False)


def _unknown_keys(connector: DeclaredConnector) -> Iterator[FileProblem]:
    """Unknown keys of classes that no worker here could validate."""
    for key, meant in unknown_keys(connector.config):
        hint = f"; did you mean {meant}?" if meant else ""
        yield at_key(connector, key, f"{connector.config['connector.class']} does not know this key{hint}")


def _transforms(connector: DeclaredConnector) -> Iterator[FileProblem]:
    names = {name.strip() for name in connector.config.get("transforms", "").split(",") if name.strip()}
    for name in sorted(names):
        if f"transforms.{name}.type" not in connector.config:
            yield at_key(connector, "transforms", f"{name} has no transforms.{name}.type")
    for key in connector.config:
        found = _TRANSFORM_KEY.match(key)
        if found is not None and found[1] not in names:
            yield at_key(connector, key, f"transforms does not list {found[1]}, so this has no effect")


def _exactly_once_files(connector: DeclaredConnector) -> Iterator[FileProblem]:
    key = "rotate.schedule.interval.ms"
    if connector.config["connector.class"].endswith(".S3SinkConnector") and key in connector.config:
        yield at_key(
            connector, key, "objects that are closed by the clock may be written twice after a failure", is_error=False
        )


_CHECKS: tuple[Callable[[DeclaredConnector], Iterator[FileProblem]], ...] = (
    _old_names,
    _required_keys,
    _schema_history,
    _transforms,
    _unknown_keys,
    _exactly_once_files,
)


def _topics_read(connector: DeclaredConnector, declared: Declarations) -> Iterator[FileProblem]:
    known = {topic.name for topic in declared.topics} | {item.topic for item in declared.statements}
    for topic in connector.topics:
        if topic not in known:
            yield at_key(connector, "topics", f"nothing declared writes {topic}", is_error=False)


def _clashes(declared: Declarations) -> Iterator[FileProblem]:
    for key in _UNIQUE:
        users: dict[str, list[DeclaredConnector]] = defaultdict(list)
        for connector in declared.connectors:
            if key in connector.config:
                users[connector.config[key]].append(connector)
        for value, connectors in users.items():
            for other in connectors[1:]:
                yield at_key(other, key, f"{value} is also used by {connectors[0].name}; each connector needs its own")


def _topics(declared: Declarations) -> Iterator[FileProblem]:
    connectors = {connector.name for connector in declared.connectors}
    history = {connector.config.get("schema.history.internal.kafka.topic") for connector in declared.connectors}
    for topic in declared.topics:
        line = line_of(topic.path.read_text(encoding="utf-8"), topic.name)
        if topic.connector and topic.connector not in connectors:
            yield FileProblem(topic.path, line, f"topic {topic.name}: connector {topic.connector} is not declared")
        if topic.name in history and "compact" in topic.config.get("cleanup.policy", ""):
            yield FileProblem(topic.path, line, f"topic {topic.name}: a schema history must not be compacted")
