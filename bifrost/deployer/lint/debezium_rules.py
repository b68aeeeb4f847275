"""Rules for Debezium's source connectors, alone and beside each other."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qs, urlsplit

from bifrost.deployer.declared.declarations import Declarations, DeclaredConnector
from bifrost.deployer.declared.files import line_of
from bifrost.deployer.lint.connector_rules import BINLOG_CLASSES, MISSING_KEY, MONGODB_CLASS, POSTGRES_CLASS
from bifrost.deployer.lint.rule import FileProblem, LintRule

_HISTORY = "schema.history.internal"
_HISTORY_TOPIC = f"{_HISTORY}.kafka.topic"
_KAFKA_HISTORY = "io.debezium.storage.kafka.history.KafkaSchemaHistory"
_FILE_HISTORY = "io.debezium.storage.file.history.FileSchemaHistory"
_HISTORY_KEYS: Mapping[str, tuple[str, ...]] = {
    _KAFKA_HISTORY: (f"{_HISTORY}.kafka.topic", f"{_HISTORY}.kafka.bootstrap.servers"),
    _FILE_HISTORY: (f"{_HISTORY}.file.filename",),
}
"""Keys that a schema history needs, by its class; others are not known here."""
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
_TABLE_LISTS = ("table.include.list", "collection.include.list")
_OLD_HISTORY = "database.history."
_NEW_HISTORY = "schema.history.internal."
_OLD_UNWRAP = "io.debezium.transforms.UnwrapFromEnvelope"
_UNWRAP = "io.debezium.transforms.ExtractNewRecordState"

OLD_KEY = LintRule(
    "BF201",
    "a key or class of Debezium 1.x",
    "Debezium 2 and newer ignore the old keys silently and do not have the old class.",
    "Use the new name. A changed `topic.prefix` makes the connector start again, with new topics.",
    '"topic.prefix": "asgard"',
    is_error=True,
)
HISTORY_OF_ALL_TABLES = LintRule(
    "BF202",
    "the schema history records every table",
    "A table that is not captured, with a definition that Debezium cannot read, stops the connector for good.",
    "Record the captured tables only. To add one later, the connector must then read its tables again.",
    '"schema.history.internal.store.only.captured.tables.ddl": "true"',
)
UNPARSEABLE_DDL = LintRule(
    "BF203",
    "an unreadable definition stops the connector",
    "A statement such as CREATE TABLE with a type that Debezium's parser lacks fails the connector, also after every "
    "restart.",
    "Skip what cannot be parsed, and watch the log of the worker for what was skipped.",
    '"schema.history.internal.skip.unparseable.ddl": "true"',
)
SHARED_SERVER_ID = LintRule(
    "BF204",
    "two connectors have the same server id",
    "MySQL and MariaDB end the older connection of a server id, so the two connectors keep interrupting each other.",
    "Give each connector a separate id, which no replica has.",
    '"database.server.id": "43"',
    is_error=True,
)
SHARED_HISTORY = LintRule(
    "BF205",
    "two connectors share a schema history",
    "Each connector replays the whole history when it starts, and would apply the definitions of the other's tables.",
    "Give each connector a separate topic.",
    '"schema.history.internal.kafka.topic": "dbhistory.orders"',
    is_error=True,
)
SHARED_SLOT = LintRule(
    "BF206",
    "two connectors share a replication slot",
    "A slot has one reader: the second connector does not start. Without `slot.name` the slot is `debezium`.",
    "Give each connector a separate slot.",
    '"slot.name": "orders"',
    is_error=True,
)
SHARED_PUBLICATION = LintRule(
    "BF207",
    "two connectors share a publication",
    "With `publication.autocreate.mode=filtered`, each start sets the tables of the publication to those of one "
    "connector, and the other misses its changes. Without `publication.name` it is `dbz_publication`.",
    "Give each connector a separate publication, or create it yourself and set the mode to disabled.",
    '"publication.name": "orders"',
)
COMPACTED_HISTORY = LintRule(
    "BF208",
    "the topic of a schema history is compacted",
    "The history's records have no key that may replace another: compaction removes definitions, and the connector "
    "cannot start again.",
    "Declare the topic with `cleanup.policy` delete and `retention.ms` -1, or leave it to Debezium.",
    '"dbhistory.demo": {"cleanup.policy": "delete", "retention.ms": -1}',
    is_error=True,
)
EXPIRING_HISTORY = LintRule(
    "BF209",
    "the topic of a schema history expires",
    "When the oldest definitions are deleted, the connector cannot start again.",
    "Declare the topic with `retention.ms` -1, or leave it to Debezium.",
    '"dbhistory.demo": {"retention.ms": -1}',
    is_error=True,
)
NO_HEARTBEAT = LintRule(
    "BF210",
    "PostgreSQL without heartbeat",
    "While the captured tables are quiet, the slot does not move, and PostgreSQL keeps all of its log: the disk fills.",
    "Set an interval in milliseconds. In a database where nothing else is written, add `heartbeat.action.query`.",
    '"heartbeat.interval.ms": "10000"',
)
DRIVER_FLUSH = LintRule(
    "BF211",
    "the driver moves the slot",
    "With `lsn.flush.mode=connector_and_driver`, the driver confirms positions that Connect has not stored yet. After "
    'a restart the connector may ask for a position that is "no longer available on the server" and fail.',
    "Leave the key out: the connector then confirms what Connect has stored.",
    '"lsn.flush.mode": "connector"',
)
NO_REPLICA_SET = LintRule(
    "BF212",
    "the address of MongoDB names no replica set",
    "Change streams need a replica set. Without its name some versions fail with a NullPointerException that does not "
    "say why.",
    "Add `replicaSet` to the address; a sharded cluster needs none.",
    '"mongodb.connection.string": "mongodb://db:27017/?replicaSet=rs0"',
)
DROPPED_SLOT = LintRule(
    "BF213",
    "the slot is dropped when the connector stops",
    "Changes between a stop and the next start are lost, also when a worker restarts.",
    "Leave the key out, and drop the slot yourself when the connector is removed.",
    '"slot.drop.on.stop": "false"',
)
SHARED_PREFIX = LintRule(
    "BF214",
    "two connectors have the same `topic.prefix`",
    "They write to topics of the same names, and the schemas of both go to the same subjects.",
    "Give each connector a separate prefix.",
    '"topic.prefix": "orders"',
)
SNAPSHOT_ALWAYS = LintRule(
    "BF215",
    "every start reads all rows again",
    "With `snapshot.mode=always` each restart, also one after a failure, writes every row of every table once more.",
    "Use `initial`, or `when_needed` where the database may delete its log too early.",
    '"snapshot.mode": "initial"',
)
NO_TOMBSTONES = LintRule(
    "BF216",
    "a compacted topic without tombstones",
    "A deleted row stays in the topic and in every table that is built from it.",
    "Let the connector write tombstones.",
    '"tombstones.on.delete": "true"',
)

UNDECLARED_TOPIC = LintRule(
    "BF217",
    "a captured table has no declared topic",
    "Where brokers do not create topics by themselves, as on the embedded target, the connector waits for the topic "
    "and writes nothing, the rows of other tables included.",
    "Declare the topic `<topic.prefix>.<table>` in `topics/`, with the connector as its writer.",
    '"asgard.demo.ORDERS": {"cleanup.policy": "compact", "key": "id", "connector": "mysql-demo"}',
)


def is_debezium(connector: DeclaredConnector) -> bool:
    """Whether it is one of Debezium's sources."""
    return connector.config["connector.class"].startswith("io.debezium.") and not connector.is_sink


