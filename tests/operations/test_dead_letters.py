"""Dead letters: listed, read, replayed once, dropped."""

import json
from types import SimpleNamespace

import pytest

from bifrost.clients.consumer_group import Record
from bifrost.clients.dead_letters import dead_letter_headers
from bifrost.clients.kafka import TopicDescription
from bifrost.clients.topic_records import NewRecord
from bifrost.errors import OperationRefused, Unreachable
from bifrost.operations.dead_letter import REPLAYED_FROM, LetterOrigin
from bifrost.operations.dead_letter_queues import DEAD_LETTER_TOPIC, DeadLetterQueues, LetterSelection
from bifrost.operations.group_owners import GroupOwner, GroupOwners
from bifrost.operations.replay import plan_replay, replay
from tests.fakes.kafka import FakeEntries, FakeTopics
from tests.fakes.records import FakeRecords

ALERT = SimpleNamespace(name="fraud", group="alert-fraud", dead_letter_topic="fraud.dlq")


def connect_headers(offset, **changed):
    found = {
        "topic": "orders",
        "partition": "0",
        "offset": str(offset),
        "connector.name": "es_sink",
        "task.id": "0",
        "stage": "VALUE_CONVERTER",
        "class.name": "io.confluent.AvroConverter",
        "exception.class.name": "org.apache.kafka.DataException",
        "exception.message": "Failed to deserialize",
    } | changed
    return {f"__connect.errors.{name}": value for name, value in found.items() if value is not None}


class World:
    def __init__(self):
        self.kafka, self.marks = FakeTopics(), FakeEntries()
        self.records = FakeRecords(self.kafka)
        self.kafka.there["orders"] = TopicDescription("orders", 1, 1)
        self.owners = GroupOwners(["es_sink"], {"q_group": "CSAS_A_1"}, [ALERT], ["bot"])

    @property
    def queues(self):
        connectors = {"es_sink": {DEAD_LETTER_TOPIC: "es_sink.dlq"}, "source": {}}
        return DeadLetterQueues(self.kafka, self.records, self.marks, connectors, [ALERT], ["bot"])

    def letters(self, count, **changed):
        for number in range(count):
            headers = {"own": "x"} | connect_headers(number, **changed)
            self.records.put("es_sink.dlq", b"bad %d" % number, headers, key=b"k", time_ms=1000 * number)

    def plan(self, selection=None, **options):
        queue = self.queues.find("es_sink")
        letters = self.queues.letters(queue, selection or LetterSelection())
        return plan_replay(self.queues, queue, letters, self.kafka, self.owners, **options)

    def replay(self, planned):
        return replay(planned, self.queues, self.kafka, self.records, lambda: 5)


@pytest.fixture
def world():
    return World()


def test_every_queue_is_listed_with_its_owner(world):
    world.letters(2)
    world.records.put("other-dlq", b"x")

    found = {queue.topic: (str(queue.owner), queue.letters, queue.newest_ms) for queue in world.queues.queues()}

    assert found == {
        "es_sink.dlq": ("connector es_sink", 2, 1000),
        "other-dlq": ("topic other-dlq", 1, 0),
    }


@pytest.mark.parametrize("name", ["es_sink", "es_sink.dlq", "connector:es_sink"])
def test_a_queue_is_found_by_topic_or_owner(world, name):
    world.letters(1)
    assert world.queues.find(name).topic == "es_sink.dlq"


def test_an_unknown_queue_names_those_with_letters(world):
    world.letters(1)
    with pytest.raises(OperationRefused, match=r"'nosuch' has dead letters; those with some: es_sink\.dlq"):
        world.queues.find("nosuch")


def test_what_connect_wrote_is_read(world):
    world.letters(1)

    (letter,) = world.queues.letters(world.queues.find("es_sink"))

    assert letter.origin == LetterOrigin("orders", 0, 0)
    assert (letter.reason, letter.stage, letter.task) == ("Failed to deserialize", "VALUE_CONVERTER", "0")
    assert letter.exception == "org.apache.kafka.DataException"
    assert letter.obstacle == ""


def test_what_a_service_wrote_is_read(world):
    record = Record("FRAUD", 0, 7, b"k", b"v", (("own", b"x"),))
    headers = tuple((name, value) for name, value in dead_letter_headers(record, "channel_not_found"))
    world.records.append([NewRecord("fraud.dlq", 0, 0, b"k", b"v", headers)])

    (letter,) = world.queues.letters(world.queues.find("fraud"))

    assert (letter.origin, letter.reason) == (LetterOrigin("FRAUD", 0, 7), "channel_not_found")


@pytest.mark.parametrize(
    ("selection", "offsets"),
    [
        (LetterSelection(), [0, 1, 2, 3, 4]),
        (LetterSelection(limit=2), [3, 4]),
        (LetterSelection(since_ms=2000), [2, 3, 4]),
        (LetterSelection(until_ms=2000), [0, 1]),
        (LetterSelection(since_ms=1000, until_ms=3000), [1, 2]),
        (LetterSelection(places=frozenset({(0, 1), (0, 3)})), [1, 3]),
        (LetterSelection(since_ms=9000), []),
    ],
)
def test_letters_are_selected(world, selection, offsets):
    world.letters(5)
    found = world.queues.letters(world.queues.find("es_sink"), selection)
    assert [letter.record.offset for letter in found] == offsets


