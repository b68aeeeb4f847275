"""What a changed connector configuration means: which offsets stay valid, what is read again, what goes elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bifrost.deployer.plan.key_changes import FORMAT, OFFSETS, TOPICS, KeyChange, KeyEffect, Rule, items
from bifrost.deployer.plan.sink_changes import SINK
from bifrost.deployer.plan.source_changes import (
    BINLOG,
    DEBEZIUM,
    FILES,
    JDBC,
    MONGODB,
    OTHER,
    POSTGRES,
    SYSLOG,
    read_again,
)

CLASS_KEY = "connector.class"
_CONVERTERS = ("key.converter", "value.converter")
_FORMAT_OPTIONS = (".schemas.enable", ".key.subject.name.strategy", ".value.subject.name.strategy")
_ROUTERS = ("Router", "ExtractTopic$Key", "ExtractTopic$Value", "ExtractTopic$Header", "HeaderToTopic")


def effects_of(
    connector: str,
    old: Mapping[str, str],
    new: Mapping[str, str],
    changed: tuple[str, ...],
    *,
    topics: tuple[str, ...] = (),
    records: Mapping[str, int] | None = None,
) -> tuple[KeyEffect, ...]:
    """What the changed keys of a connector mean; keys without an effect are harmless: it continues from its offsets.

    Args:
        changed: the keys whose values differ, without those where only a secret does.
        topics: the declared topics that it writes.
        records: the number of records by topic, where known.
    """
    is_sink = _is_sink(new) or _is_sink(old)
    rules = SINK if is_sink else _source_rules(new)
    found: list[KeyEffect] = []
    for key in changed:
        change = KeyChange(connector, key, old.get(key), new.get(key), old, new, topics, records or {})
        rule = rules.get(key) or _general_rule(key, is_sink=is_sink)
        effect = rule(change) if rule is not None else None
        if effect is not None:
            found.append(effect)
    change = KeyChange(connector, "transforms", old.get("transforms"), new.get("transforms"), old, new, topics)
    found += _transform_effects(change, is_sink=is_sink)
    return tuple(dict.fromkeys(found))


def _is_sink(config: Mapping[str, str]) -> bool:
    return "topics" in config or "topics.regex" in config


def _source_rules(config: Mapping[str, str]) -> Mapping[str, Rule]:
    """The rules by the family of the class; vendors' and this project's classes have the same simple names."""
    name = config[CLASS_KEY].rpartition(".")[2]
    match name.removesuffix("Connector"):
        case "MySql" | "MariaDb":
            return BINLOG
        case "Postgres":
            return POSTGRES
        case "MongoDb":
            return MONGODB
        case "JdbcSource":
            return JDBC
        case simple if simple.startswith("SpoolDir"):
            return FILES
        case simple if "Syslog" in simple:
            return SYSLOG
    return DEBEZIUM if config[CLASS_KEY].startswith("io.debezium.") else OTHER


def _general_rule(key: str, *, is_sink: bool) -> Rule | None:
    """The rule of a key that every connector of a direction has."""
    if is_sink:
        return None
    if key == CLASS_KEY:
        return _class
    if key in _CONVERTERS or (key.startswith(_CONVERTERS) and key.endswith(_FORMAT_OPTIONS)):
        return _converter
    return None


def _class(change: KeyChange) -> KeyEffect | None:
    before, after = change.before or "", change.after or ""
    # The same plugin of another vendor: its offsets have the same form, or it has none.
    if before.rpartition(".")[2] == after.rpartition(".")[2]:
        return None
    if after.startswith("io.debezium.") and before.startswith("io.debezium."):
        return read_again(change, f"the offsets of {before} mean nothing to {after}")
    return KeyEffect(f"{after} cannot read the offsets of {before}: it begins as a new connector does", OFFSETS)


def _converter(change: KeyChange) -> KeyEffect:
    into = ", ".join(change.topics) or "its topics"
    return KeyEffect(
        f"records in {into} from now on have another format than those before them: what reads the topic fails on one "
        "of both",
        FORMAT,
    )


def _transform_effects(change: KeyChange, *, is_sink: bool) -> Iterator[KeyEffect]:
    """What changed transformations mean: those that choose the topic or the key matter most."""
    old, new = _transforms(change.old), _transforms(change.new)
    if old == new:
        return
    changed = [entry for entry in (*old, *new) if (entry in old) != (entry in new)]
    kinds = {dict(entry).get("type", "") for entry in changed}
    if any(kind.endswith(_ROUTERS) for kind in kinds):
        yield _rerouted(change, is_sink=is_sink)
    if any(kind.endswith(("$Key", "ValueToKey")) and not kind.endswith(_ROUTERS) for kind in kinds):
        yield _rekeyed(change, is_sink=is_sink)
    if changed and not any(kind.endswith((*_ROUTERS, "$Key", "ValueToKey")) for kind in kinds):
        yield KeyEffect("records are transformed otherwise from now on; those written so far stay as they are")


def _rerouted(change: KeyChange, *, is_sink: bool) -> KeyEffect:
    if is_sink:
        return KeyEffect("records from now on go to another index, table or folder; those written so far stay")
    return KeyEffect(
        f"{change.connector} writes to other topics from now on; the earlier records stay where they are", TOPICS
    )


def _rekeyed(change: KeyChange, *, is_sink: bool) -> KeyEffect:
    if is_sink:
        return SINK["key.ignore"](change) or KeyEffect("")
    text = "records get other keys than those written so far: tables and compacted topics keep the rows of the old keys"
    return KeyEffect(text, FORMAT)


def _transforms(config: Mapping[str, str]) -> list[tuple[tuple[str, str], ...]]:
    """The settings of each transformation that is applied, in their order."""
    found = []
    for name in items(config.get("transforms")):
        prefix = f"transforms.{name}."
        settings = ((key.removeprefix(prefix), value) for key, value in config.items() if key.startswith(prefix))
        found.append(tuple(sorted(settings)))
    return found
