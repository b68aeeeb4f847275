"""Operating what runs: a sink is paused and resumed, its dead letter replayed, its position moved."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from bifrost.clients.http import SystemClock
from bifrost.clients.kafka import TopicDescription
from bifrost.clients.key_topic import KeyTopic
from bifrost.clients.topic_records import NewRecord, TopicRecords
from bifrost.deployer.live import state
from bifrost.operations.dead_letter import StoredDeadLetter
from bifrost.operations.dead_letter_queues import DeadLetterQueues
from bifrost.operations.group_owners import read_owners
from bifrost.operations.live_things import find_live
from bifrost.operations.offset_changes import change_group
from bifrost.operations.offset_plans import OffsetTarget, PlannedOffsets, find_position, plan_group
from bifrost.operations.replay import PlannedReplay, plan_replay, replay
from bifrost.operations.replay_marks import TOPIC as MARKS_TOPIC
from bifrost.operations.state_changes import Change, carry_out, plan_state_changes
from tests.live.conftest import Platform
from tests.live.waiting import eventually, eventually_equal

CLASS = "bifrost.connect.elasticsearch.ElasticsearchSinkConnector"


@dataclass(frozen=True, slots=True)
class Sink:
    """A sink that takes JSON, and gets nothing but bad records: each becomes a dead letter."""

    name: str
    parts: state.Platform
    records: TopicRecords
    marks: KeyTopic

    def put(self, value: bytes) -> None:
        self.records.append([NewRecord(self.name, 0, int(time.time() * 1000), b"k", value, (("own", b"x"),))])

    @property
    def queues(self) -> DeadLetterQueues:
        return DeadLetterQueues(self.parts.kafka, self.records, self.marks, self.parts.connect.configs(), [], [])

    def letters(self) -> list[StoredDeadLetter]:
        """In the order in which they were written: a replayed record keeps its time."""
        found = self.queues.letters(self.queues.find(self.name))
        return sorted(found, key=lambda letter: letter.record.offset)

    def values(self) -> list[bytes | None]:
        return [letter.record.value for letter in self.letters()]

    def change(self, change: Change) -> str:
        (planned,) = plan_state_changes(change, find_live(self.parts, (), f"connector:{self.name}"))
        return carry_out(self.parts, planned, SystemClock()).after

    def planned_replay(self) -> PlannedReplay:
        owners = read_owners(self.parts, [], [])
        return plan_replay(self.queues, self.queues.find(self.name), self.letters(), self.parts.kafka, owners)


@pytest.fixture(scope="module")
def sink(platform: Platform) -> Iterator[Sink]:
    name = f"operations-{uuid.uuid4().hex[:8]}"
    with state.open_platform(platform.settings) as parts:
        found = Sink(name, parts, TopicRecords(platform.settings), KeyTopic(platform.settings, MARKS_TOPIC))
        parts.kafka.create(TopicDescription(name, 1, 1))
        parts.kafka.create(TopicDescription(f"{name}.dlq", 1, 1))
        parts.connect.put(
            name,
            {
                "connector.class": CLASS,
                "topics": name,
                "connection.url": platform.endpoints["search"],
                "key.converter": "org.apache.kafka.connect.storage.StringConverter",
                "value.converter": "org.apache.kafka.connect.json.JsonConverter",
                "value.converter.schemas.enable": "false",
                "key.ignore": "true",
                "schema.ignore": "true",
                "errors.tolerance": "all",
                "errors.deadletterqueue.topic.name": f"{name}.dlq",
                "errors.deadletterqueue.topic.replication.factor": "1",
                "errors.deadletterqueue.context.headers.enable": "true",
            },
        )
        try:
            yield found
        finally:
            parts.connect.delete(name)
            for topic in (name, f"{name}.dlq"):
                parts.kafka.delete(topic)


def test_a_paused_sink_reads_nothing_until_it_is_resumed(sink: Sink) -> None:
    sink.put(b"{first")
    eventually_equal(sink.values, [b"{first"])

    assert sink.change(Change.PAUSE) == "PAUSED"
    sink.put(b"{second")
    assert sink.parts.connect.statuses()[sink.name].state == "PAUSED"
    assert sink.values() == [b"{first"]

    assert sink.change(Change.RESUME) == "RUNNING"
    eventually_equal(sink.values, [b"{first", b"{second"])


def test_a_dead_letter_has_its_reason_and_is_replayed_once(sink: Sink) -> None:
    before = sink.letters()
    newest = before[-1]
    assert (newest.connector, newest.stage) == (sink.name, "VALUE_CONVERTER")
    assert newest.origin is not None and newest.origin.topic == sink.name
    assert "JsonConverter" in newest.failing_class

    planned = sink.planned_replay()
    done = replay(planned, sink.queues, sink.parts.kafka, sink.records, lambda: int(time.time() * 1000))
    assert len(done) == len(before)

    # The cause is still there, so each fails again, and says that it was replayed.
    eventually(lambda: len(sink.letters()) == 2 * len(before), "the letters of the replayed records")
    again = sink.letters()[len(before) :]
    assert [letter.earlier for letter in again] == [(str(letter.record),) for letter in before]
    assert {item.letter.record for item in sink.planned_replay().skipped} == {letter.record for letter in before}


def test_the_position_of_a_sink_is_moved_and_it_reads_again(sink: Sink) -> None:
    def move(word: str) -> PlannedOffsets:
        position = find_position(sink.parts, read_owners(sink.parts, [], []), sink.name)
        planned = plan_group(sink.parts.kafka, position, OffsetTarget(word=word))
        change_group(sink.parts, planned, SystemClock())
        assert sink.parts.connect.statuses()[sink.name].state == "RUNNING"
        return planned

    before = sink.values()
    (skipping,) = move("latest").moves
    sink.put(b"{third")
    eventually_equal(sink.values, [*before, b"{third"])

    (repeating,) = move("earliest").moves
    assert (skipping.after, repeating.after) == (len(before), 0)
    assert repeating.repeated == repeating.before and repeating.repeated >= len(before)
    eventually(lambda: sink.values()[len(before) + 1 :].count(b"{third") == 1, "the records that are read again")
