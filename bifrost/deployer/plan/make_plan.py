"""Compares what is declared with what is live and returns the list of actions. Pure: no input or output."""

from __future__ import annotations

from collections.abc import Iterator

from bifrost.clients.kafka import TopicDescription
from bifrost.deployer.declared.declarations import Declarations, DeclaredService, DeclaredSubject, DeclaredTopic
from bifrost.deployer.declared.statement_files import topic_of
from bifrost.deployer.live.state import LiveState
from bifrost.deployer.plan.actions import (
    Action,
    ActionKind,
    AddPartitions,
    AlterTopic,
    CreateTopic,
    DeploymentPlan,
    Operation,
    RegisterSubject,
    ResourceKind,
    RestartService,
    StartService,
    keep,
)
from bifrost.deployer.plan.connectors import plan_connectors
from bifrost.deployer.plan.schema_equality import schema_difference
from bifrost.deployer.plan.search import plan_buckets, plan_dashboards, plan_templates
from bifrost.deployer.plan.statements import plan_statements
from bifrost.deployer.plan.undeclared import plan_removals, undeclared_of
from bifrost.sql.tree import CreateAsSelect

_DEFAULTS = {"cleanup.policy": "delete"}
_MANAGED = ("cleanup.policy", "retention.ms")


def make_plan(
    declared: Declarations, live: LiveState, *, everything: Declarations | None = None, prune: bool = False
) -> DeploymentPlan:
    """The actions that turn `live` into what is declared.

    Args:
        declared: the selected pipelines with all that they need, mapped to the target.
        everything: all declarations; a live resource without one counts as undeclared. `declared` by default.
        prune: remove undeclared resources that this project created.
    """
    everything = everything or declared
    undeclared = undeclared_of(everything, live)
    actions = [
        *(_topic(topic, live) for topic in declared.topics),
        *_sink_topics(declared, live),
        *(_subject(item, live) for item in declared.subjects if item.name in live.subjects or not item.is_snapshot),
        *plan_connectors(declared, live, sinks=False),
        *plan_statements(declared, live),
        *plan_templates(declared, live),
        *plan_buckets(declared, live),
        *plan_connectors(declared, live, sinks=True),
        *plan_dashboards(declared, live),
        *(_service(service, live) for service in declared.services if live.services is not None or not live.is_running),
    ]
    removals = plan_removals(undeclared, live) if prune else ()
    return DeploymentPlan((*actions, *removals), () if prune else undeclared, live.is_running)


def _topic(topic: DeclaredTopic, live: LiveState) -> Action:
    found = live.topics.get(topic.name)
    if found is None:
        wanted = TopicDescription(topic.name, topic.partitions, topic.replication, topic.config)
        return Action(ActionKind.CREATE, ResourceKind.TOPIC, topic.name, "is missing", (CreateTopic(wanted),))
    changed = {
        key: topic.config.get(key)
        for key in _MANAGED
        if found.config.get(key, _DEFAULTS.get(key)) != topic.config.get(key, _DEFAULTS.get(key))
    }
    others = [f"{key}={value}" for key, value in sorted(found.config.items()) if key not in _MANAGED]
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


def _sink_topics(declared: Declarations, live: LiveState) -> Iterator[Action]:
    """Topics that ksqlDB created for queries, compared with the filled-in statement; only changed ones are listed."""
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
    partitions = int(properties["PARTITIONS"]) if "PARTITIONS" in properties else None
    found = live.topics.get(name)
    if found is None:
        wanted = TopicDescription(name, partitions or 1, -1, config)
        return Action(
            ActionKind.CREATE, ResourceKind.TOPIC, name, f"the topic of {tree.name} is missing", (CreateTopic(wanted),)
        )
    changed: dict[str, str | None] = {
        key: value for key, value in config.items() if found.config.get(key, value) != value
    }
    action = _topic_action(name, partitions or found.partitions, found, changed, [], is_keyed=True)
    return action if action.is_change else None


def _subject(subject: DeclaredSubject, live: LiveState) -> Action:
    found, register = live.subjects.get(subject.name), (RegisterSubject(subject),)
    if found is None:
        return Action(ActionKind.CREATE, ResourceKind.SUBJECT, subject.name, "is not registered", register)
    differs = schema_difference(subject.schema, found.latest.schema)
    if differs is None:
        return keep(ResourceKind.SUBJECT, subject.name)
    if found.declared_version is None and not subject.is_snapshot:
        return Action(ActionKind.UPDATE, ResourceKind.SUBJECT, subject.name, differs, register)
    # Connectors register these schemas: either the file is outdated, or the connector writes something else.
    return keep(
        ResourceKind.SUBJECT,
        subject.name,
        [f"version {found.latest.version} differs from {subject.path.name}: {differs}"],
    )


def _service(service: DeclaredService, live: LiveState) -> Action:
    found = (live.services or {}).get(service.name)
    if found is None or found.state == "stopped":
        reason = "is not started" if found is None else "is stopped"
        return Action(ActionKind.CREATE, ResourceKind.SERVICE, service.name, reason, (StartService(service.name),))
    if found.state in ("failed", "backoff"):
        reason = f"{found.state}: {found.cause}"
        return Action(ActionKind.UPDATE, ResourceKind.SERVICE, service.name, reason, (RestartService(service.name),))
    return keep(ResourceKind.SERVICE, service.name)
