"""The schema registry over HTTP, as the serdes need it; what cannot change is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from bifrost.clients.schema_registry import Reference, SchemaRegistryClient
from bifrost.clients.schema_registry import SubjectVersion as Found
from bifrost.engine.serde import RegisteredSchema, RegistryUnavailable, SchemaReference, SerdeError
from bifrost.errors import NotReady, Refused, Unreachable

T = TypeVar("T")


class LiveRegistry:
    """Implements `bifrost.engine.serde.SchemaRegistry`. Schemas by id never change, so they are asked for once."""

    def __init__(self, client: SchemaRegistryClient) -> None:
        self._client = client
        self._by_id: dict[int, RegisteredSchema] = {}
        self._registered: dict[tuple[str, str, str], int] = {}

    def by_id(self, schema_id: int) -> RegisteredSchema:
        """The schema of that id.

        Raises:
            SerdeError: there is none.
            RegistryUnavailable: the registry does not answer.
        """
        known = self._by_id.get(schema_id)
        if known is None:
            known = self._by_id[schema_id] = _schema(_asked(lambda: self._client.by_id(schema_id)))
        return known

    def latest(self, subject: str) -> RegisteredSchema | None:
        """The newest version of a subject, or None."""
        found = _asked(lambda: self._client.latest(subject))
        return None if found is None else _schema(found)

    def version(self, subject: str, version: int) -> RegisteredSchema | None:
        """One version of a subject, or None."""
        found = _asked(lambda: self._client.version(subject, version))
        return None if found is None else _schema(found)

    def register(self, subject: str, schema_type: str, text: str, references: Sequence[SchemaReference] = ()) -> int:
        """Registers a schema and gives its id; repeating it gives the same id.

        Raises:
            SerdeError: the registry refuses it.
            RegistryUnavailable: the registry does not answer.
        """
        key = (subject, schema_type, text)
        if key not in self._registered:
            sent = [Reference(entry.name, entry.subject, entry.version) for entry in references]
            self._registered[key] = _asked(
                lambda: self._client.register(subject, text, schema_type=schema_type, references=sent)
            )
        return self._registered[key]

    def delete(self, subject: str) -> None:
        """Removes a subject and forgets what is known of it; one that is not there is fine."""
        _asked(lambda: self._client.delete(subject))
        self._registered = {key: found for key, found in self._registered.items() if key[0] != subject}


def _schema(found: Found) -> RegisteredSchema:
    references = tuple(SchemaReference(entry.name, entry.subject, entry.version) for entry in found.references)
    return RegisteredSchema(found.id, found.type, found.schema, references)


def _asked(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except (Unreachable, NotReady) as error:
        raise RegistryUnavailable(str(error)) from error
    except Refused as error:
        if error.status >= 500:
            raise RegistryUnavailable(str(error)) from error
        raise SerdeError(str(error)) from error
