"""Rules for topics and schemas."""

from __future__ import annotations

from collections.abc import Iterator

from bifrost.deployer.declared.declarations import Declarations, DeclaredTopic
from bifrost.deployer.declared.files import line_of
from bifrost.deployer.lint.rule import FileProblem, LintRule

NOT_AVRO = LintRule(
    "BF401",
    "a schema is not Avro",
    "The registry refuses it.",
    "Correct the schema.",
    '{"type": "record", "name": "Value", "fields": [{"name": "id", "type": "int"}]}',
    is_error=True,
    can_silence=False,
)
UNKNOWN_WRITER = LintRule(
    "BF402",
    "the connector of a topic is not declared",
    "`connector` says which source writes the topic and its schemas: without it nothing is written.",
    "Correct the name, or remove `connector`.",
    '"orders": {"connector": "csv-source-orders"}',
    is_error=True,
)
COMPACTED_WITHOUT_KEY = LintRule(
    "BF403",
    "a compacted topic without keys",
    "The broker refuses records without a key in a compacted topic.",
    "Say in `key` what the records are keyed by, or use the policy delete.",
    '"customers": {"cleanup.policy": "compact", "key": "id"}',
)
RETENTION_WITHOUT_EFFECT = LintRule(
    "BF404",
    "a retention without effect",
    "With `cleanup.policy` compact alone, the last record of each key stays forever, whatever `retention.ms` says.",
    "Remove `retention.ms`, or use the policy `compact,delete`.",
    '"customers": {"cleanup.policy": "compact,delete", "retention.ms": 604800000, "key": "id"}',
)


def topics(declared: Declarations) -> Iterator[FileProblem]:
    """Topics whose settings contradict each other or name an unknown writer."""
    connectors = {connector.name for connector in declared.connectors}
    for topic in declared.topics:
        policy = topic.config.get("cleanup.policy", "delete")
        if topic.connector and topic.connector not in connectors:
            yield _at(UNKNOWN_WRITER, topic, f"connector {topic.connector} is not declared")
        if "compact" in policy and topic.key == "none" and not _is_history(topic, declared):
            yield _at(COMPACTED_WITHOUT_KEY, topic, "is compacted, so its records need a key; say which in `key`")
        if policy == "compact" and topic.config.get("retention.ms", "-1") != "-1":
            yield _at(RETENTION_WITHOUT_EFFECT, topic, "retention.ms has no effect with cleanup.policy compact alone")


def _is_history(topic: DeclaredTopic, declared: Declarations) -> bool:
    """Whether a schema history is in it, which has a separate rule."""
    key = "schema.history.internal.kafka.topic"
    return any(connector.config.get(key) == topic.name for connector in declared.connectors)


def _at(rule: LintRule, topic: DeclaredTopic, text: str) -> FileProblem:
    line = line_of(topic.path.read_text(encoding="utf-8"), topic.name)
    return rule.problem(topic.path, line, f"topic {topic.name}: {text}")


CHECKS_TOGETHER = (topics,)
RULES = (NOT_AVRO, UNKNOWN_WRITER, COMPACTED_WITHOUT_KEY, RETENTION_WITHOUT_EFFECT)
