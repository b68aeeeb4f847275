"""The schema registry as the serdes see it, and one in memory for tests and checks without a platform."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bifrost.engine.serde.errors import SerdeError


@dataclass(frozen=True, slots=True)
class SchemaReference:
    """A schema that another schema imports by `name`: a version of a subject."""

    name: str
    subject: str
    version: int


@dataclass(frozen=True, slots=True)
class RegisteredSchema:
    """A schema in the registry; `type` is `AVRO`, `JSON` or `PROTOBUF`."""

    id: int
    type: str
    text: str
    references: tuple[SchemaReference, ...] = ()


class SchemaRegistry(Protocol):
    """Finds and registers schemas. Implementations cache immutable data.

    All methods raise `RegistryUnavailable` when the registry does not answer.
    """

    def by_id(self, schema_id: int) -> RegisteredSchema:
        """Return the schema with that id.

        Raises:
            SerdeError: it does not exist.
        """

    def latest(self, subject: str) -> RegisteredSchema | None:
        """Return the newest version of a subject, or None."""

    def version(self, subject: str, version: int) -> RegisteredSchema | None:
        """Return one version of a subject, or None; used for references."""

    def register(self, subject: str, schema_type: str, text: str, references: Sequence[SchemaReference] = ()) -> int:
        """Register a schema and return its id; registering it again returns the same id.

        Raises:
            SerdeError: the registry refuses it.
        """


@dataclass(slots=True)
class InMemoryRegistry:
    """A registry in memory; ids count from 1."""

    schemas: list[RegisteredSchema] = field(default_factory=list)
    subjects: dict[str, list[RegisteredSchema]] = field(default_factory=dict)

    def by_id(self, schema_id: int) -> RegisteredSchema:
        """Return the schema with that id."""
        for schema in self.schemas:
            if schema.id == schema_id:
                return schema
        raise SerdeError(f"Schema {schema_id} is not in the schema registry")

    def latest(self, subject: str) -> RegisteredSchema | None:
        """Return the newest version of a subject, or None."""
        versions = self.subjects.get(subject)
        return versions[-1] if versions else None

    def version(self, subject: str, version: int) -> RegisteredSchema | None:
        """Return one version of a subject (counted from 1), or None."""
        versions = self.subjects.get(subject, [])
        return versions[version - 1] if 0 < version <= len(versions) else None

    def register(self, subject: str, schema_type: str, text: str, references: Sequence[SchemaReference] = ()) -> int:
        """Add a version to a subject unless the subject already has the same schema."""
        schema = self._same(schema_type, text, tuple(references))
        versions = self.subjects.setdefault(subject, [])
        if schema not in versions:
            versions.append(schema)
        return schema.id

    def put(self, subject: str, schema: RegisteredSchema) -> None:
        """Add a version that already has an id, for copying a registry."""
        self.schemas.append(schema)
        self.subjects.setdefault(subject, []).append(schema)

    def _same(self, schema_type: str, text: str, references: tuple[SchemaReference, ...]) -> RegisteredSchema:
        for schema in self.schemas:
            if (schema.type, schema.text, schema.references) == (schema_type, text, references):
                return schema
        newest = max((schema.id for schema in self.schemas), default=0)
        schema = RegisteredSchema(newest + 1, schema_type, text, references)
        self.schemas.append(schema)
        return schema
