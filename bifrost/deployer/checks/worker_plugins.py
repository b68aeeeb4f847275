"""Adapts a target's substitutions to the plugins that its Connect workers really have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches

from bifrost.clients.connect import ConnectClient, Plugin
from bifrost.deployer.declared.declarations import Declarations
from bifrost.deployer.lint.connector_rules import REQUIRED
from bifrost.deployer.targets import OWN_PLUGINS, ClassSubstitution, Substitutions

CONVERTERS = ("key.converter", "value.converter")
NOT_AVAILABLE = "is not available on this worker"


@dataclass(frozen=True, slots=True)
class Offer:
    """What the workers can load; `converters` is empty where they do not list them (Connect before 3.2)."""

    plugins: tuple[Plugin, ...]
    converters: frozenset[str]

    def has_connector(self, name: str) -> bool:
        """Whether a worker finds a connector class by this name."""
        return is_known_class(name, self.plugins)


def read_offer(client: ConnectClient) -> Offer:
    """Asks the workers for their connectors and converters.

    Raises:
        Unreachable, NotReady: Connect does not answer.
    """
    found = client.plugins(connectors_only=False)
    kinds = ("source", "sink", "")
    return Offer(
        tuple(plugin for plugin in found if plugin.type in kinds),
        frozenset(plugin.class_name for plugin in found if plugin.type == "converter"),
    )


def is_known_class(name: str, plugins: Iterable[Plugin]) -> bool:
    """Whether a worker finds a class by this name: in full, or by its simple name with or without `Connector`."""
    known = set()
    for plugin in plugins:
        simple = plugin.class_name.rpartition(".")[2]
        known |= {plugin.class_name, simple, simple.removesuffix("Connector")}
    return name in known


def adapted(table: Substitutions, declared: Declarations, offer: Offer) -> Substitutions:
    """The substitutions with which these workers can run most of what is declared.

    A vendor's class is used where the workers have it, else the project's, else its connectors are unavailable.
    Unknown classes that look misspelt stay: the check of connectors reports them as errors.
    """
    substitutes = {**OWN_PLUGINS, **table.classes}
    classes: dict[str, ClassSubstitution] = {}
    unavailable = dict(table.unavailable)
    for name in sorted({connector.config["connector.class"] for connector in declared.connectors} - unavailable.keys()):
        substitute = substitutes.get(name)
        if substitute is not None and substitute.is_required:
            classes[name] = substitute
        elif offer.has_connector(name):
            continue
        elif substitute is not None and offer.has_connector(substitute.class_name):
            classes[name] = substitute
        elif substitute is not None or name in REQUIRED or not similar_classes(name, offer):
            unavailable[name] = f"{name} {NOT_AVAILABLE}"
    return replace(
        table,
        classes=classes,
        unavailable=unavailable,
        worker_converters=table.worker_converters - offer.converters,
        unavailable_converters=_missing_converters(table, declared, offer),
    )


def similar_classes(name: str, offer: Offer) -> list[str]:
    """Known classes that a misspelt `name` may mean, the closest first; never `name` itself."""
    known = {plugin.class_name for plugin in offer.plugins} | REQUIRED.keys() | OWN_PLUGINS.keys()
    return get_close_matches(name, sorted(known - {name}), n=1, cutoff=0.85)


def _missing_converters(table: Substitutions, declared: Declarations, offer: Offer) -> dict[str, str]:
    named = {
        connector.config[key] for connector in declared.connectors for key in CONVERTERS if key in connector.config
    }
    # Old workers do not list their converters: then none counts as missing.
    missing = named - offer.converters - table.worker_converters if offer.converters else set()
    # Only the workers resolve placeholders.
    return {name: f"its converter {name} {NOT_AVAILABLE}" for name in missing if "${" not in name}