def old_names(connector: DeclaredConnector) -> Iterator[FileProblem]:
    """Keys and classes of Debezium 1.x."""
    if not connector.config["connector.class"].startswith("io.debezium."):
        return
    for key, value in connector.config.items():
        new = RENAMED.get(key)
        if key.startswith(_OLD_HISTORY):
            new = _NEW_HISTORY + key.removeprefix(_OLD_HISTORY)
        if new is not None:
            yield OLD_KEY.at_key(connector, key, f"is a key of Debezium 1.x; use {new}")
        if value == _OLD_UNWRAP:
            yield OLD_KEY.at_key(connector, key, f"is a class of Debezium 1.x; use {_UNWRAP}")


def schema_history(connector: DeclaredConnector) -> Iterator[FileProblem]:
    """What the history of table definitions needs, and what keeps uncaptured tables from stopping it."""
    if connector.config["connector.class"] not in BINLOG_CLASSES:
        return
    history = connector.config.get(_HISTORY) or _KAFKA_HISTORY
    for key in _HISTORY_KEYS.get(history, ()):
        if not connector.config.get(key):
            yield MISSING_KEY.in_connector(connector, f"{key} is missing; {history} needs it")
    options = (
        (HISTORY_OF_ALL_TABLES, "store.only.captured.tables.ddl"),
        (UNPARSEABLE_DDL, "skip.unparseable.ddl"),
    )
    for rule, option in options:
        key = f"{_HISTORY}.{option}"
        if key not in connector.config:
            text = f"set {key} to true: else a table that is not captured can stop this connector for good"
            yield rule.in_connector(connector, text)


