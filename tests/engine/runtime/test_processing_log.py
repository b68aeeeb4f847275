import base64
import json

import pytest
from confluent_kafka import KafkaError, KafkaException

from bifrost.engine.runtime.processing_log import LogEntry, LogKind, LogTopic, ProcessingLog
from bifrost.errors import Refused
from tests.engine.runtime.memory_cluster import MemoryCluster


class Written:
    def __init__(self):
        self.records = []

    def produce(self, topic, value):
        self.records.append((topic, json.loads(value)))


def test_entries_have_the_form_of_ksqldb():
    written = Written()
    log = ProcessingLog("svc_", written, lambda: 42)
    log.record("CSAS_X_1", LogEntry(LogKind.DESERIALIZATION, "CSAS_X_1.Source", "bad", "t", 2, 7, b"\x00\xff"))
    ((topic, entry),) = written.records
    assert topic == "svc_ksql_processing_log"
    assert (entry["level"], entry["logger"], entry["time"]) == ("ERROR", "processing.CSAS_X_1.Source", 42)
    assert entry["message"]["type"] == 0
    assert entry["message"]["deserializationError"] == {
        "target": "value",
        "errorMessage": "bad",
        "recordB64": "AP8=",
        "cause": [],
        "topic": "t",
        "partition": 2,
        "offset": 7,
    }
    assert entry["message"]["recordProcessingError"] is None


def test_entries_are_counted_by_query():
    log = ProcessingLog("svc_", None, lambda: 42)
    entry = LogEntry(LogKind.PROCESSING, "Q.Project", "division by zero")
    log.record("Q", entry)
    log.record("Q", entry)
    counted = log.count("Q")
    assert (counted.entries, counted.last, counted.last_ms) == (2, entry, 42)
    assert log.count("OTHER").entries == 0


def test_a_large_record_and_a_long_text_are_cut():
    sink = Written()
    log = ProcessingLog("s_", sink, lambda: 1)
    log.record("Q", LogEntry(LogKind.DESERIALIZATION, "Q.Source", "x" * 100_000, "t", 0, 1, b"r" * 2_000_000))
    ((_, written),) = sink.records
    assert len(json.dumps(written)) < 200_000
    body = written["message"]["deserializationError"]
    assert base64.b64decode(body["recordB64"]) == b"r" * 65_536
    assert "the record of 2,000,000 bytes is cut" in body["errorMessage"]
    assert len(log.count("Q").last.record) == 65_536


class RefusingProducer:
    def __init__(self, error):
        self.error = error

    def produce(self, *arguments, **options):
        raise self.error

    def poll(self, timeout):
        return 0


@pytest.mark.parametrize("error", [BufferError(), KafkaException(KafkaError(KafkaError.MSG_SIZE_TOO_LARGE))])
def test_an_entry_that_cannot_be_queued_is_dropped(error):
    class Cluster(MemoryCluster):
        def producer(self, **options):
            return RefusingProducer(error)

    LogTopic(Cluster()).produce("log", b"entry")


def test_a_log_topic_that_cannot_be_created_does_not_stop_the_engine():
    class Cluster(MemoryCluster):
        def create_topic(self, name, partitions, config, **options):
            raise Refused("Kafka", f"create {name}", status=29, body="not authorized")

    LogTopic(Cluster()).prepare("log")
