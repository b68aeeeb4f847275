"""Under which name a sink sees a topic: its transformations may change it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_REGEX_ROUTER = "RegexRouter"


def routed_topic(topic: str, config: Mapping[str, str]) -> str | None:
    """The name of a topic after the transformations of a connector, `None` where that cannot be known."""
    for router in _routers(config):
        if router is None:
            return None
        pattern, replacement = router
        found = pattern.fullmatch(topic)
        if found is not None:
            try:
                topic = found.expand(replacement)
            except (re.error, IndexError):
                # The replacement names a group that the pattern lacks.
                return None
    return topic


def _routers(config: Mapping[str, str]) -> Iterator[tuple[re.Pattern[str], str] | None]:
    """Pattern and replacement of each RegexRouter in order, `None` for a transformation that routes otherwise."""
    for name in config.get("transforms", "").split(","):
        kind = config.get(f"transforms.{name.strip()}.type", "")
        if kind.endswith(_REGEX_ROUTER):
            yield _regex_router(config, f"transforms.{name.strip()}")
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
