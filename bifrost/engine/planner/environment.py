"""What planning needs to know of the world outside: topics, the schema registry, configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bifrost.engine.catalog.topics import TopicInfo

if TYPE_CHECKING:
    from bifrost.engine.serde import SchemaRegistry


class Environment(Protocol):
    """Topics and schemas as planning sees them: the live cluster, or a picture of it."""

    @property
    def registry(self) -> SchemaRegistry:
        """Where schemas are looked up."""

    def topic(self, name: str) -> TopicInfo | None:
        """The topic, or None where there is none of that name."""


@dataclass(frozen=True, slots=True)
class PlannerConfig:
    """The part of ksqlDB's configuration that changes what a statement means."""

    default_key_format: str = "KAFKA"
    default_value_format: str | None = None
    wrap_single_values: bool | None = None  # None: each format's own default
    table_scans: bool = True
    topic_prefix: str = ""

    @classmethod
    def of(cls, properties: Mapping[str, object]) -> PlannerConfig:
        """From ksqlDB's property names (`ksql.persistence.default.format.key`, ...); others are ignored."""
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
