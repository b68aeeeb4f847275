"""How many records a changed statement concerns, and who reads them."""

from bifrost.clients.kafka import TopicDescription
from bifrost.deployer.live.state import LiveState
from bifrost.deployer.live.topic_details import with_topic_details


def test_records_are_counted_and_readers_found_with_what_they_have_not_read(fakes):
    for name, count in (("A", 7), ("B", 0)):
        fakes.kafka.there[name] = TopicDescription(name, 1, 1)
        fakes.kafka.records[name] = count
    fakes.kafka.committed |= {
        "late": {"A": {0: 3}},
        "done": {"A": {0: 7}, "other": {0: 1}},
        "stranger": {"other": {0: 2}},
    }

    found = with_topic_details(fakes.platform, LiveState(records={"before": 1}), ["A", "B", "missing"])

    assert found.records == {"before": 1, "A": 7, "B": 0}
    assert found.unread == {"A": {"late": 4, "done": 0}, "B": {}}


def test_nothing_is_read_if_nothing_changed(fakes):
    fakes.kafka.topics = fakes.kafka.groups = None  # a call would fail

    assert with_topic_details(fakes.platform, LiveState(), []) == LiveState()
