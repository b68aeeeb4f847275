"""The record of statements that are being replaced, so that an interrupted replacement can be finished.

Between the drop of a statement and its creation, nothing in ksqlDB shows where the new query was to start, or which
consumer groups were to move behind the records that it computes again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

Offsets = Mapping[str, Mapping[int, int]]
"""Next offsets by topic and partition."""


@dataclass(frozen=True, slots=True)
class RebuiltStatement:
    """A statement with a query that is dropped and created again.

    `topic` is the topic that its query writes. `inputs` are those of the streams that it reads, of its tables if it
    reads no stream. `query_id` is the query that ends and `read_from` where the new one starts. `groups` are consumer
    groups of `topic` that move: behind the records that are computed again if `skips`, else to the start of the new
    topic. `connectors` are sinks that read a deleted `topic` from its start. `until` is how far the dropped query had
    read its inputs: what the new one reads up to there is a repetition.
    """

    name: str
    topic: str
    read_from: Literal["earliest", "latest"]
    query_id: str = ""
    inputs: tuple[str, ...] = ()
    deletes_topic: bool = False
    skips: bool = False
    groups: tuple[str, ...] = ()
    connectors: tuple[str, ...] = ()
    until: Offsets = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rebuild:
    """Statements that are replaced together, in the order of their creation, and the services stopped meanwhile."""

    statements: tuple[RebuiltStatement, ...]
    services: tuple[str, ...] = ()

    @property
    def connectors(self) -> tuple[str, ...]:
        """The sinks that are stopped meanwhile."""
        return tuple(dict.fromkeys(name for statement in self.statements for name in statement.connectors))

    @property
    def groups(self) -> tuple[tuple[str, str], ...]:
        """Each consumer group that moves, with its topic."""
        return tuple((group, statement.topic) for statement in self.statements for group in statement.groups)

    @property
    def skips(self) -> bool:
        """Whether any reader skips records, so that one must know when they have been computed again."""
        return any(statement.groups and statement.skips for statement in self.statements)

    def find(self, name: str) -> RebuiltStatement | None:
        """The statement of that name."""
        return next((statement for statement in self.statements if statement.name == name), None)

    def after(self, earlier: Rebuild | None) -> Rebuild:
        """This rebuild with what an earlier, interrupted one still has to do."""
        if earlier is None:
            return self
        own = tuple(_with_positions_of(earlier, statement) for statement in self.statements)
        names = {statement.name for statement in own}
        left = tuple(statement for statement in earlier.statements if statement.name not in names)
        return Rebuild((*left, *own), tuple(dict.fromkeys((*earlier.services, *self.services))))

    def with_positions(self, until: Mapping[str, Offsets]) -> Rebuild:
        """This rebuild with how far each query that is dropped has read, by the statement's name.

        The query of an interrupted rebuild may have read less than the one before it, so the larger offset counts.
        """
        return replace(
            self,
            statements=tuple(
                replace(statement, until=_larger(statement.until, until.get(statement.name, {})))
                for statement in self.statements
            ),
        )

    def with_moved_readers(self, name: str) -> Rebuild:
        """This rebuild after the readers of a statement's topic have moved."""
        return replace(
            self,
            statements=tuple(
                replace(statement, groups=(), connectors=()) if statement.name == name else statement
                for statement in self.statements
            ),
        )

    def limited_to(self, other: Rebuild) -> Rebuild:
        """This rebuild without the statements that another one does not have."""
        return replace(self, statements=tuple(each for each in self.statements if other.find(each.name) is not None))

    def as_json(self) -> str:
        """The text that `rebuild_from_json` reads."""
        return json.dumps(asdict(self), sort_keys=True)


def _larger(first: Offsets, second: Offsets) -> Offsets:
    return {
        topic: {
            partition: max(first.get(topic, {}).get(partition, 0), second.get(topic, {}).get(partition, 0))
            for partition in (*first.get(topic, {}), *second.get(topic, {}))
        }
        for topic in (*first, *second)
    }


def _with_positions_of(earlier: Rebuild, statement: RebuiltStatement) -> RebuiltStatement:
    found = earlier.find(statement.name)
    return statement if found is None else replace(statement, until=found.until)


def rebuild_from_json(text: str) -> Rebuild | None:
    """The rebuild that `as_json` wrote, `None` if the text is another program's or version's."""
    try:
        content = json.loads(text)
        return Rebuild(tuple(map(_statement, content["statements"])), tuple(content["services"]))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _statement(content: Mapping[str, Any]) -> RebuiltStatement:
    until = {
        topic: {int(partition): int(offset) for partition, offset in offsets.items()}
        for topic, offsets in content["until"].items()
    }
    return RebuiltStatement(
        name=content["name"],
        topic=content["topic"],
        read_from="latest" if content["read_from"] == "latest" else "earliest",
        query_id=content["query_id"],
        inputs=_texts(content["inputs"]),
        deletes_topic=bool(content["deletes_topic"]),
        skips=bool(content["skips"]),
        groups=_texts(content["groups"]),
        connectors=_texts(content["connectors"]),
        until=until,
    )


def _texts(found: Iterable[object]) -> tuple[str, ...]:
    return tuple(map(str, found))
