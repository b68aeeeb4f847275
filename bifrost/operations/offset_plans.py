"""Plans changes of positions: where a connector, alert, service or group reads next, and what that repeats or skips."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bifrost.clients.kafka import OffsetRange
from bifrost.deployer.declared.files import ALERT_SERVICE
from bifrost.deployer.live.state import Platform, TopicAdmin
from bifrost.errors import OperationRefused
from bifrost.operations.group_owners import GroupOwner, GroupOwners

EARLIEST, LATEST = "earliest", "latest"
SourceOffset = Mapping[str, Any]
"""An offset of a source connector, as Connect stores it: `{"partition": {...}, "offset": {...}}`."""


@dataclass(frozen=True, slots=True)
class PositionOwner:
    """What has a position. `group` is empty for a source connector, whose offsets Connect keeps.

    `state` is that of a connector, and `topics` are those that its configuration names. `process` is the supervised
    program that reads as the group, empty if there is none.
    """

    owner: GroupOwner
    group: str = ""
    state: str = ""
    process: str = ""
    topics: tuple[str, ...] = ()

    def __str__(self) -> str:
        return str(self.owner)


@dataclass(frozen=True, slots=True)
class OffsetTarget:
    """Where to read next: `earliest` or `latest`, a time (epoch, milliseconds), or offsets by topic and partition."""

    word: str = ""
    time_ms: int | None = None
    places: Mapping[tuple[str, int], int] | None = None


@dataclass(frozen=True, slots=True)
class OffsetMove:
    """The next offset of one partition: before (`None`: none was committed) and after the change."""

    topic: str
    partition: int
    before: int | None
    after: int
    available: OffsetRange

    @property
    def repeated(self) -> int:
        """The records that are read a second time, as far as they still exist."""
        if self.before is None:
            return 0
        return max(0, min(self.before, self.available.next) - max(self.after, self.available.first))

    @property
    def skipped(self) -> int:
        """The records that are never read."""
        before = self.available.first if self.before is None else max(self.before, self.available.first)
        return max(0, self.after - before)


@dataclass(frozen=True, slots=True)
class PlannedOffsets:
    """A change of the positions of a group."""

    position: PositionOwner
    moves: tuple[OffsetMove, ...]

    @property
    def changes(self) -> tuple[OffsetMove, ...]:
        """The partitions of which the position changes."""
        return tuple(move for move in self.moves if move.before != move.after)


@dataclass(frozen=True, slots=True)
class PlannedSourceOffsets:
    """A change of the offsets of a source connector; `after` is `None` if all of them are deleted.

    `topics` are the topics that it writes to, with the number of their records, to which it adds what it reads again.
    """

    position: PositionOwner
    before: tuple[SourceOffset, ...]
    after: tuple[SourceOffset, ...] | None
    topics: Mapping[str, int]

    @property
    def is_change(self) -> bool:
        """Whether any offset differs."""
        if self.after is None:
            return bool(self.before)
        return any(entry not in self.before for entry in self.after)


def find_position(platform: Platform, owners: GroupOwners, text: str) -> PositionOwner:
    """The connector, query, alert, service or group of a name, or of `KIND:NAME`; case does not matter.

    Raises:
        OperationRefused: nothing has that name, or several things have it.
    """
    found = [position for position in _positions(platform, owners) if _is_named(position, text)]
    found = [position for position in found if text in _names(position)] or found
    if not found:
        raise OperationRefused(
            f"nothing named {text!r} has offsets; connectors, alerts, services and consumer groups have: see `lag`"
        )
    if len(found) > 1:
        names = " or ".join(f"{position.owner.kind}:{position.owner.name}" for position in found)
        raise OperationRefused(f"{text} means several things; write {names}")
    return found[0]


def plan_group(
    kafka: TopicAdmin, position: PositionOwner, target: OffsetTarget, topics: Collection[str] = ()
) -> PlannedOffsets:
    """What moving a group would repeat and skip.

    Args:
        topics: only these topics; by default those of the offsets in `target`, else all that the group has read, else
            those that the connector's configuration names.

    Raises:
        OperationRefused: it cannot be moved like that; the message says why and what to do.
    """
    if position.owner.kind == "query":
        raise OperationRefused(_query_refusal(position.owner.name))
    committed = kafka.positions([position.group]).get(position.group, {})
    named = set(topics) or {topic for topic, _ in target.places or ()} or set(committed) or set(position.topics)
    counts = kafka.topics()
    if missing := sorted(named - counts.keys()):
        raise OperationRefused(f"{position} was not changed: topic {missing[0]} does not exist")
    if not named:
        raise OperationRefused(f"{position} was not changed: it has not read any topic yet; --topic names one")
    ends = kafka.ends({topic: counts[topic] for topic in sorted(named)})
    moves = tuple(_moves(kafka, position, target, committed, ends))
    if not moves:
        raise OperationRefused(f"{position} was not changed: none of the named partitions exists")
    return PlannedOffsets(position, moves)


def plan_source(
    platform: Platform, position: PositionOwner, after: Sequence[SourceOffset] | None
) -> PlannedSourceOffsets:
    """What changing, or with `None` deleting, the offsets of a source connector would do.

    Raises:
        OperationRefused: the new offsets are not in Connect's form.
    """
    for entry in after or ():
        if set(entry) != {"partition", "offset"} or not isinstance(entry["partition"], Mapping):
            raise OperationRefused(
                f'{position} was not changed: each offset is {{"partition": {{...}}, "offset": {{...}}}}, as '
                "`offsets show --json` prints them"
            )
    before = tuple(platform.connect.offsets(position.owner.name))
    counts = platform.kafka.topics()
    written = {topic: counts[topic] for topic in platform.connect.topics(position.owner.name) if topic in counts}
    ends = platform.kafka.ends(written)
    records = {topic: sum(part.next - part.first for part in parts.values()) for topic, parts in ends.items()}
    return PlannedSourceOffsets(position, before, None if after is None else tuple(after), records)


def source_offsets(position: PositionOwner, text: str, name: str = "the text") -> list[SourceOffset]:
    """The offsets in JSON: a list as Connect stores it, or what `offsets show --json` prints.

    Args:
        name: what holds the text, for errors.

    Raises:
        OperationRefused: it is something else.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise OperationRefused(f"{position} was not changed: {name} cannot be read: {error}") from error
    found = content.get("offsets") if isinstance(content, dict) else content
    if not isinstance(found, list) or not found or not all(isinstance(entry, dict) for entry in found):
        raise OperationRefused(f"{position} was not changed: {name} has no list of offsets; see `offsets show --json`")
    return found


