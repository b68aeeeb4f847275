"""The registry in memory, and what happens while a registry does not answer."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bifrost.engine.serde import (
    InMemoryRegistry,
    RegisteredSchema,
    RegistryUnavailable,
    SchemaReference,
    SerdeError,
    Serdes,
)
from bifrost.sql.types import INTEGER
from tests.engine.serde.samples import value_format, values


class Moody:
    """A registry that answers only while it is `up`."""

    def __init__(self) -> None:
        self.inner = InMemoryRegistry()
        self.up = False
        self.asked = 0

    def _answer(self) -> InMemoryRegistry:
        self.asked += 1
        if not self.up:
            raise RegistryUnavailable("Schema Registry: no answer")
        return self.inner

    def by_id(self, schema_id: int) -> RegisteredSchema:
        return self._answer().by_id(schema_id)

    def latest(self, subject: str) -> RegisteredSchema | None:
        return self._answer().latest(subject)

    def version(self, subject: str, version: int) -> RegisteredSchema | None:
        return self._answer().version(subject, version)

    def register(self, subject: str, schema_type: str, text: str, references: Sequence[SchemaReference] = ()) -> int:
        return self._answer().register(subject, schema_type, text, references)


def test_a_silent_registry_is_not_a_bad_record() -> None:
    registry = Moody()
    serdes = Serdes(registry)
    form, columns = value_format("AVRO"), values(("A", INTEGER))
    write, read = serdes.value_serializer("t", form, columns), serdes.value_deserializer("t", form, columns)
    with pytest.raises(RegistryUnavailable):
        write((1,))
    with pytest.raises(RegistryUnavailable):
        read(b"\0\0\0\0\1\2\2")
    registry.up = True
    data = write((1,))
    assert read(data) == (1,)


def test_the_registry_is_asked_once_per_schema() -> None:
    registry = Moody()
    registry.up = True
    serdes = Serdes(registry)
    form, columns = value_format("AVRO"), values(("A", INTEGER))
    write, read = serdes.value_serializer("t", form, columns), serdes.value_deserializer("t", form, columns)
    for number in range(10):
        assert read(write((number,))) == (number,)
    assert registry.asked == 2


def test_versions_of_a_subject() -> None:
    registry = InMemoryRegistry()
    first, second = registry.register("s", "AVRO", '"int"'), registry.register("s", "AVRO", '"long"')
    assert registry.register("s", "AVRO", '"int"') == first
    assert registry.register("other", "AVRO", '"int"') == first
    latest = registry.latest("s")
    assert latest is not None
    assert latest.id == second
    assert registry.version("s", 1) == registry.by_id(first)
    assert registry.version("s", 3) is None
    assert registry.latest("none") is None
    with pytest.raises(SerdeError, match="Schema 7 is not in the schema registry"):
        registry.by_id(7)
