"""What planning reads from outside: topics, the schema registry, and configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bifrost.engine.catalog.topics import TopicInfo
from bifrost.errors import AnalysisError

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
    range_scans: bool = True
    topic_prefix: str = ""
    disabled: frozenset[str] = frozenset()
    """Properties that are false and so disable a kind of statement."""

    @classmethod
    def of(cls, properties: Mapping[str, object]) -> PlannerConfig:
        """The configuration in ksqlDB's properties, such as `ksql.persistence.default.format.key`; ignores others."""
        value_format = _text(properties, "ksql.persistence.default.format.value")
        return cls(
            default_key_format=_text(properties, "ksql.persistence.default.format.key") or "KAFKA",
            default_value_format=value_format or None,
            wrap_single_values=_flag(properties, "ksql.persistence.wrap.single.values"),
            table_scans=_flag(properties, "ksql.query.pull.table.scan.enabled") is not False,
            range_scans=_flag(properties, "ksql.query.pull.range.scan.enabled") is not False,
            topic_prefix=_text(properties, "ksql.output.topic.name.prefix"),
            disabled=frozenset(name for name in DISABLING if _flag(properties, name) is False),
        )

    def require(self, name: str) -> None:
        """Checks that a property of `DISABLING` is not false.

        Raises:
            AnalysisError: it is, and so the statement is disabled.
        """
        if name in self.disabled:
            raise AnalysisError(DISABLING[name])


DISABLING: Mapping[str, str] = {
    "ksql.pull.queries.enable": (
        "Pull queries are disabled. See https://cnfl.io/queries for more info.\n"
        "Add EMIT CHANGES if you intended to issue a push query.\n"
        "Please set ksql.pull.queries.enable=true to enable this feature."
    ),
    "ksql.query.pull.stream.enabled": (
        "Pull queries on streams are disabled. To create a push query on the stream, add EMIT CHANGES to the end. "
        "To enable pull queries on streams, set the ksql.query.pull.stream.enabled config to 'true'."
    ),
    "ksql.query.pull.limit.clause.enabled": (
        "LIMIT clauses of pull queries are disabled. Remove LIMIT, or set ksql.query.pull.limit.clause.enabled=true. "
        "See https://cnfl.io/queries for more info.\nAdd EMIT CHANGES if you intended to issue a push query."
    ),
    "ksql.insert.into.values.enabled": (
        "The server has disabled INSERT INTO ... VALUES functionality. "
        "To enable it, restart your ksqlDB server with 'ksql.insert.into.values.enabled'=true"
    ),
    "ksql.create.or.replace.enabled": (
        "CREATE OR REPLACE is disabled. DROP the source and create it again, or set "
        "ksql.create.or.replace.enabled=true."
    ),
    "ksql.headers.columns.enabled": (
        "HEADER and HEADERS columns are disabled. Remove them, or set ksql.headers.columns.enabled=true."
    ),
    "ksql.source.table.materialization.enabled": (
        "CREATE SOURCE TABLE is disabled. Use CREATE TABLE, or set ksql.source.table.materialization.enabled=true."
    ),
    "ksql.lambdas.enabled": "Lambdas are not enabled at this time. Set ksql.lambdas.enabled=true to use them.",
    "ksql.suppress.enabled": (
        "Suppression is currently disabled. You can enable it by setting ksql.suppress.enabled to true."
    ),
}
"""Properties that disable a kind of statement if they are false, with the error of such statements."""


def _text(properties: Mapping[str, object], name: str) -> str:
    value = properties.get(name)
    return "" if value is None else str(value)


def _flag(properties: Mapping[str, object], name: str) -> bool | None:
    text = _text(properties, name).strip().lower()
    return None if not text else text == "true"
