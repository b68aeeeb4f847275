"""Asks Connect to validate connectors before anything is changed. Its answers echo resolved secrets: none are shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import chain

from bifrost.clients.connect import ConnectClient, ValidationReport
from bifrost.deployer.checks.worker_plugins import Offer, read_offer, similar_classes
from bifrost.deployer.declared.declarations import DeclaredConnector
from bifrost.deployer.targets import OWNER_KEY, PLACEHOLDER
from bifrost.errors import DeclarationError, Refused
from bifrost.redaction import redact_text, secrets_of

CHECKERS = 4
"""How many connectors are checked at the same time."""
_ALIASED = re.compile(r"(?:transforms|predicates)\.[^.]+\.")
_FREE_PREFIXES = (
    "key.converter.",
    "value.converter.",
    "header.converter.",
    "producer.override.",
    "consumer.override.",
    "admin.override.",
    "topic.creation.",
    # Debezium passes these on to the database driver and to the client of the schema history's topic.
    "driver.",
    "database.history.",
    "schema.history.internal.",
    # Debezium's naming of its own topics.
    "topic.heartbeat.prefix",
)
CLASS_KEY = "connector.class"
_GENERIC = frozenset({"name", OWNER_KEY})


@dataclass(frozen=True, slots=True)
class ConnectorProblem:
    """One problem of a connector's configuration; only an error prevents its deployment."""

    connector: DeclaredConnector
    text: str
    is_error: bool

    def is_about(self, key: str) -> bool:
        """Whether it concerns `key`."""
        return self.text.startswith(f"{key}: ")


def check_connectors(client: ConnectClient, connectors: Iterable[DeclaredConnector]) -> tuple[ConnectorProblem, ...]:
    """The problems that Connect finds in these connectors; `connectors` are mapped to the target.

    Raises:
        Unreachable, NotReady: Connect does not answer.
    """
    wanted = tuple(connectors)
    offer = read_offer(client) if wanted else Offer((), frozenset())
    # A check connects to what the connector reads or writes, so most of it is waiting.
    with ThreadPoolExecutor(CHECKERS, thread_name_prefix="connector-check") as checkers:
        found = list(checkers.map(lambda connector: tuple(_check(client, connector, offer)), wanted))
    problems = tuple(chain.from_iterable(found))
    unknown = [problem for problem in problems if problem.is_about(CLASS_KEY)]
    if not unknown:
        return problems
    # The list of classes is long: once is enough.
    available = ", ".join(plugin.class_name for plugin in offer.plugins) or "none"
    last = replace(unknown[-1], text=f"{unknown[-1].text}; available: {available}")
    return tuple(last if problem is unknown[-1] else problem for problem in problems)


def refuse_connector_problems(problems: Iterable[ConnectorProblem]) -> None:
    """Raise if there is an error among the findings.

    Raises:
        DeclarationError: names every error of every connector.
    """
    errors = [problem for problem in problems if problem.is_error]
    if errors:
        lines = (f"\n  - {problem.connector.name}: {problem.text}" for problem in errors)
        raise DeclarationError(errors[0].connector.path, "is not accepted; nothing was changed:" + "".join(lines))


def problems_in(connector: DeclaredConnector, report: ValidationReport) -> Iterator[ConnectorProblem]:
    """The problems of a declaration in Connect's answer."""
    secrets = secrets_of({key.name: key.value for key in report.keys if key.value})
    for key in report.keys:
        left = PLACEHOLDER.search(" ".join((key.value or "", *key.errors)))
        # A connection check reports another key's placeholder under the key of the host.
        owner = next((name for name, value in connector.config.items() if left and left[0] in value), None)
        if left is not None and owner is not None:
            yield _unresolved(connector, owner, left)
            continue
        for error in key.errors:
            yield ConnectorProblem(connector, f"{key.name}: {redact_text(error, secrets)}", True)
    yield from _unknown_keys(connector, report)


def _unresolved(connector: DeclaredConnector, key: str, left: re.Match[str]) -> ConnectorProblem:
    if left["provider"] == "env":
        return ConnectorProblem(connector, f"{key}: {left[0]} is unknown to the Connect worker; set it there", True)
    # Some plugins look at a value before the worker resolves it: that says nothing about the secret.
    return ConnectorProblem(connector, f"{key}: could not be checked, {left[0]} was not resolved", False)


def _check(client: ConnectClient, connector: DeclaredConnector, offer: Offer) -> Iterator[ConnectorProblem]:
    class_name = connector.config[CLASS_KEY]
    if not offer.has_connector(class_name):
        similar = similar_classes(class_name, offer)
        hint = f"; did you mean {similar[0]}?" if similar else ""
        yield ConnectorProblem(connector, f"{CLASS_KEY}: {class_name} is unknown{hint}", True)
        return
    try:
        report = client.validate(class_name, connector.config)
    except Refused as error:
        yield ConnectorProblem(connector, f"could not be checked: {error.body}", True)
        return
    yield from problems_in(connector, report)


def _unknown_keys(connector: DeclaredConnector, report: ValidationReport) -> Iterator[ConnectorProblem]:
    known = {key.name for key in report.keys if key.known}
    # Some definitions have a pattern as their name, as Debezium's column.truncate.to.(d+).chars.
    patterns = [re.compile(_as_pattern(name)) for name in known if "(" in name]
    for name in connector.config:
        aliased = _ALIASED.match(name)
        # Where Connect defines no key below an alias, none of them can be called unknown.
        is_free = name.startswith(_FREE_PREFIXES) or (
            aliased and not any(other.startswith(aliased[0]) for other in known)
        )
        if name in known or name in _GENERIC or is_free or any(pattern.fullmatch(name) for pattern in patterns):
            continue
        # Only a key that resembles a known one is an error: some plugins read keys that they do not define.
        close = _hint(name, known)
        yield ConnectorProblem(
            connector, f"{name}: {connector.config['connector.class']} does not know this key{close}", bool(close)
        )


def _as_pattern(name: str) -> str:
    parts = re.split(r"(\([^)]*\))", name)
    return "".join(".+" if part.startswith("(") else re.escape(part) for part in parts)


def _hint(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, list(known), n=1, cutoff=0.85)
    return f"; did you mean {close[0]}?" if close else ""


def check_variables(
    connectors: Iterable[DeclaredConnector], variables: frozenset[str] | None
) -> tuple[ConnectorProblem, ...]:
    """The variables that connectors use and the target's workers lack; none where `variables` is `None` (unknown)."""
    if variables is None:
        return ()
    return tuple(
        ConnectorProblem(
            connector, f"{key}: ${{env:{name}}} is not set; set {name} in the environment or in .env", True
        )
        for connector, key, name in unresolved(connectors, variables)
    )


def unresolved(
    connectors: Iterable[DeclaredConnector], variables: frozenset[str]
) -> Iterator[tuple[DeclaredConnector, str, str]]:
    """(connector, key, variable) of every `${env:NAME}` that the target's workers cannot resolve."""
    for connector in connectors:
        for key, value in connector.config.items():
            for found in PLACEHOLDER.finditer(value):
                if found["provider"] == "env" and found["name"] not in variables:
                    yield connector, key, found["name"]
