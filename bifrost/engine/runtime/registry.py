"""The schema registry over HTTP for the serdes, with a cache of what never changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from bifrost.clients.schema_registry import Reference, SchemaRegistryClient
from bifrost.clients.schema_registry import SubjectVersion as Found
from bifrost.engine.serde import RegisteredSchema, RegistryUnavailable, SchemaReference, SerdeError
from bifrost.errors import NotReady, Refused, Unreachable

T = TypeVar("T")


class LiveRegistry:
    """Implements `bifrost.engine.serde.SchemaRegistry`. The schema of an id never changes, so it is read once."""

    def __init__(self, client: SchemaRegistryClient) -> None:
        self._client = client
        self._by_id: dict[int, RegisteredSchema] = {}
        self._registered: dict[tuple[str, str, str], int] = {}

    def by_id(self, schema_id: int) -> RegisteredSchema:
        """Returns the schema of an id.

        Raises:
            SerdeError: no schema has this id.
            RegistryUnavailable: the registry does not answer.
        """
        known = self._by_id.get(schema_id)
        if known is None:
            known = self._by_id[schema_id] = _schema(_request(lambda: self._client.by_id(schema_id)))
        return known

    def latest(self, subject: str) -> RegisteredSchema | None:
        """Returns the latest version of a subject, or None."""
        found = _request(lambda: self._client.latest(subject))
        return None if found is None else _schema(found)

    def version(self, subject: str, version: int) -> RegisteredSchema | None:
        """Returns one version of a subject, or None."""
        found = _request(lambda: self._client.version(subject, version))
        return None if found is None else _schema(found)

    def register(self, subject: str, schema_type: str, text: str, references: Sequence[SchemaReference] = ()) -> int:
        """Registers a schema and returns its id; registering it again returns the same id.

        Raises:
            SerdeError: the registry refuses it.
            RegistryUnavailable: the registry does not answer.
        """
        key = (subject, schema_type, text)
        if key not in self._registered:
            sent = [Reference(entry.name, entry.subject, entry.version) for entry in references]
            self._registered[key] = _request(
                lambda: self._client.register(subject, text, schema_type=schema_type, references=sent)
            )
        return self._registered[key]

    def delete(self, subject: str) -> None:
        """Deletes a subject, if it exists, and what is cached for it."""
        _request(lambda: self._client.delete(subject))
        self._registered = {key: found for key, found in self._registered.items() if key[0] != subject}


def _schema(found: Found) -> RegisteredSchema:
    references = tuple(SchemaReference(entry.name, entry.subject, entry.version) for entry in found.references)
    return RegisteredSchema(found.id, found.type, found.schema, references)


def _request(send: Callable[[], T]) -> T:
    try:
        return send()
    except (Unreachable, NotReady) as error:
        raise RegistryUnavailable(str(error)) from error
    except Refused as error:
        if error.status >= 500:
            raise RegistryUnavailable(str(error)) from error
        raise SerdeError(str(error)) from error
