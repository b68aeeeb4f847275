"""Compares declared topics and the topics of queries with live ones."""

from __future__ import annotations

from collections.abc import Iterator

from bifrost.clients.kafka import ANY_TIME, TopicDescription
from bifrost.deployer.declared.declarations import Declarations, DeclaredTopic
from bifrost.deployer.declared.statement_files import topic_of
from bifrost.deployer.live.state import LiveState
from bifrost.deployer.plan.actions import (
    Action,
    ActionKind,
    AddPartitions,
    AlterTopic,
    CreateTopic,
    DeleteTopic,
    Operation,
    ResourceKind,
    keep,
)
from bifrost.deployer.plan.topic_losses import lost_by_deletion, lost_by_more_partitions, lost_by_settings, users_of
from bifrost.sql.tree import CreateAsSelect

_DEFAULTS = {"cleanup.policy": "delete"}
_MANAGED = ("cleanup.policy", "retention.ms")
_INTERNAL = "__"
"""Prefix of configuration that a system adds for itself."""
UNLIMITED = -1


def plan_topics(declared: Declarations, live: LiveState) -> Iterator[Action]:
    """The actions for declared topics."""
    return (_topic(topic, declared, live) for topic in declared.topics)


def _topic(topic: DeclaredTopic, declared: Declarations, live: LiveState) -> Action:
    found = live.topics.get(topic.name)
    wanted = TopicDescription(topic.name, topic.partitions, topic.replication, topic.config)
    if found is None:
        reason = "; ".join(["is missing", *_former_topics(topic, declared, live)])
        return Action(ActionKind.CREATE, ResourceKind.TOPIC, topic.name, reason, (CreateTopic(wanted),))
    changed = {
        key: topic.config.get(key)
        for key in _MANAGED
        if _normal(key, found.config.get(key, _DEFAULTS.get(key)))
        != _normal(key, topic.config.get(key, _DEFAULTS.get(key)))
    }
    others = [f"{key}={value}" for key, value in sorted(found.config.items()) if not _is_known(key, value)]
    notes = [f"set on the topic, not declared: {', '.join(others)}"] if others else []
    reasons = _changed_settings(found, changed)
    if found.partitions != topic.partitions:
        reasons.append(f"partitions: {found.partitions} -> {topic.partitions}")
    if not reasons:
        return keep(ResourceKind.TOPIC, topic.name, notes)
    reason = "; ".join(reasons + notes)
    if topic.partitions < found.partitions:
        return _recreated(wanted, reason, declared, live)
    operations: tuple[Operation, ...] = (AlterTopic(topic.name, changed),) if changed else ()
    losses = lost_by_settings(topic, found, live)
    if topic.partitions > found.partitions:
        operations += (AddPartitions(topic.name, topic.partitions),)
        if topic.key != "none":
            if users := users_of(topic.name, live, only_by_key=True):
                return _blocked(topic, reason, users)
            losses = (*losses, *lost_by_more_partitions(topic.name, live))
    return Action(ActionKind.UPDATE, ResourceKind.TOPIC, topic.name, reason, operations, loss=losses)


def _former_topics(topic: DeclaredTopic, declared: Declarations, live: LiveState) -> Iterator[str]:
    """What becomes of the topics that the readers of a new one read until now: it may be a renamed one."""
    known = {other.name for other in declared.topics}
    readers = [item.name for item in declared.statements if item.topic == topic.name and item.name in live.sources]
    for former in sorted({live.sources[name].description.topic for name in readers} - known):
        yield f"begins empty: the records of {former}, which is no longer declared, stay there"


def _recreated(wanted: TopicDescription, reason: str, declared: Declarations, live: LiveState) -> Action:
    """Kafka cannot remove partitions: the topic is deleted and created, unless ksqlDB reads or writes it."""
    name = wanted.name
    users = users_of(name, live)
    if users:
        steps = (
            f"drop {', '.join(users)} in ksqlDB first, which end when their topic is deleted; `up` creates them again",
        )
        why = f"{reason}; Kafka cannot remove partitions"
        return Action(ActionKind.BLOCKED, ResourceKind.TOPIC, name, why, manual_steps=steps)
    steps_to_do = (DeleteTopic(name), CreateTopic(wanted))
    losses = lost_by_deletion(name, declared, live)
    return Action(ActionKind.REPLACE, ResourceKind.TOPIC, name, reason, steps_to_do, loss=losses)


