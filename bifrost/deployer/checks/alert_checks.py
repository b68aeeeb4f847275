"""Checks alerts against the streams and tables that they read: names, formats and types, with nothing running."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from bifrost.alert_template import Field, suggestion, unknown_column
from bifrost.alerts import KEY_FORMATS, VALUE_FORMATS, Alert, line_of
from bifrost.deployer.lint.other_rules import (
    SHARED_GROUP,
    UNKNOWN_ALERT_COLUMN,
    UNKNOWN_ALERT_TOPIC,
    UNREADABLE_FORMAT,
)
from bifrost.deployer.lint.rule import FileProblem, LintRule
from bifrost.engine.catalog.metastore import DataSource
from bifrost.engine.catalog.schema import WindowKind
from bifrost.sql.types import SqlStruct, SqlType

_NUMBERS = frozenset({"INTEGER", "BIGINT", "DOUBLE", "DECIMAL"})


def check_alerts(alerts: Iterable[Alert], sources: Iterable[DataSource]) -> Iterator[FileProblem]:
    """The problems of alerts; `sources` are all streams and tables that the statements create."""
    by_topic: dict[str, DataSource] = {}
    for source in sources:
        before = by_topic.get(source.topic)
        if before is None or (before.created_by is None and source.created_by is not None):
            by_topic[source.topic] = source
    groups: dict[str, Alert] = {}
    for alert in alerts:
        other = groups.setdefault(alert.group, alert)
        if other is not alert:
            yield _problem(SHARED_GROUP, alert, "group", f"group {alert.group} is also used by {other.path.name}")
        read = by_topic.get(alert.topic)
        if read is None:
            close = suggestion(alert.topic, by_topic)
            yield _problem(
                UNKNOWN_ALERT_TOPIC, alert, "topic", f"no stream or table has the topic {alert.topic}{close}"
            )
        else:
            yield from _compare(alert, read)


def _compare(alert: Alert, source: DataSource) -> Iterator[FileProblem]:
    key, value = source.formats.key.format.name, source.formats.value.format.name
    if value not in VALUE_FORMATS or key not in KEY_FORMATS:
        text = f"{source.name} is written in {key} and {value}, which alerts cannot read"
        yield _problem(UNREADABLE_FORMAT, alert, "topic", text)
    columns = _columns(source)
    for field in alert.template.fields:
        problem = _field_problem(field, columns, source.name)
        if problem:
            yield _problem(UNKNOWN_ALERT_COLUMN, alert, "template", f"template: {problem}")
    for name in alert.once.by if alert.once else ():
        problem = _field_problem(Field(tuple(name.split("."))), columns, source.name)
        if problem:
            yield _problem(UNKNOWN_ALERT_COLUMN, alert, "by", f"once.by: {problem}")


def _columns(source: DataSource) -> dict[str, SqlType | None]:
    """Type by name of the columns that the service sees in a record; `None` for window bounds."""
    columns: dict[str, SqlType | None] = dict(source.schema.types())
    for header in source.schema.headers:
        columns.pop(header.name, None)
    window = source.formats.key.window
    if window is not None:
        columns["WINDOWSTART"] = None
        if window.kind is WindowKind.SESSION:
            columns["WINDOWEND"] = None
    return columns


def _field_problem(field: Field, columns: Mapping[str, SqlType | None], source: str) -> str:
    """The problem of a field; empty when there is none."""
    known: Mapping[str, SqlType | None] = columns
    kind: SqlType | None = None
    for depth, name in enumerate(field.path):
        if name not in known:
            return unknown_column(".".join((source, *field.path[:depth])), name, known)
        kind = known[name]
        known = {inner.name: inner.type for inner in kind.fields} if isinstance(kind, SqlStruct) else {}
    if field.format and kind is not None and str(kind).partition("(")[0] not in _NUMBERS:
        return f"{field.name} is a {kind}; only a number can be written as {field.format!r}"
    return ""


def _problem(rule: LintRule, alert: Alert, key: str, text: str) -> FileProblem:
    return rule.problem(alert.path, line_of(alert.path.read_text(encoding="utf-8"), key), text)
