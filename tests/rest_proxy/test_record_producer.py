"""The producer of the REST proxy: it survives fatal errors, and reports a refused account."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from bifrost.errors import Refused
from bifrost.rest_proxy import record_producer
from bifrost.rest_proxy.record_producer import RecordProducer, RecordToProduce
from tests.rest_proxy.conftest import mock_cluster

FATAL = KafkaError(KafkaError._FATAL, "out of order sequence", fatal=True)


class Fragile:
    """A producer of librdkafka that is dead from the start, or works."""

    def __init__(self, *, dead: bool) -> None:
        self.dead = dead

    def produce(self, _topic: str, _value: Any, _key: Any, *, on_delivery: Callable[[Any, Any], None]) -> None:
        if self.dead:
            raise KafkaException(FATAL)
        on_delivery(None, Message())

    def poll(self, _timeout_s: float) -> int:
        return 0

    def flush(self, _timeout_s: float) -> int:
        return 0


class Message:
    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return 7


def test_a_fatal_error_costs_one_request_and_not_all_later_ones(monkeypatch: pytest.MonkeyPatch):
    made = iter([Fragile(dead=True), Fragile(dead=False)])
    monkeypatch.setattr(record_producer.kafka, "producer", lambda *_args, **_options: next(made))
    with closing(RecordProducer({"bootstrap.servers": "none:1"})) as producer:
        (lost,) = producer.produce("t", [RecordToProduce(None, b"a")])
        (sent,) = producer.produce("t", [RecordToProduce(None, b"b")])

    assert (lost.error, lost.is_retriable) == ("out of order sequence", True)
    assert (sent.error, sent.offset) == ("", 7)


def test_a_refused_account_is_reported_as_a_refusal(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(record_producer, "METADATA_TIMEOUT_S", 1.0)
    secured = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.username": "u"}
    with (
        mock_cluster() as cluster,
        closing(RecordProducer({**cluster, **secured, "sasl.password": "hunter22"})) as found,
    ):
        found._producer.poll(1)
        with pytest.raises(Refused, match=r"Kafka: list topics: .*authentication") as caught:
            found.topics()

    assert "hunter22" not in str(caught.value)
