"""Checks the names and values of properties that SET, requests, ALTER SYSTEM and the server's configuration set."""

from __future__ import annotations

from difflib import get_close_matches

from bifrost.engine.planner.properties.kafka_names import NAMES, is_kafka_name, plain_name, value_type
from bifrost.engine.planner.properties.rules import RULES, Effect, PropertyRule
from bifrost.errors import AnalysisError, PropertyError

_FUNCTIONS = "ksql.functions."
"""Properties of user-defined functions, whose names the server does not know."""
_STREAMS = "ksql.streams."


def check_name(name: str, *, by_server: bool = False) -> None:
    """Checks that a property exists and that clients can set it.

    Raises:
        PropertyError: no part of ksqlDB has such a property; the message suggests a similar name.
        AnalysisError: only the server's configuration sets it (unless `by_server`).
    """
    rule = rule_of(name)
    if rule is None and not name.startswith(_FUNCTIONS) and not is_kafka_name(name):
        raise PropertyError(
            f"Not recognizable as ksql, streams, consumer, or producer property: '{name}'{_suggestion(name)}"
        )
    if rule is not None and rule.effect is Effect.SERVER and not by_server:
        raise AnalysisError(
            "One or more properties overrides set locally are prohibited by the KSQL server "
            f"(use UNSET to reset their default value): [{name}]"
        )


def check_name_in_statement(name: str, *, by_server: bool = False) -> None:
    """As `check_name`, for SET, UNSET and ALTER SYSTEM, where ksqlDB treats an unknown name as a wrong statement.

    Raises:
        AnalysisError: the property does not exist, or only the server's configuration sets it (unless `by_server`).
    """
    try:
        check_name(name, by_server=by_server)
    except PropertyError as error:
        raise AnalysisError(f"Unknown property: {name}{_suggestion(name)}") from error


def check_value(name: str, value: str) -> None:
    """Checks that a value is valid for a property, and that this engine supports it.

    Raises:
        AnalysisError: it is not; the message names the property, the value and the valid values.
    """
    rule = rule_of(name)
    if rule is not None:
        _check_rule(name, value, rule)
    elif is_kafka_name(name) and not value_type(name).accepts(value):
        raise AnalysisError(f"Invalid value '{value}' for property {name}: expected {value_type(name).describe()}.")


def _check_rule(name: str, value: str, rule: PropertyRule) -> None:
    if not rule.values.accepts(value):
        raise AnalysisError(f"Invalid value '{value}' for property {name}: expected {rule.values.describe()}.")
    if rule.effect is Effect.FIXED and value.strip().lower() != rule.default:
        raise AnalysisError(
            f"Property {name} cannot be '{value}': this engine supports only '{rule.default}' ({rule.note}). "
            f"Use UNSET '{name}' or SET '{name}'='{rule.default}'."
        )


def warning_for(name: str, value: str) -> str | None:
    """The warning that a property has no effect; None if it has, or if the value is its default."""
    rule = rule_of(name)
    if rule is None:
        unused = is_kafka_name(name)
        return f"Property '{name}' is accepted but has no effect in this engine." if unused else None
    if rule.effect is not Effect.IGNORED or value == rule.default:
        return None
    reason = f": {rule.note}" if rule.note else ""
    return f"Property '{name}' is accepted but has no effect in this engine{reason}."


def rule_of(name: str) -> PropertyRule | None:
    """The rule of a property, given with or without ksqlDB's and Kafka Streams' prefixes."""
    if name in RULES:
        return RULES[name]
    if name.startswith("ksql.") and not name.startswith(_STREAMS):
        return None
    return RULES.get(_STREAMS + plain_name(name)) or RULES.get(f"{_STREAMS}producer.{plain_name(name)}")


def _suggestion(name: str) -> str:
    known = [*RULES, *NAMES, *(_STREAMS + other for other in NAMES)]
    close = get_close_matches(name, known, n=1, cutoff=0.8)
    return f"\nDid you mean '{close[0]}'?" if close else ""
