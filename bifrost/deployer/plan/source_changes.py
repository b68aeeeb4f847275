"""What changed keys of source connectors mean: Debezium's by database, JDBC, CSV files, syslog."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import parse_qs, urlsplit

from bifrost.deployer.lint.debezium_rules import expected_topics
from bifrost.deployer.plan.key_changes import (
    FORMAT,
    OFFSETS,
    SNAPSHOT,
    TOPICS,
    KeyChange,
    KeyEffect,
    Rule,
    items,
    says,
    with_count,
)

_HISTORY = "schema.history.internal"
_HISTORY_TOPIC = f"{_HISTORY}.kafka.topic"
_CAPTURED_ONLY = f"{_HISTORY}.store.only.captured.tables.ddl"
_WITHOUT_DATA = ("never", "no_data", "schema_only")
_RECOVERY = ("recovery", "schema_only_recovery")
_TABLE_LISTS = ("table.include.list", "collection.include.list", "database.include.list", "schema.include.list")
_TABLE_FILTERS = ("table.exclude.list", "collection.exclude.list", "database.exclude.list", "schema.exclude.list")


def read_again(change: KeyChange, why: str) -> KeyEffect:
    """The effect of starting without offsets."""
    mode = change.new.get("snapshot.mode", "initial")
    if mode in _WITHOUT_DATA:
        text = f"{why}; snapshot.mode is {mode}, so changes since its last offset are not captured"
        return KeyEffect(text, OFFSETS, resets_offsets=True)
    into = ", ".join(with_count(topic, change.records) for topic in change.topics) or "its topics"
    text = f"{why}: every row of its tables is read and written again to {into}, and rows deleted meanwhile stay there"
    return KeyEffect(text, SNAPSHOT, resets_offsets=True)


def _prefix(change: KeyChange) -> KeyEffect:
    left = ", ".join(change.topics) or f"the topics of {change.before}"
    mode = change.new.get("snapshot.mode", "initial")
    if mode in _WITHOUT_DATA:
        start = f"starts without a snapshot (snapshot.mode is {mode}), so changes until then are not captured"
    else:
        start = "takes a new snapshot of all its tables"
    text = f"{change.connector} has no offsets for the prefix {change.after}: it {start} and writes to new topics"
    return KeyEffect(f"{text}; {left} stay as they are and get no more records", SNAPSHOT)


def _tables(change: KeyChange) -> KeyEffect | None:
    if change.before is None or change.after is None:
        return _filters(change)
    parts = []
    if change.removed:
        parts.append(f"changes of {', '.join(change.removed)} are no longer captured; what was written stays")
    if change.added:
        names = ", ".join(change.added)
        parts += _undeclared_topics(change)
        parts.append(f"the rows that {names} holds now are not read, only changes from now on{_signal(change)}")
    return KeyEffect("; ".join(parts)) if parts else None


def _signal(change: KeyChange) -> str:
    """How the rows of an added table are read too."""
    table = change.new.get("signal.data.collection", "")
    if not table:
        return " (set signal.data.collection to be able to ask for an incremental snapshot)"
    wanted = ", ".join(f'"{name}"' for name in change.added)
    values = f"""'1', 'execute-snapshot', '{{"data-collections": [{wanted}]}}'"""
    return f" (to read them: INSERT INTO {table} VALUES ({values}))"  # noqa: S608 - shown, not sent


def _binlog_tables(change: KeyChange) -> KeyEffect | None:
    """A history of captured tables only lacks the definition of an added one: its first change would be fatal."""
    if change.added and change.old.get(_CAPTURED_ONLY, "false") == "true":
        why = f"the schema history does not know {', '.join(change.added)}, so {change.connector} must start again"
        effect = read_again(change, why)
        text = "; ".join([effect.text, *_undeclared_topics(change)])
        return KeyEffect(text, effect.flag, resets_offsets=True)
    return _tables(change)


def _undeclared_topics(change: KeyChange) -> Iterator[str]:
    """Topics of added tables that are not declared: without them nothing is written where brokers create none."""
    expected = [topic for _, topic in expected_topics(change.new) if topic.endswith(change.added)]
    missing = [topic for topic in expected if topic not in change.topics]
    if missing:
        yield f"declare the topic {', '.join(missing)}, which brokers may not create by themselves"


def _filters(change: KeyChange) -> KeyEffect:
    return KeyEffect(
        f"{change.key} changes which tables are captured; the rows that added tables hold now are not read, only "
        "changes from now on"
    )


def _slot(change: KeyChange) -> KeyEffect:
    effect = read_again(change, f"a new slot {change.after} knows nothing of earlier changes")
    drop = f"SELECT pg_drop_replication_slot('{change.before or 'debezium'}');"
    text = f"{effect.text}; the slot {change.before or 'debezium'} stays and makes PostgreSQL keep its log: {drop}"
    return KeyEffect(text, effect.flag, resets_offsets=True)


def _publication(change: KeyChange) -> KeyEffect | None:
    if _is_changed(change, "slot.name"):
        return None
    text = (
        f"PostgreSQL cannot read changes from before the publication {change.after} existed: if the slot is older, "
        f'the connector fails with "publication does not exist"; change slot.name too, which reads all rows again'
    )
    return KeyEffect(text, OFFSETS)


def _bound_to_slot(change: KeyChange) -> KeyEffect | None:
    if _is_changed(change, "slot.name"):
        return None
    slot = change.old.get("slot.name", "debezium")
    return KeyEffect(
        f"the slot {slot} belongs to {change.key}={change.before or 'the default'}: PostgreSQL refuses it for another",
        way_out=(f"change slot.name of {change.connector} too: the new slot begins with a snapshot",),
    )


def _history_topic(change: KeyChange) -> KeyEffect:
    if change.new.get("snapshot.mode") in _RECOVERY:
        return KeyEffect(
            "the schema history is rebuilt from the present definitions of the tables; that is right only if no table "
            "was altered since the last stored offset"
        )
    return read_again(change, f"the history {change.after} holds no definition of any table")


def _snapshot_mode(change: KeyChange) -> KeyEffect:
    match change.after:
        case "always":
            return KeyEffect("every start of the connector or of a worker reads and writes all rows again", SNAPSHOT)
        case "initial_only":
            return KeyEffect("after its snapshot the connector captures no more changes", OFFSETS)
        case "when_needed":
            return KeyEffect("takes a snapshot only if its offsets are no longer available")
        case mode if mode in _RECOVERY:
            return KeyEffect("rebuilds the schema history at the next start; set it back to initial afterwards")
        case _:
            return KeyEffect("has no effect now: the connector has offsets and continues from them")


def _mongodb_address(change: KeyChange) -> KeyEffect | None:
    if _hosts(change.before) & _hosts(change.after) or _replica_set(change.before) == _replica_set(change.after) != "":
        return None
    if any("${" in (value or "") for value in (change.before, change.after)):
        return _ADDRESS(change)
    return KeyEffect(
        "its resume token belongs to the old replica set: it fails at another one; give it a new topic.prefix there",
        OFFSETS,
    )


def _hosts(address: str | None) -> set[str]:
    return set(items(urlsplit(address or "").netloc.rpartition("@")[2]))


def _replica_set(address: str | None) -> str:
    return parse_qs(urlsplit(address or "").query).get("replicaSet", [""])[-1]


def _is_changed(change: KeyChange, key: str) -> bool:
    return change.old.get(key) != change.new.get(key)


_ADDRESS = says(
    "its offsets are positions in the log of the old server: right only if {key} names the same server or its replica",
    OFFSETS,
)
_OTHER_TOPICS = says("{connector} writes to other topics from now on; the earlier records stay where they are", TOPICS)
_OTHER_KEYS = says(
    "records get other keys than those written so far: tables and compacted topics keep the rows of the old keys",
    FORMAT,
)
_OTHER_TYPES = says(
    "values of some columns get another type than in the records written so far; the registry may refuse it", FORMAT
)

DEBEZIUM: Mapping[str, Rule] = {
    "topic.prefix": _prefix,
    "topic.delimiter": _OTHER_TOPICS,
    "topic.naming.strategy": _OTHER_TOPICS,
    "message.key.columns": _OTHER_KEYS,
    "snapshot.mode": _snapshot_mode,
    "database.hostname": _ADDRESS,
    "database.port": _ADDRESS,
    **dict.fromkeys(_TABLE_LISTS, _tables),
    **dict.fromkeys(_TABLE_FILTERS, _filters),
    **dict.fromkeys(
        ("decimal.handling.mode", "time.precision.mode", "binary.handling.mode", "bigint.unsigned.handling.mode"),
        _OTHER_TYPES,
    ),
    "skipped.operations": says("changes of the kinds {after} are not written from now on"),
    "tombstones.on.delete": says("deletions are followed by a tombstone only if it is true, from now on"),
}
"""Every Debezium connector."""

BINLOG: Mapping[str, Rule] = {
    **DEBEZIUM,
    **dict.fromkeys(_TABLE_LISTS, _binlog_tables),
    _HISTORY_TOPIC: _history_topic,
    f"{_HISTORY}.file.filename": _history_topic,
    "database.server.id": says("it reconnects as replica {after} and continues from its offsets"),
}
"""MySQL and MariaDB."""

POSTGRES: Mapping[str, Rule] = {
    **DEBEZIUM,
    "slot.name": _slot,
    "publication.name": _publication,
    "plugin.name": _bound_to_slot,
    "database.dbname": _bound_to_slot,
}

MONGODB: Mapping[str, Rule] = {
    **{key: rule for key, rule in DEBEZIUM.items() if not key.startswith("database.host")},
    "mongodb.connection.string": _mongodb_address,
    "capture.mode": says("records of updates have another shape from now on"),
}

JDBC: Mapping[str, Rule] = {
    "topic.prefix": says(
        "{connector} keeps its position in each table: the topics of {after} begin without the earlier rows", TOPICS
    ),
    **dict.fromkeys(
        ("mode", "incrementing.column.name", "timestamp.column.name", "query"),
        says("its stored position was taken with {key}={before}: rows may be missing or come twice", OFFSETS),
    ),
    "connection.url": says("its stored positions are those of the old database", OFFSETS),
    "db.timezone": says(
        "times that name no zone are other moments from now on: rows may be missing or come twice", OFFSETS
    ),
    **dict.fromkeys(
        ("table.whitelist", "table.blacklist", "table.types", "catalog.pattern", "schema.pattern"),
        says("added tables are read from their first row; removed ones get no more records"),
    ),
    **dict.fromkeys(
        ("numeric.mapping", "numeric.precision.mapping", "timestamp.granularity"),
        says(
            "columns get other types from the next poll on: the registry must accept the schema, readers both types",
            FORMAT,
        ),
    ),
}
"""Confluent's JDBC source, and ours."""

FILES: Mapping[str, Rule] = {
    "topic": _OTHER_TOPICS,
    "input.path": says("reads the files in {after}; those left in {before} are not read"),
    "input.file.pattern": says("files that match {after} are read, also those that were left until now"),
    "key.schema": _OTHER_KEYS,
    "value.schema": says("rows get the new columns from the next file on; the registry must accept the schema"),
}
"""CSV files from a folder."""

SYSLOG: Mapping[str, Rule] = {
    "kafka.topic": _OTHER_TOPICS,
    "topic": _OTHER_TOPICS,
    "syslog.port": says("lines that senders still send to {before} are lost until they use {after}", OFFSETS),
    "syslog.listen.address": says("senders that cannot reach {after} lose their lines", OFFSETS),
}

OTHER: Mapping[str, Rule] = {"topic": _OTHER_TOPICS, "topics.prefix": _OTHER_TOPICS, "topic.prefix": _OTHER_TOPICS}
"""A source whose class is not known here."""
