"""What runs on a platform, in values that change only if someone touches it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bifrost.clients import connect, kafka, ksqldb, schema_registry, search
from bifrost.clients.supervisor import SupervisorClient
from bifrost.settings import Settings

_INTERNAL = ("_", "bifrost-")
"""How the names of topics begin that the deployer, Connect and ksqlDB keep for themselves."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """A text by kind and name: configurations, statements with their queries, topics, schemas, templates, services."""

    things: Mapping[tuple[str, str], str]
    topics_of: Mapping[str, str] = field(compare=False)

    def differences(self, other: Footprint) -> set[str]:
        """The names of what differs."""
        places = {*self.things, *other.things}
        return {name for kind, name in places if self.things.get((kind, name)) != other.things.get((kind, name))}


def read_footprint(settings: Settings) -> Footprint:
    """The footprint of everything on a platform, ksqlDB's internal topics left out."""
    things: dict[tuple[str, str], str] = {}
    with connect.from_settings(settings) as workers:
        things |= {("connector", name): str(sorted(config.items())) for name, config in workers.configs().items()}
    with ksqldb.from_settings(settings) as client:
        sources = client.source_descriptions()
        for source in sources:
            things["source", source.name] = source.statement
        for query in client.queries():
            place = ("query", query.sinks[0] if query.sinks else query.id)
            things[place] = f"{things.get(place, '')} {query.id} {query.statement}"
    admin = kafka.admin(settings)
    names = [name for name in admin.topics() if not name.startswith(_INTERNAL)]
    things |= {
        ("topic", name): f"{found.partitions} {sorted(found.config.items())}"
        for name, found in admin.describe(names).items()
    }
    with schema_registry.from_settings(settings) as registry:
        for subject in registry.subjects():
            latest = registry.latest(subject)
            things["subject", subject] = "" if latest is None else f"{latest.version} {latest.schema}"
    client_of_search = search.from_settings(settings)
    if client_of_search is not None:
        with client_of_search as engine:
            things |= {("template", name): str(body) for name, body in engine.templates().items()}
    for status in SupervisorClient(settings).status():
        things["service", status.name] = f"{status.state} {status.pid}"
    return Footprint(things, {source.name: source.topic for source in sources})
