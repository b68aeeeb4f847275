"""Which connectors write to an index: its name is that of the topic, after its transformations, in lower case."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from bifrost.deployer.plan.key_changes import items

_REGEX_ROUTER = "RegexRouter"


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
    routers = list(_routers(config))
    if "topics.regex" in config or any(router is None for router in routers):
        return True
    known = [router for router in routers if router is not None]
    try:
        return index in {_routed(topic, known).lower() for topic in items(config.get("topics"))}
    except (re.error, IndexError):
        # The replacement names a group that the pattern lacks; Connect refuses it only with a record.
        return True


def _routers(config: Mapping[str, str]) -> Iterator[tuple[re.Pattern[str], str] | None]:
    """Pattern and replacement of each RegexRouter in order, `None` for a transformation that routes otherwise."""
    for name in items(config.get("transforms")):
        kind = config.get(f"transforms.{name}.type", "")
        if kind.endswith(_REGEX_ROUTER):
            yield _regex_router(config, f"transforms.{name}")
        elif "Router" in kind or "ExtractTopic" in kind:
            yield None


def _regex_router(config: Mapping[str, str], prefix: str) -> tuple[re.Pattern[str], str] | None:
    try:
        pattern = re.compile(config[f"{prefix}.regex"])
    except (KeyError, re.error):
        # A pattern that only Java knows.
        return None
    # Java writes a group as $1.
    return pattern, re.sub(r"\$(\d)", r"\\\1", config.get(f"{prefix}.replacement", ""))


def _routed(topic: str, routers: Iterable[tuple[re.Pattern[str], str]]) -> str:
    for pattern, replacement in routers:
        found = pattern.fullmatch(topic)
        if found is not None:
            topic = found.expand(replacement)
    return topic
