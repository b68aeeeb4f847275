"""The properties and variables that SET and DEFINE change, for one request or one shell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bifrost.errors import AnalysisError, PropertyError
from bifrost.sql.tree import DefineVariable, SetProperty, Statement, UndefineVariable, UnsetProperty

_PREFIXES = ("ksql.", "auto.offset.reset", "processing.guarantee", "cache.max.bytes.buffering", "commit.interval.ms")
_STREAMS_PREFIXES = ("num.", "max.", "state.", "topology.", "default.", "producer.", "consumer.", "metrics.")
_DENIED = frozenset(
    {"ksql.service.id", "ksql.streams.bootstrap.servers", "bootstrap.servers", "ksql.schema.registry.url"}
)


@dataclass(slots=True)
class ClientSession:
    """Properties by their full names, and variables by their names in upper case."""

    properties: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, properties: Mapping[str, object], variables: Mapping[str, object]) -> ClientSession:
        """The session of a request that carries these properties and variables.

        Raises:
            PropertyError: a property is unknown.
            AnalysisError: clients cannot set a property.
        """
        session = cls(variables={name.upper(): str(value) for name, value in variables.items()})
        for name, value in properties.items():
            session.set(name, str(value))
        return session

    def set(self, name: str, value: str) -> None:
        """SET.

        Raises:
            PropertyError: the property is unknown.
            AnalysisError: clients cannot set the property.
        """
        check_property(name)
        self.properties[name] = value

    def apply(self, statement: Statement) -> bool:
        """Carries out SET, UNSET, DEFINE or UNDEFINE; returns False for all other statements."""
        match statement:
            case SetProperty(name, value):
                self.set(name, value)
            case UnsetProperty(name):
                self.properties.pop(name, None)
            case DefineVariable(name, value):
                self.variables[name.upper()] = value
            case UndefineVariable(name):
                self.variables.pop(name.upper(), None)
            case _:
                return False
        return True


def check_property(name: str) -> None:
    """Refuses unknown properties, and those that only the server's configuration can set, as ksqlDB does."""
    if name in _DENIED:
        raise AnalysisError(
            "One or more properties overrides set locally are prohibited by the KSQL server "
            f"(use UNSET to reset their default value): [{name}]"
        )
    if not name.startswith(_PREFIXES + _STREAMS_PREFIXES):
        raise PropertyError(f"Not recognizable as ksql, streams, consumer, or producer property: '{name}'")
