"""The names that a ksqlDB server has now: what the shell and the editor complete."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from bifrost.clients.ksqldb import KsqlClient


class NameKind(StrEnum):
    """What a name belongs to."""

    STREAM = "stream"
    TABLE = "table"
    COLUMN = "column"
    QUERY = "query"
    TYPE = "type"
    TOPIC = "topic"
    FUNCTION = "function"


@dataclass(frozen=True, slots=True)
class LiveName:
    """A name and its kind; `of` is the stream or table of a column, `type` its type."""

    name: str
    kind: NameKind
    of: str = ""
    type: str = ""


def live_names(client: KsqlClient) -> Iterator[LiveName]:
    """The names of streams, tables and their columns, queries, types, topics and functions.

    Raises:
        RemoteError: the server does not answer.
    """
    for source in client.source_descriptions():
        yield LiveName(source.name, NameKind(source.type.lower()))
        yield from (LiveName(column, NameKind.COLUMN, source.name, kind) for column, kind in source.columns)
    yield from (LiveName(query.id, NameKind.QUERY) for query in client.queries())
    yield from (LiveName(name, NameKind.TYPE) for name in client.types())
    for statement, key, kind in (
        ("LIST TOPICS;", "topics", NameKind.TOPIC),
        ("LIST FUNCTIONS;", "functions", NameKind.FUNCTION),
    ):
        for entity in client.execute(statement):
            yield from (LiveName(str(entry["name"]), kind) for entry in entity[key])
