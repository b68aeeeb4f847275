"""Reads what a plan says about changes: how many records are concerned, and which schemas are refused.

Nothing is read where nothing differs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace

from bifrost.clients.kafka import TopicDescription
from bifrost.clients.schema_registry import SchemaRegistryClient
from bifrost.clients.search import Body
from bifrost.clients.search_indices import SearchIndex, SearchIndices
from bifrost.deployer.declared.declarations import Declarations
from bifrost.deployer.live.state import Conflict, LiveConnector, LiveState, LiveSubject, Platform, TopicAdmin
from bifrost.deployer.plan.template_equality import template_difference
from bifrost.errors import Refused

RETENTION = "retention.ms"
DEFAULT_RETENTION_MS = 7 * 24 * 3600 * 1000
"""Kafka's default, unless the brokers have another."""
FORBIDDEN = 403
_INTERNAL = "__internal."
"""Keys that Connect itself adds to a stored configuration."""


def with_change_details(platform: Platform, declared: Declarations, live: LiveState) -> LiveState:
    """The live state with `records`, `expiring`, `indices`, and the conflicts of schemas that are not registered.

    Raises:
        Unreachable, NotReady: a part of the target does not answer.
    """
    names = {*_changed_topics(declared, live.topics), *_topics_of_changed(declared, live.connectors)}
    return replace(
        live,
        records=_count(platform.kafka, live.topics, names & live.topics.keys()),
        expiring=_expiring(platform.kafka, declared, live.topics),
        subjects=_with_conflicts(platform.registry, declared, live.subjects),
        indices={} if platform.search is None else _indices(platform.search.indices, declared, live.templates or {}),
    )


def _changed_topics(declared: Declarations, topics: Mapping[str, TopicDescription]) -> Iterator[str]:
    for topic in declared.topics:
        found = topics.get(topic.name)
        if found is not None:
            settings = {key: found.config.get(key) for key in ("cleanup.policy", RETENTION)}
            wanted = {key: topic.config.get(key) for key in settings}
            if found.partitions != topic.partitions or settings != wanted:
                yield topic.name


def _topics_of_changed(declared: Declarations, connectors: Mapping[str, LiveConnector]) -> Iterator[str]:
    """The topics of connectors that are new or changed."""
    for connector in declared.connectors:
        found = connectors.get(connector.name)
        config = {} if found is None else found.config
        if {key: value for key, value in config.items() if not key.startswith(_INTERNAL)} != connector.config:
            yield from connector.topics
            yield from (topic.name for topic in declared.topics if topic.connector == connector.name)


def _count(kafka: TopicAdmin, topics: Mapping[str, TopicDescription], names: set[str]) -> dict[str, int]:
    """The number of records by topic; in a compacted topic some of them may be gone."""
    found = kafka.ends({name: topics[name].partitions for name in sorted(names)}) if names else {}
    return {name: sum(part.next - part.first for part in parts.values()) for name, parts in found.items()}


def _expiring(kafka: TopicAdmin, declared: Declarations, topics: Mapping[str, TopicDescription]) -> dict[str, int]:
    now_ms = int(time.time() * 1000)
    found = {}
    for topic in declared.topics:
        live = topics.get(topic.name)
        wanted_ms = int(topic.config.get(RETENTION, DEFAULT_RETENTION_MS))
        if live is None or not is_lowered(int(live.config.get(RETENTION, DEFAULT_RETENTION_MS)), wanted_ms):
            continue
        try:
            found[topic.name] = kafka.older_than(topic.name, live.partitions, now_ms - wanted_ms)
        except Refused:
            # The topic was deleted meanwhile, or the brokers do not look up offsets by time: the number is unknown.
            continue
    return found


def _indices(
    client: SearchIndices, declared: Declarations, templates: Mapping[str, Body]
) -> dict[str, tuple[SearchIndex, ...]]:
    """The indices of templates that are missing or differ."""
    return {
        template.name: client.matching(template.body.get("index_patterns") or ())
        for template in declared.templates
        if template.name not in templates or template_difference(template.body, templates[template.name]) is not None
    }


def is_lowered(before_ms: int, after_ms: int) -> bool:
    """Whether a retention becomes shorter; -1 keeps records forever."""
    return after_ms >= 0 and (before_ms < 0 or after_ms < before_ms)


def _with_conflicts(
    registry: SchemaRegistryClient, declared: Declarations, subjects: Mapping[str, LiveSubject]
) -> dict[str, LiveSubject]:
    found = dict(subjects)
    for subject in declared.subjects:
        live = found.get(subject.name)
        if live is None or live.declared_version is not None or subject.is_snapshot:
            continue
        try:
            messages = registry.conflicts(subject.name, subject.schema)
            if messages is not None:
                found[subject.name] = replace(live, conflict=Conflict(registry.rule(subject.name), messages))
        except Refused as error:
            # An account that may register schemas need not be allowed to ask: then the registration decides.
            if error.status != FORBIDDEN:
                raise
    return found
