"""Which connectors write to an index: its name is that of the topic, after its transformations, in lower case."""

from __future__ import annotations

from collections.abc import Mapping

from bifrost.deployer.declared.topic_routes import routed_topic
from bifrost.deployer.plan.key_changes import items


def writers_of(index: str, connectors: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    """The names of the Elasticsearch sinks that write to an index, or that may: where that cannot be known.

    Args:
        connectors: live configurations by name.
    """
    return tuple(
        name
        for name, config in sorted(connectors.items())
        if "lasticsearch" in config.get("connector.class", "") and _may_write(config, index)
    )


def _may_write(config: Mapping[str, str], index: str) -> bool:
    names = [routed_topic(topic, config) for topic in items(config.get("topics"))]
    return "topics.regex" in config or any(name is None or name.lower() == index for name in names)
