"""Replays dead letters: appends their records to the topics that they came from, and marks the letters.

At least once: a letter is marked after its record was accepted; a program that is killed in between replays it again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bifrost.deployer.live.state import TopicAdmin
from bifrost.operations.dead_letter import StoredDeadLetter, replayed_record
from bifrost.operations.dead_letter_queues import DeadLetterQueue, DeadLetterQueues, RecordStore
from bifrost.operations.group_owners import GroupOwner, GroupOwners

BATCH = 100
"""Letters that are written together, and marked together after all of them were accepted."""


@dataclass(frozen=True, slots=True)
class SkippedLetter:
    """A letter that is not replayed, why, and which option of `dlq replay` replays it all the same."""

    letter: StoredDeadLetter
    reason: str
    advice: str = ""

    @property
    def advised_reason(self) -> str:
        """The reason, with the advice if there is one."""
        return f"{self.reason}; {self.advice}" if self.advice else self.reason


@dataclass(frozen=True, slots=True)
class PlannedReplay:
    """The letters to replay, those to skip, and what reads the topics that they go to.

    `to` is the topic of each letter; `readers` all that see the records again, sorted.
    """

    queue: DeadLetterQueue
    letters: tuple[StoredDeadLetter, ...]
    to: tuple[str, ...]
    skipped: tuple[SkippedLetter, ...]
    readers: tuple[GroupOwner, ...]


@dataclass(frozen=True, slots=True)
class ReplayedLetter:
    """A letter that was replayed, and where its record is now, as `topic-partition@offset`."""

    letter: StoredDeadLetter
    place: str


def plan_replay(
    queues: DeadLetterQueues,
    queue: DeadLetterQueue,
    letters: Sequence[StoredDeadLetter],
    kafka: TopicAdmin,
    owners: GroupOwners,
    *,
    to: str = "",
    again: bool = False,
) -> PlannedReplay:
    """What a replay of these letters would do.

    Args:
        to: the topic to write to; empty: that of each letter.
        again: replay letters again that were replayed before.
    """
    topics = kafka.topics()
    planned: list[tuple[StoredDeadLetter, str]] = []
    skipped: list[SkippedLetter] = []
    for letter in letters:
        topic = to or (letter.origin.topic if letter.origin is not None else "")
        place = queues.replayed_to(letter)
        if place and not again:
            skipped.append(SkippedLetter(letter, f"was replayed to {place}", "--again replays it once more"))
        elif letter.obstacle and not (to and not letter.truncated_bytes):
            advice = "--to TOPIC names one" if letter.origin is None else ""
            skipped.append(SkippedLetter(letter, letter.obstacle, advice))
        elif topic not in topics:
            skipped.append(SkippedLetter(letter, f"topic {topic} does not exist", "--to TOPIC names another one"))
        else:
            planned.append((letter, topic))
    targets = {topic for _, topic in planned}
    return PlannedReplay(
        queue,
        tuple(letter for letter, _ in planned),
        tuple(topic for _, topic in planned),
        tuple(skipped),
        _readers(kafka, owners, targets),
    )


def replay(
    planned: PlannedReplay,
    queues: DeadLetterQueues,
    kafka: TopicAdmin,
    records: RecordStore,
    now_ms: Callable[[], int],
    on_progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> tuple[ReplayedLetter, ...]:
    """Carry a replay out.

    Args:
        now_ms: the time (epoch, milliseconds).
        on_progress: receives how many letters are done, and the number of all.

    Raises:
        Unreachable, Refused: Kafka did not accept a record; the letters of the batches before it are replayed and
            marked, and the same command continues with the others.
    """
    counts = kafka.topics()
    done: list[ReplayedLetter] = []
    pairs = list(zip(planned.letters, planned.to, strict=True))
    for start in range(0, len(pairs), BATCH):
        batch = pairs[start : start + BATCH]
        new = [
            replayed_record(letter, topic, _partition(letter, topic, counts.get(topic, 0))) for letter, topic in batch
        ]
        places = records.append(new)
        replayed = [
            ReplayedLetter(letter, f"{topic}-{partition}@{offset}")
            for (letter, topic), (partition, offset) in zip(batch, places, strict=True)
        ]
        queues.mark_replayed({item.letter.record: item.place for item in replayed}, now_ms())
        done += replayed
        on_progress(len(done), len(pairs))
    return tuple(done)


def _partition(letter: StoredDeadLetter, topic: str, count: int) -> int | None:
    """The partition that it came from, whatever placed it there; elsewhere its key decides."""
    origin = letter.origin
    return origin.partition if origin is not None and origin.topic == topic and origin.partition < count else None


def _readers(kafka: TopicAdmin, owners: GroupOwners, topics: set[str]) -> tuple[GroupOwner, ...]:
    if not topics:
        return ()
    positions = kafka.positions(kafka.groups())
    found = {owners.owner(group) for group, read in positions.items() if topics & read.keys()}
    return tuple(sorted(found, key=str))
