"""The properties of ksqlDB, Kafka Streams and its clients: which names exist, which values are valid, what they do."""

from bifrost.engine.planner.properties.check import check_name, check_name_in_statement, check_value, warning_for
from bifrost.engine.planner.properties.rules import RULES, Effect, PropertyRule

__all__ = ["RULES", "Effect", "PropertyRule", "check_name", "check_name_in_statement", "check_value", "warning_for"]