def _positions(platform: Platform, owners: GroupOwners) -> Iterator[PositionOwner]:
    statuses, configs = platform.connect.statuses(), platform.connect.configs()
    components = set() if platform.services is None else {status.name for status in platform.services.status()}
    for name, status in sorted(statuses.items()):
        group = f"connect-{name}" if status.type == "sink" else ""
        topics = tuple(text.strip() for text in configs.get(name, {}).get("topics", "").split(",") if text.strip())
        yield PositionOwner(GroupOwner("connector", name), group, status.state, topics=topics if group else ())
    for group in platform.kafka.groups():
        owner = owners.owner(group)
        if owner.kind == "connector" and owner.name in statuses:
            continue
        process = {"alert": ALERT_SERVICE, "service": owner.name}.get(owner.kind, "")
        yield PositionOwner(owner, group, process=process if process in components else "")


def _is_named(position: PositionOwner, text: str) -> bool:
    return text.lower() in {name.lower() for name in _names(position)}


def _names(position: PositionOwner) -> tuple[str, ...]:
    owner = position.owner
    by_group = (position.group, f"group:{position.group}") if position.group else ()
    return (owner.name, f"{owner.kind}:{owner.name}", *by_group)


def _moves(
    kafka: TopicAdmin,
    position: PositionOwner,
    target: OffsetTarget,
    committed: Mapping[str, Mapping[int, int]],
    ends: Mapping[str, Mapping[int, OffsetRange]],
) -> Iterator[OffsetMove]:
    for topic, parts in ends.items():
        times = {} if target.time_ms is None else kafka.offsets_at(topic, len(parts), target.time_ms)
        for number, part in sorted(parts.items()):
            if target.places is not None:
                if (topic, number) not in target.places:
                    continue
                after = target.places[topic, number]
                if not part.first <= after <= part.next:
                    raise OperationRefused(
                        f"{position} was not changed: {topic}-{number} has the offsets {part.first} to {part.next}, "
                        f"not {after}"
                    )
            elif target.time_ms is not None:
                after = times.get(number, part.next)
            else:
                after = part.first if target.word == EARLIEST else part.next
            yield OffsetMove(topic, number, committed.get(topic, {}).get(number), after, part)


def _query_refusal(query: str) -> str:
    return (
        f"query {query} was not changed: the offsets of a query belong to its state and its results, so ksqlDB cannot "
        f'move them alone. To read its sources again: `ksql -e "TERMINATE {query};"`, drop the stream or table that it '
        "writes, and run `up`, which creates it again and reads from where the statement's auto.offset.reset says"
    )
