"""The properties and variables that SET and DEFINE change, for one request or one shell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bifrost.engine.planner.properties import check_name, check_name_in_statement, check_value, warning_for
from bifrost.errors import AnalysisError
from bifrost.sql.tree import DefineVariable, SetProperty, Statement, UndefineVariable, UnsetProperty


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
            AnalysisError: clients cannot set a property, or a value is invalid.
        """
        session = cls(variables={name.upper(): json_text(value) for name, value in variables.items()})
        for name, value in properties.items():
            if value is not None:  # null leaves the server's value in force
                session.set(name, json_text(value))
        return session

    def set(self, name: str, value: str) -> None:
        """Sets a property of a request, or one that SET names.

        Raises:
            PropertyError: the property is unknown.
            AnalysisError: clients cannot set the property, or the value is invalid.
        """
        check_name(name)
        check_value(name, value)
        self.properties[name] = value

    def apply(self, statement: Statement) -> bool:
        """Carries out SET, UNSET, DEFINE or UNDEFINE; returns False for all other statements.

        Raises:
            AnalysisError: the property is unknown, clients cannot set it, or the value is invalid.
        """
        match statement:
            case SetProperty(name, value):
                check_name_in_statement(name)
                self.set(name, value)
            case UnsetProperty(name):
                # Also properties that only the server can set: no SET succeeded, so there is nothing to refuse.
                check_name_in_statement(name, by_server=True)
                self.properties.pop(name, None)
            case DefineVariable(name, value):
                self.variables[name.upper()] = value
            case UndefineVariable(name):
                self.variables.pop(name.upper(), None)
            case _:
                return False
        return True

    def warnings(self) -> tuple[str, ...]:
        """One warning per property that has no effect in this engine."""
        found = (warning_for(name, value) for name, value in self.properties.items())
        return tuple(warning for warning in found if warning is not None)


def json_text(value: object) -> str:
    """A property's or variable's JSON value as text: `true` for True.

    Raises:
        AnalysisError: it is an object or an array.
    """
    match value:
        case bool():
            return str(value).lower()
        case str():
            return value
        case int() | float():
            return str(value)
        case _:
            raise AnalysisError("Properties and variables must be strings, numbers or booleans")
