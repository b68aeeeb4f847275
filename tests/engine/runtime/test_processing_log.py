import json

from bifrost.engine.runtime.processing_log import LogEntry, LogKind, ProcessingLog


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
