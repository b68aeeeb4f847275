"""Which components of the embedded platform must run: its fixed parts, and the databases that connectors read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from bifrost.deployer.declared.declarations import DeclaredConnector
from bifrost.deployer.declared.files import load
from bifrost.deployer.targets import variables_of
from bifrost.errors import BifrostError
from bifrost.supervisor.platform_components import COMPONENTS, ON_COMMAND

_DATABASES: Mapping[str, str] = {"postgres": "POSTGRES_HOST"}
"""Components that are started when a connector refers to this variable."""


def databases_of(connectors: Iterable[DeclaredConnector]) -> list[str]:
    """The databases that only some connectors need, where one of these does."""
    values = (value for connector in connectors for value in connector.config.values())
    named = {name for value in values for name in variables_of(value)}
    return [name for name, variable in _DATABASES.items() if variable in named]


def needed_components(connectors: Iterable[DeclaredConnector]) -> frozenset[str]:
    """The components that must run while these connectors exist."""
    return frozenset(COMPONENTS) - frozenset(ON_COMMAND) | frozenset(databases_of(connectors))


@cache
def needed_by_live(project: Path, live: frozenset[str]) -> frozenset[str]:
    """The components that must run while the connectors of these names exist."""
    try:
        declared = load(project).connectors
    except BifrostError:
        # A file that is being edited says nothing about what runs.
        declared = ()
    return needed_components(connector for connector in declared if connector.name in live)