def test_a_replay_restores_the_record_and_marks_the_letter(world):
    world.letters(2)
    world.kafka.committed = {"connect-es_sink": {"orders": {0: 0}}, "q_group": {"orders": {0: 0}}, "x": {"t": {0: 0}}}

    planned = world.plan()
    assert planned.readers == (GroupOwner("connector", "es_sink"), GroupOwner("query", "CSAS_A_1"))
    done = world.replay(planned)

    assert [item.place for item in done] == ["orders-0@0", "orders-0@1"]
    first = world.records.content["orders"][0]
    assert (first.key, first.value, first.timestamp_ms) == (b"k", b"bad 0", 0)
    assert first.headers == (("own", b"x"), (REPLAYED_FROM, b"es_sink.dlq-0@0"))
    assert world.queues.find("es_sink").replayed == 2


def test_a_letter_is_not_replayed_twice_unless_asked(world):
    world.letters(2)
    world.replay(world.plan(LetterSelection(places=frozenset({(0, 0)}))))

    planned = world.plan()
    assert [letter.record.offset for letter in planned.letters] == [1]
    assert [item.reason for item in planned.skipped] == ["was replayed to orders-0@0"]
    assert len(world.plan(again=True).letters) == 2


def test_a_topic_that_was_created_again_has_no_replayed_letters(world):
    world.letters(1)
    world.replay(world.plan())
    world.records.content["es_sink.dlq"].clear()
    world.records.put("es_sink.dlq", b"new", connect_headers(9), time_ms=77)

    assert len(world.plan().letters) == 1


def test_a_replay_that_failed_in_between_continues(world, monkeypatch):
    monkeypatch.setattr("bifrost.operations.replay.BATCH", 1)
    world.letters(3)
    world.records.accepts = 1
    with pytest.raises(Unreachable):
        world.replay(world.plan())

    world.records.accepts = 10
    world.replay(world.plan())

    assert [record.value for record in world.records.content["orders"]] == [b"bad 0", b"bad 1", b"bad 2"]


def test_a_letter_that_failed_again_says_so(world):
    world.letters(1)
    world.replay(world.plan())
    again = world.records.content["orders"][0]
    headers = {name: (value or b"").decode() for name, value in again.headers} | connect_headers(0)
    world.records.put("es_sink.dlq", again.value, headers, time_ms=1)

    letters = world.queues.letters(world.queues.find("es_sink"))

    assert [letter.earlier for letter in letters] == [(), ("es_sink.dlq-0@0",)]


@pytest.mark.parametrize(
    ("changed", "options", "reason"),
    [
        ({"topic": None}, {}, "its headers do not name the topic"),
        ({"topic": None}, {"to": "orders"}, ""),
        ({"topic": "gone"}, {}, "topic gone does not exist; --to TOPIC"),
        ({}, {"to": "gone"}, "topic gone does not exist"),
    ],
)
def test_what_cannot_be_replayed_is_skipped_with_the_reason(world, changed, options, reason):
    world.letters(1, **changed)
    planned = world.plan(**options)
    assert [item.advised_reason[: len(reason)] for item in planned.skipped] == ([reason] if reason else [])
    assert len(planned.letters) == (0 if reason else 1)


def test_a_cut_letter_is_never_replayed(world):
    world.records.put(
        "es_sink.dlq", b"v", {"dlq.topic": "orders", "dlq.partition": "0", "dlq.offset": "4", "dlq.truncated": "9"}
    )
    for options in ({}, {"to": "orders"}):
        planned = world.plan(**options)
        assert [item.reason for item in planned.skipped] == ["it was cut (9 bytes); the whole record is orders-0@4"]


def test_headers_with_endless_numbers_name_no_origin(world):
    endless = "9" * 5000
    headers = {"dlq.topic": "orders", "dlq.partition": "0", "dlq.offset": endless, "dlq.truncated": endless}
    world.records.put("es_sink.dlq", b"v", headers)
    for options in ({}, {"to": "orders"}):
        (skipped,) = world.plan(**options).skipped
        assert skipped.letter.origin is None
        assert skipped.letter.truncated_bytes


def test_letters_are_dropped_up_to_an_offset_a_time_or_all(world):
    world.letters(5)
    world.replay(world.plan(LetterSelection(places=frozenset({(0, 0)}))))
    queue = world.queues.find("es_sink")

    assert world.queues.plan_drop(queue, None, None).letters == 5
    assert world.queues.plan_drop(queue, None, 3000).before == {0: 3}
    planned = world.queues.plan_drop(queue, {0: 2}, None)
    assert (planned.letters, planned.not_replayed) == (2, 1)

    world.queues.drop(planned)

    assert (world.queues.find("es_sink").letters, world.marks.content) == (3, {})
    assert world.queues.plan_drop(queue, {0: 1}, None).letters == 0


def test_a_mark_of_another_program_is_ignored(world):
    world.letters(1)
    world.marks.content = {"x": "1", "es_sink.dlq/0/0": "no JSON", "es_sink.dlq/0/a": json.dumps({})}
    assert len(world.plan().letters) == 1
