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
    Operation,
    ResourceKind,
    keep,
)
from bifrost.sql.tree import CreateAsSelect

_DEFAULTS = {"cleanup.policy": "delete"}
_MANAGED = ("cleanup.policy", "retention.ms")
_INTERNAL = "__"
"""Prefix of configuration that a system adds for itself."""
UNLIMITED = -1


def plan_topics(declared: Declarations, live: LiveState) -> Iterator[Action]:
    """The actions for declared topics."""
    return (_topic(topic, live) for topic in declared.topics)


def _topic(topic: DeclaredTopic, live: LiveState) -> Action:
    found = live.topics.get(topic.name)
    if found is None:
        wanted = TopicDescription(topic.name, topic.partitions, topic.replication, topic.config)
        return Action(ActionKind.CREATE, ResourceKind.TOPIC, topic.name, "is missing", (CreateTopic(wanted),))
    changed = {
        key: topic.config.get(key)
        for key in _MANAGED
        if _normal(key, found.config.get(key, _DEFAULTS.get(key)))
        != _normal(key, topic.config.get(key, _DEFAULTS.get(key)))
    }
    others = [f"{key}={value}" for key, value in sorted(found.config.items()) if not _is_known(key, value)]
    notes = [f"set on the topic, not declared: {', '.join(others)}"] if others else []
    return _topic_action(topic.name, topic.partitions, found, changed, notes, is_keyed=topic.key != "none")


def _topic_action(
    name: str,
    partitions: int,
    found: TopicDescription,
    changed: dict[str, str | None],
    notes: list[str],
    *,
    is_keyed: bool,
) -> Action:
    reasons = [f"{key}: {found.config.get(key, 'default')} -> {value or 'default'}" for key, value in changed.items()]
    operations: tuple[Operation, ...] = (AlterTopic(name, changed),) if changed else ()
    manual_steps: tuple[str, ...] = ()
    if found.partitions != partitions:
        reasons.append(f"partitions: {found.partitions} -> {partitions}")
        if partitions < found.partitions or is_keyed:
            # Kafka cannot remove partitions; with more, keys move to other partitions and joins on them break.
            operations, manual_steps = (), (f"delete the topic {name} (its records are lost), then run `up` again",)
        else:
            operations += (AddPartitions(name, partitions),)
    if not reasons:
        return keep(ResourceKind.TOPIC, name, notes)
    return Action(ActionKind.UPDATE, ResourceKind.TOPIC, name, "; ".join(reasons + notes), operations, manual_steps)


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
    action = _topic_action(name, partitions or found.partitions, found, changed, [], is_keyed=True)
    return action if action.is_change else None


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
