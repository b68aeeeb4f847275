"""Rules for sink connectors: what they read, and what happens to records that they cannot write."""

from __future__ import annotations

from collections.abc import Iterator

from bifrost.deployer.declared.declarations import Declarations, DeclaredConnector
from bifrost.deployer.declared.topic_routes import routed_topic
from bifrost.deployer.lint.rule import FileProblem, LintRule

_TOLERANCE = "errors.tolerance"
_DEAD_LETTERS = "errors.deadletterqueue.topic.name"
_REPLICATION = "errors.deadletterqueue.topic.replication.factor"

UNWRITTEN_TOPIC = LintRule(
    "BF301",
    "a sink reads a topic that nothing writes",
    "A misspelt name is no error for Connect: the sink waits forever.",
    "Correct the name, or declare the topic in `topics/`.",
    '"topics": "ratings-with-customer-data"',
)
SILENT_LOSS = LintRule(
    "BF302",
    "records that cannot be read vanish",
    "With `errors.tolerance=all` and no dead-letter topic, the sink skips a record that it cannot read, and nothing "
    "remains of it.",
    "Name a dead-letter topic.",
    '"errors.tolerance": "all",\n"errors.deadletterqueue.topic.name": "es_sink_orders.dlq"',
)
UNUSED_DEAD_LETTERS = LintRule(
    "BF303",
    "a dead-letter topic without `errors.tolerance=all`",
    "The sink stops at the first record that it cannot read, and never writes to the dead-letter topic.",
    "Set `errors.tolerance` to all.",
    '"errors.tolerance": "all"',
)
NO_TOLERANCE = LintRule(
    "BF304",
    "a sink does not say what a bad record does",
    "By default one record that cannot be read stops the sink until it is restarted without that record.",
    "Set `errors.tolerance` to all, with a dead-letter topic, or to none if the sink must stop.",
    '"errors.tolerance": "none"',
)
DEAD_LETTER_REPLICAS = LintRule(
    "BF305",
    "Connect creates the dead-letter topic with three replicas",
    "On a cluster of fewer brokers the topic cannot be created, and the sink does not start.",
    f"Declare the topic in `topics/`, or set `{_REPLICATION}`.",
    f'"{_REPLICATION}": "1"',
)
CLOCK_ROTATION = LintRule(
    "BF306",
    "objects are closed by the clock",
    "With `rotate.schedule.interval.ms`, a restarted task closes objects at other records than before: after a failure "
    "some records are in two objects.",
    "Use `flush.size` and `rotate.interval.ms`, which depend on the records alone, if each record must come once.",
    '"flush.size": "1000",\n"rotate.interval.ms": "600000"',
)
NO_CONVERTER = LintRule(
    "BF307",
    "a sink leaves a converter to the worker",
    "The worker's default reads the records, which is another one on another cluster: the sink stops at the first "
    "record of another format.",
    "Name both converters, the one of the key too: ksqlDB's keys are texts by default.",
    '"key.converter": "org.apache.kafka.connect.storage.StringConverter"',
)

MERGED_TOPICS = LintRule(
    "BF308",
    "two topics of a sink become one",
    "Objects and documents are named by the topic after the transformations, the partition and the offset: records of "
    "the two topics with the same partition and offset overwrite each other.",
    "Give each topic a different name, or let documents be identified by their key (`key.ignore` false).",
    '"transforms.route.regex": "eu-(.*)",\n"transforms.route.replacement": "$1-eu"',
)


def bad_records(connector: DeclaredConnector) -> Iterator[FileProblem]:
    """What becomes of records that cannot be read."""
    if not connector.is_sink:
        return
    tolerance, dead_letters = connector.config.get(_TOLERANCE), connector.config.get(_DEAD_LETTERS)
    if tolerance == "all" and not dead_letters:
        text = f"records that cannot be read vanish; set {_DEAD_LETTERS}"
        yield SILENT_LOSS.at_key(connector, _TOLERANCE, text)
    elif dead_letters and tolerance != "all":
        yield UNUSED_DEAD_LETTERS.at_key(connector, _DEAD_LETTERS, f"has no effect without {_TOLERANCE}=all")
    elif tolerance is None:
        text = f"set {_TOLERANCE} to all or none: by default one bad record stops this sink"
        yield NO_TOLERANCE.in_connector(connector, text)


def converters(connector: DeclaredConnector) -> Iterator[FileProblem]:
    """Converters that depend on the worker."""
    if connector.is_sink:
        for key in ("key.converter", "value.converter"):
            if key not in connector.config:
                text = f"set {key}: else the worker's default reads the records"
                yield NO_CONVERTER.in_connector(connector, text)


def rotation(connector: DeclaredConnector) -> Iterator[FileProblem]:
    """Objects whose content depends on the clock."""
    key = "rotate.schedule.interval.ms"
    if connector.config["connector.class"].endswith(".S3SinkConnector") and connector.config.get(key, "-1") != "-1":
        text = "objects that are closed by the clock may be written twice after a failure"
        yield CLOCK_ROTATION.at_key(connector, key, text)


def merged_topics(connector: DeclaredConnector) -> Iterator[FileProblem]:
    """Topics that a sink sees under one name, where that and the offset name what it writes."""
    config = connector.config
    is_search = "lasticsearch" in config["connector.class"] and config.get("key.ignore") == "true"
    if not (is_search or config["connector.class"].endswith(".S3SinkConnector")):
        return
    first: dict[str, str] = {}
    for topic in connector.topics:
        name = routed_topic(topic, config)
        if name is None:
            continue
        # The names of indices have no capital letters.
        other = first.setdefault(name.lower() if is_search else name, topic)
        if other != topic:
            text = f"{topic} and {other} both become {name}: records with the same offset overwrite each other"
            yield MERGED_TOPICS.at_key(connector, "topics", text)


def topics_read(declared: Declarations) -> Iterator[FileProblem]:
    """Topics of sinks that nothing declared writes."""
    known = {topic.name for topic in declared.topics} | {item.topic for item in declared.statements}
    for connector in declared.connectors:
        for topic in connector.topics:
            if topic not in known:
                yield UNWRITTEN_TOPIC.at_key(connector, "topics", f"nothing declared writes {topic}")


def dead_letter_topics(declared: Declarations) -> Iterator[FileProblem]:
    """Dead-letter topics that Connect would create with its default number of replicas."""
    known = {topic.name for topic in declared.topics}
    for connector in declared.connectors:
        name = connector.config.get(_DEAD_LETTERS)
        if name and name not in known and _REPLICATION not in connector.config and "${" not in name:
            text = f"{name} is not declared: Connect creates it with 3 replicas, which needs 3 brokers"
            yield DEAD_LETTER_REPLICAS.at_key(connector, _DEAD_LETTERS, text)


CHECKS = (bad_records, converters, rotation, merged_topics)
CHECKS_TOGETHER = (topics_read, dead_letter_topics)
RULES = (
    *(UNWRITTEN_TOPIC, SILENT_LOSS, UNUSED_DEAD_LETTERS, NO_TOLERANCE, DEAD_LETTER_REPLICAS, CLOCK_ROTATION),
    *(NO_CONVERTER, MERGED_TOPICS),
)
