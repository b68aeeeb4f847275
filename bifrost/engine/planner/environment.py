"""What planning reads from outside: topics, the schema registry, and configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bifrost.engine.catalog.topics import TopicInfo

if TYPE_CHECKING:
    from bifrost.engine.serde import SchemaRegistry


class Environment(Protocol):
    """Topics and schemas for planning: those of a live cluster, or declared ones."""

    @property
    def registry(self) -> SchemaRegistry:
        """The registry of schemas."""

    def topic(self, name: str) -> TopicInfo | None:
        """The topic's settings, or None if it does not exist."""


@dataclass(frozen=True, slots=True)
class PlannerConfig:
    """The part of ksqlDB's configuration that affects how statements are planned."""

    default_key_format: str = "KAFKA"
    default_value_format: str | None = None
    wrap_single_values: bool | None = None  # None: each format's own default
    table_scans: bool = True
    topic_prefix: str = ""

    @classmethod
    def of(cls, properties: Mapping[str, object]) -> PlannerConfig:
        """The configuration in ksqlDB's properties, such as `ksql.persistence.default.format.key`; ignores others."""
        value_format = _text(properties, "ksql.persistence.default.format.value")
        return cls(
            default_key_format=_text(properties, "ksql.persistence.default.format.key") or "KAFKA",
            default_value_format=value_format or None,
            wrap_single_values=_flag(properties, "ksql.persistence.wrap.single.values"),
            table_scans=_flag(properties, "ksql.query.pull.table.scan.enabled") is not False,
            topic_prefix=_text(properties, "ksql.output.topic.name.prefix"),
        )


def _text(properties: Mapping[str, object], name: str) -> str:
    value = properties.get(name)
    return "" if value is None else str(value)


def _flag(properties: Mapping[str, object], name: str) -> bool | None:
    text = _text(properties, name).strip().lower()
    return None if not text else text == "true"