def _blocked(topic: DeclaredTopic, reason: str, users: list[str]) -> Action:
    """More partitions of a topic whose keys matter to ksqlDB."""
    why = (
        f"{reason}; keys would move to other partitions, but {', '.join(users)} in ksqlDB relies on each key staying "
        "in one partition"
    )
    source = next(iter(users))
    steps = (
        f"declare a new topic with {topic.partitions} partitions, fill it with a query WITH (PARTITIONS="
        f"{topic.partitions}) that reads {topic.name}, and let {source} read the new topic",
    )
    return Action(ActionKind.BLOCKED, ResourceKind.TOPIC, topic.name, why, manual_steps=steps)


def _changed_settings(found: TopicDescription, changed: dict[str, str | None]) -> list[str]:
    return [f"{key}: {found.config.get(key, 'default')} -> {value or 'default'}" for key, value in changed.items()]


def plan_sink_topics(declared: Declarations, live: LiveState) -> Iterator[Action]:
    """Topics that ksqlDB created for queries, compared with the filled-in statement; only changed ones are listed."""
    # `plan_topics` compares these.
    own = {topic.name for topic in declared.topics}
    for statement in declared.statements:
        source = live.sources.get(statement.name)
        tree = source.tree if source is not None else None
        if (
            isinstance(statement.tree, CreateAsSelect)
            and isinstance(tree, CreateAsSelect)
            and topic_of(tree) not in own
        ):
            action = _sink_topic(tree, live)
            if action is not None:
                yield action


def _sink_topic(tree: CreateAsSelect, live: LiveState) -> Action | None:
    name = topic_of(tree)
    properties = {key: str(getattr(value, "value", "")) for key, value in tree.properties.items()}
    config = {
        key: properties[key.upper().replace(".", "_")]
        for key in _MANAGED
        if key.upper().replace(".", "_") in properties
    }
    if "retention.ms" in config:
        config["retention.ms"] = str(_retention_ms(tree, int(config["retention.ms"])))
    partitions = int(properties["PARTITIONS"]) if "PARTITIONS" in properties else None
    found = live.topics.get(name)
    if found is None:
        wanted = TopicDescription(name, partitions or 1, -1, config)
        return Action(
            ActionKind.CREATE, ResourceKind.TOPIC, name, f"the topic of {tree.name} is missing", (CreateTopic(wanted),)
        )
    changed: dict[str, str | None] = {
        key: value
        for key, value in config.items()
        if _normal(key, found.config.get(key, value)) != _normal(key, value) and not _is_enough(tree, key, found, value)
    }
    reasons = _changed_settings(found, changed)
    operations: tuple[Operation, ...] = (AlterTopic(name, changed),) if changed else ()
    if partitions is not None and partitions != found.partitions:
        # Its query and the readers of its table or stream depend on the number of partitions.
        reasons.append(f"partitions: {found.partitions} -> {partitions}")
        steps = (f"drop {tree.name} and delete the topic {name} (its records are lost), then run `up` again",)
        return Action(ActionKind.BLOCKED, ResourceKind.TOPIC, name, "; ".join(reasons), manual_steps=steps)
    if not reasons:
        return None
    return Action(ActionKind.UPDATE, ResourceKind.TOPIC, name, "; ".join(reasons), operations)


def _retention_ms(tree: CreateAsSelect, said_ms: int) -> int:
    """The retention that ksqlDB gives a sink's topic: the larger of RETENTION_MS and the window's RETENTION.

    -1 (unlimited) counts as a number there, so the window's RETENTION wins over it.
    """
    window = tree.query.window
    return said_ms if window is None or window.retention is None else max(said_ms, window.retention.milliseconds)


def _is_enough(tree: CreateAsSelect, key: str, found: TopicDescription, value: str) -> bool:
    """Whether a windowed sink's topic keeps its records long enough: servers differ in how much they add."""
    window = tree.query.window
    if key != "retention.ms" or window is None:
        return False
    found_ms = int(found.config[key])
    # The embedded engine honours RETENTION_MS=-1 where ksqlDB takes the window's RETENTION.
    if found_ms == UNLIMITED:
        return True
    return window.retention is None and found_ms >= int(value)


def _normal(key: str, value: str | None) -> object:
    """A value as it is compared: Kafka does not order the policies of a topic."""
    return value if value is None or key != "cleanup.policy" else frozenset(part.strip() for part in value.split(","))


def _is_known(key: str, value: str) -> bool:
    # What `KafkaAdmin.create` sets on every topic is no finding.
    return key in _MANAGED or key.startswith(_INTERNAL) or ANY_TIME.get(key) == value