def postgres(connector: DeclaredConnector) -> Iterator[FileProblem]:
    """What makes PostgreSQL keep its log, or lose changes."""
    if connector.config["connector.class"] != POSTGRES_CLASS:
        return
    if connector.config.get("heartbeat.interval.ms", "0") == "0":
        text = "set heartbeat.interval.ms: else PostgreSQL keeps its whole log while the captured tables are quiet"
        yield NO_HEARTBEAT.in_connector(connector, text)
    if connector.config.get("lsn.flush.mode") == "connector_and_driver":
        text = "the driver moves the slot past the offset that Connect has stored, so that a restart can fail"
        yield DRIVER_FLUSH.at_key(connector, "lsn.flush.mode", text)
    if connector.config.get("slot.drop.on.stop") == "true":
        yield DROPPED_SLOT.at_key(connector, "slot.drop.on.stop", "changes while the connector is stopped are lost")


def mongodb(connector: DeclaredConnector) -> Iterator[FileProblem]:
    """An address without a replica set."""
    key = "mongodb.connection.string"
    address = connector.config.get(key, "")
    if connector.config["connector.class"] != MONGODB_CLASS or "${" in address or not address.startswith("mongodb://"):
        return
    if "replicaSet" not in parse_qs(urlsplit(address).query):
        yield NO_REPLICA_SET.at_key(connector, key, "names no replicaSet, which change streams need")


def snapshots(connector: DeclaredConnector) -> Iterator[FileProblem]:
    """A snapshot with every start."""
    if is_debezium(connector) and connector.config.get("snapshot.mode") == "always":
        yield SNAPSHOT_ALWAYS.at_key(connector, "snapshot.mode", "every start writes all rows again")


def clashes(declared: Declarations) -> Iterator[FileProblem]:
    """Connectors that disturb each other, because they have the same value of a key."""
    sources = [connector for connector in declared.connectors if is_debezium(connector)]
    postgres_only = [item for item in sources if item.config["connector.class"] == POSTGRES_CLASS]
    yield from _shared(declared.connectors, "database.server.id", SHARED_SERVER_ID)
    yield from _shared(declared.connectors, _HISTORY_TOPIC, SHARED_HISTORY)
    yield from _shared(postgres_only, "slot.name", SHARED_SLOT, default="debezium")
    own = [item for item in postgres_only if item.config.get("publication.autocreate.mode") != "disabled"]
    yield from _shared(own, "publication.name", SHARED_PUBLICATION, default="dbz_publication")
    yield from _shared(sources, "topic.prefix", SHARED_PREFIX)


