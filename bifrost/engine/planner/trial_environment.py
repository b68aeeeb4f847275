"""A trial of a script's statements: later ones see the topics and schemas that earlier ones would create."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bifrost.engine.catalog.metastore import DataSource
from bifrost.engine.catalog.topics import TopicInfo
from bifrost.engine.planner.environment import Environment
from bifrost.engine.planner.outcome import CreatePlan, PersistentPlan, Planned
from bifrost.engine.serde import InMemoryRegistry, RegisteredSchema, SchemaReference, SchemaRegistry, Serdes

# Trial ids start here so that they differ from those of the registry, which count from 1.
_TRIAL_IDS = 1 << 30


@dataclass(frozen=True, slots=True)
class TrialRegistry:
    """A registry that keeps new schemas in memory; implements `SchemaRegistry`."""

    live: SchemaRegistry
    tried: InMemoryRegistry = field(default_factory=InMemoryRegistry)

    def by_id(self, schema_id: int) -> RegisteredSchema:
        """The schema of that id, see `SchemaRegistry`."""
        if schema_id > _TRIAL_IDS:
            return _shown(self.tried.by_id(schema_id - _TRIAL_IDS))
        return self.live.by_id(schema_id)

    def latest(self, subject: str) -> RegisteredSchema | None:
        """The newest version of a subject, or None."""
        found = self.tried.latest(subject)
        return _shown(found) if found is not None else self.live.latest(subject)

    def version(self, subject: str, version: int) -> RegisteredSchema | None:
        """One version of a subject, or None."""
        return self.live.version(subject, version)

    def register(self, subject: str, schema_type: str, text: str, references: Sequence[SchemaReference] = ()) -> int:
        """Registers a schema in memory and returns its trial id."""
        return _TRIAL_IDS + self.tried.register(subject, schema_type, text, references)


def _shown(schema: RegisteredSchema) -> RegisteredSchema:
    return replace(schema, id=schema.id + _TRIAL_IDS)


class TrialEnvironment:
    """The cluster plus the topics and schemas of tried statements; implements `Environment`."""

    def __init__(self, live: Environment) -> None:
        self._live = live
        self._topics: dict[str, TopicInfo] = {}
        self.registry = TrialRegistry(live.registry)
        self._serdes = Serdes(self.registry)

    def topic(self, name: str) -> TopicInfo | None:
        """The topic's settings, or None if it does not exist."""
        return self._topics.get(name) or self._live.topic(name)

    def make(self, planned: Planned) -> None:
        """Adds the topic and schemas that a statement would create.

        Raises:
            SerdeError: a format cannot hold the columns.
        """
        if not isinstance(planned, CreatePlan | PersistentPlan):
            return
        if planned.topic is not None:
            self._topics[planned.topic.name] = TopicInfo(planned.topic.partitions, planned.topic.replicas)
        source = planned.sink if isinstance(planned, PersistentPlan) else planned.source
        if isinstance(planned, PersistentPlan) or not has_subject(self.registry, source):
            self._serdes.register(source.topic, source.formats, source.schema)


def has_subject(registry: SchemaRegistry, source: DataSource) -> bool:
    """Whether the registry has a schema of the source's keys or values."""
    return any(registry.latest(f"{source.topic}-{part}") is not None for part in ("key", "value"))
