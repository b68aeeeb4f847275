"""The names and values of properties, and their page in the documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from bifrost.engine.planner.properties import RULES, Effect, check_name, check_value, warning_for
from bifrost.engine.planner.properties.rules import PropertyRule
from bifrost.errors import AnalysisError, PropertyError

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "properties.md"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("auto.offset.reset", "earliest"),
        ("ksql.streams.auto.offset.reset", "LATEST"),
        ("consumer.auto.offset.reset", "latest"),
        ("commit.interval.ms", "500"),
        ("ksql.streams.commit.interval.ms", " 500 "),
        ("processing.guarantee", "exactly_once_v2"),
        ("ksql.streams.num.stream.threads", "4"),
        ("ksql.persistence.default.format.value", "avro"),
        ("ksql.persistence.wrap.single.values", "TRUE"),
        ("ksql.cast.strings.preserve.nulls", "false"),
        ("ksql.query.pull.max.allowed.offset.lag", str(2**63 - 1)),
        ("ksql.functions.anomaly.threshold", "anything"),
        ("ksql.streams.producer.acks", "all"),
        ("ksql.streams.consumer.max.poll.records", "10"),
        ("isolation.level", "read_committed"),
        ("producer.compression.type", "zstd"),
        ("ksql.streams.producer.linger.ms", "5"),
        ("ksql.streams.ssl.truststore.location", "/x"),
    ],
)
def test_valid_names_and_values(name: str, value: str) -> None:
    check_name(name)
    check_value(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("auto.offset.reset", "earlist"),
        ("ksql.streams.auto.offset.reset", "none"),
        ("ksql.streams.consumer.auto.offset.reset", ""),
        ("commit.interval.ms", "abc"),
        ("commit.interval.ms", "-1"),
        ("commit.interval.ms", "1.5"),
        ("commit.interval.ms", "9" * 5000),
        ("ksql.streams.commit.interval.ms", "100ms"),
        ("processing.guarantee", "exactly_twice"),
        ("ksql.streams.num.stream.threads", "0"),
        ("cache.max.bytes.buffering", "10MB"),
        ("ksql.persistence.default.format.key", "XML"),
        ("ksql.query.pull.table.scan.enabled", "yes"),
        ("ksql.query.persistent.active.limit", "many"),
        ("ksql.streams.consumer.max.poll.records", "ten"),
        ("ksql.streams.producer.batch.size", "big"),
        ("ksql.streams.consumer.max.poll.records", "0"),
        ("producer.acks", "7"),
        ("ksql.streams.producer.compression.type", "rar"),
        ("isolation.level", "read_maybe"),
        ("ksql.streams.consumer.enable.auto.commit", "maybe"),
        ("security.protocol", "TLS"),
    ],
)
def test_invalid_values_name_the_property_and_what_is_valid(name: str, value: str) -> None:
    check_name(name)
    with pytest.raises(AnalysisError) as caught:
        check_value(name, value)
    assert f"Invalid value '{value}' for property {name}: expected " in caught.value.message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ksql.fail.on.production.error", "true"),
        ("ksql.nested.error.set.null", "false"),
    ],
)
def test_values_that_the_engine_does_not_support_are_refused_with_the_way_out(name: str, value: str) -> None:
    with pytest.raises(AnalysisError, match=f"this engine supports only .*UNSET '{name}'"):
        check_value(name, value)


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("no.such.property", ""),
        ("ksql.", ""),
        ("", ""),
        ("ksql.streams.auto.offset.rest", "ksql.streams.auto.offset.reset"),
        ("auto.ofset.reset", "auto.offset.reset"),
        ("ksql.suppress.enable", "ksql.suppress.enabled"),
        ("KSQL.SUPPRESS.ENABLED", ""),
    ],
)
def test_unknown_names_are_refused(name: str, suggestion: str) -> None:
    with pytest.raises(PropertyError) as caught:
        check_name(name)
    message = f"Not recognizable as ksql, streams, consumer, or producer property: '{name}'"
    assert caught.value.message == message + (f"\nDid you mean '{suggestion}'?" if suggestion else "")


def test_properties_of_the_server_cannot_be_set_by_clients() -> None:
    for rule in RULES.values():
        if rule.effect is Effect.SERVER:
            with pytest.raises(AnalysisError, match="prohibited by the KSQL server"):
                check_name(rule.name)
            check_name(rule.name, by_server=True)
    with pytest.raises(AnalysisError, match="prohibited by the KSQL server"):
        check_name("bootstrap.servers")


def test_properties_without_effect_have_a_warning() -> None:
    warning = warning_for("num.stream.threads", "4")
    assert warning is not None
    assert "'num.stream.threads' is accepted but has no effect" in warning
    assert warning_for("ksql.streams.consumer.fetch.min.bytes", "1") is not None
    assert warning_for("ksql.streams.num.stream.threads", "1") is None  # the default
    for name in ("cache.max.bytes.buffering", "statestore.cache.max.bytes"):
        assert warning_for(name, "10000000") is None
        assert warning_for(f"ksql.streams.{name}", "10000000") is None
    assert warning_for("auto.offset.reset", "earliest") is None
    assert warning_for("ksql.functions.x.y", "1") is None


def test_defaults_are_valid() -> None:
    for rule in RULES.values():
        if rule.default:
            check_value(rule.name, rule.default)


def row(rule: PropertyRule) -> str:
    default = "" if rule.default is None else f"`{rule.default}`" if rule.default else "empty"
    return f"| `{rule.name}` | {default} | {rule.values.describe()} | {rule.effect.value} | {rule.note} |"


def test_the_page_of_properties_is_the_table(request: pytest.FixtureRequest) -> None:
    text = PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition("|---|---|---|---|---|\n")
    expected = "\n".join(map(row, RULES.values())) + "\n"
    if request.config.getoption("--update-golden"):
        PAGE.write_text(f"{head}|---|---|---|---|---|\n{expected}", encoding="utf-8")
        return
    assert rest == expected, "docs/reference/properties.md differs; see --update-golden"