def _shared(
    connectors: list[DeclaredConnector] | tuple[DeclaredConnector, ...], key: str, rule: LintRule, *, default: str = ""
) -> Iterator[FileProblem]:
    users: dict[str, list[DeclaredConnector]] = defaultdict(list)
    for connector in connectors:
        value = connector.config.get(key, default)
        if value:
            users[value].append(connector)
    for value, found in users.items():
        for other in found[1:]:
            yield rule.at_key(other, key, f"{value} is also used by {found[0].name}; each connector needs its own")


def history_topics(declared: Declarations) -> Iterator[FileProblem]:
    """Declared topics of schema histories whose records would not stay."""
    histories = {connector.config.get(_HISTORY_TOPIC) for connector in declared.connectors}
    for topic in declared.topics:
        if topic.name not in histories:
            continue
        line = line_of(topic.path.read_text(encoding="utf-8"), topic.name)
        if "compact" in topic.config.get("cleanup.policy", ""):
            text = f"topic {topic.name}: a schema history must not be compacted"
            yield COMPACTED_HISTORY.problem(topic.path, line, text)
        elif topic.config.get("retention.ms") != "-1":
            text = f"topic {topic.name}: a schema history must not expire; set retention.ms to -1"
            yield EXPIRING_HISTORY.problem(topic.path, line, text)


def undeclared_topics(declared: Declarations) -> Iterator[FileProblem]:
    """Tables whose topic is not declared; none of connectors that route records or create topics themselves."""
    known = {topic.name for topic in declared.topics}
    for connector in declared.connectors:
        if is_debezium(connector):
            for key, topic in expected_topics(connector.config):
                if topic not in known:
                    yield UNDECLARED_TOPIC.at_key(connector, key, f"its topic {topic} is not declared")


def expected_topics(config: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(key, topic) of each table that a connector names in full; none where other settings decide the topic."""
    routed = any(key.startswith("transforms.") and key.endswith(".type") and "Router" in config[key] for key in config)
    if routed or any(key.startswith("topic.creation.") for key in config) or "topic.naming.strategy" in config:
        return
    for key in _TABLE_LISTS:
        for table in config.get(key, "").split(","):
            # Another character makes it a pattern.
            if re.fullmatch(r"\w+\.\w+", table.strip()):
                yield key, f"{config.get('topic.prefix', '')}.{table.strip()}"


def deleted_rows(declared: Declarations) -> Iterator[FileProblem]:
    """Compacted topics of connectors that write no tombstones."""
    compacted = {topic.connector for topic in declared.topics if "compact" in topic.config.get("cleanup.policy", "")}
    for connector in declared.connectors:
        if connector.name in compacted and connector.config.get("tombstones.on.delete") == "false":
            text = "its compacted topic keeps deleted rows forever"
            yield NO_TOMBSTONES.at_key(connector, "tombstones.on.delete", text)


CHECKS = (old_names, schema_history, postgres, mongodb, snapshots)
CHECKS_TOGETHER = (clashes, history_topics, deleted_rows, undeclared_topics)
RULES = (
    *(OLD_KEY, HISTORY_OF_ALL_TABLES, UNPARSEABLE_DDL, SHARED_SERVER_ID, SHARED_HISTORY, SHARED_SLOT),
    *(SHARED_PUBLICATION, COMPACTED_HISTORY, EXPIRING_HISTORY, NO_HEARTBEAT, DRIVER_FLUSH, NO_REPLICA_SET),
    *(DROPPED_SLOT, SHARED_PREFIX, SNAPSHOT_ALWAYS, NO_TOMBSTONES, UNDECLARED_TOPIC),
)
