"""A consumer between requests: what it commits, and the errors that a caller must see."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError, TopicPartition

from bifrost.clients import kafka_codes
from bifrost.clients.consumer_group import Partition
from bifrost.errors import Refused
from bifrost.rest_proxy import proxied_consumer
from bifrost.rest_proxy.proxied_consumer import ProxiedConsumer
from tests.clients.test_consumer_group import TOPIC, Event, ScriptedConsumer

HOME = Partition(TOPIC, 0)


class Scripted(ScriptedConsumer):
    """A scripted consumer with one assigned partition."""

    def assign(self, _partitions: list[TopicPartition]) -> None: ...

    def assignment(self) -> list[TopicPartition]:
        return [TopicPartition(*HOME)]


def reading(monkeypatch: pytest.MonkeyPatch, *events: Event) -> tuple[ProxiedConsumer, Scripted]:
    scripted = Scripted(*events)
    monkeypatch.setattr(proxied_consumer.kafka, "consumer", lambda *_args, **_options: scripted)
    consumer = ProxiedConsumer({"bootstrap.servers": "none:1"}, "g", reset="earliest", auto_commit=False)
    consumer.assign([HOME])
    return consumer, scripted


def test_transaction_markers_behind_the_last_record_leave_no_lag(monkeypatch: pytest.MonkeyPatch):
    consumer, scripted = reading(monkeypatch, Event(4), Event(6, kafka_codes.PARTITION_EOF))
    assert [record.offset for record in consumer.records(0, 1_000_000, min_bytes=100)] == [4]
    consumer.commit()

    assert scripted.commits == [6]


def test_the_end_of_a_partition_does_not_skip_rewound_records(monkeypatch: pytest.MonkeyPatch):
    consumer, scripted = reading(monkeypatch, Event(4), Event(6, kafka_codes.PARTITION_EOF))
    records = consumer.records(0, 1_000_000, min_bytes=100)
    monkeypatch.setattr(scripted, "seek", lambda _position: None, raising=False)
    consumer.rewind(records)
    consumer.commit()

    assert scripted.commits == [4]


@pytest.mark.parametrize(
    "code",
    [
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
    ],
)
def test_a_consumer_without_permission_raises(monkeypatch: pytest.MonkeyPatch, code: int):
    consumer, _ = reading(monkeypatch, Event(-1, code))
    with pytest.raises(Refused, match="Kafka: read"):
        consumer.records(0, 1_000_000)
