"""A ksqlDB that knows some devices and keeps the alert list, over real HTTP."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.http_server import Answer, FakeServer, Request

_TEXT = r"'((?:[^']|'')*)'"
HEADER = {"header": {"queryId": "query_1", "schema": "`PROBE_COUNT` BIGINT"}}
TABLE = {"name": "SSID_ALERT_LIST", "topic": "ssid_alert_list_01", "keyFormat": "KAFKA", "valueFormat": "AVRO"}


@dataclass
class FakeWifiKsql:
    """`devices` are rows by MAC address or name; `pushed` the chunks of each push query in turn."""

    devices: dict[str, list[Any]] = field(default_factory=dict)
    watched: dict[str, str] = field(default_factory=dict)
    pushed: list[tuple[bytes, ...]] = field(default_factory=list)
    key_format: str = "KAFKA"
    asked: list[str] = field(default_factory=list)
    before_answer: Callable[[str], None] = lambda _query: None
    push_asked: threading.Event = field(default_factory=threading.Event)

    def server(self) -> FakeServer:
        return FakeServer(self.respond)

    def delete(self, topic: str, key: bytes) -> None:
        """A tombstone comes in."""
        assert topic == TABLE["topic"]
        self.watched.pop(key.decode(), None)

    def respond(self, request: Request) -> Answer:
        match request.path:
            case "/query":
                return self._query(request.body["ksql"])
            case "/query-stream":
                return self._query_stream(request.body["sql"])
            case _:
                return self._statement(request.body["ksql"])

    def _query(self, query: str) -> Answer:
        self.asked.append(query)
        if "EMIT CHANGES" in query:
            self.push_asked.set()
            return Answer(chunks=self.pushed.pop(0)) if self.pushed else Answer(503, {"message": "not now"})
        device = _literal(re.search(rf"= {_TEXT};$", query))
        self.before_answer(device)
        by_mac = "PCAP_STATS_01 WHERE SOURCE_DEVICE" in query
        assert by_mac or "PCAP_STATS_ENRICHED_01 WHERE DEVICE_NAME" in query
        row = self.devices.get(device)
        found = row is not None and by_mac == bool(re.fullmatch("(..:){5}..", device))
        return Answer(body=[HEADER, {"row": {"columns": row}}] if found else [HEADER])

    def _query_stream(self, query: str) -> Answer:
        match = re.search(rf"FROM QUERYABLE_SSID_ALERT_LIST WHERE SSID = {_TEXT};$", query)
        if match:
            reason = self.watched.get(_literal(match))
            return _delimited(["REASON"], [] if reason is None else [[reason]])
        assert query == "SELECT SSID, REASON FROM QUERYABLE_SSID_ALERT_LIST;"
        return _delimited(["SSID", "REASON"], [list(entry) for entry in self.watched.items()])

    def _statement(self, statement: str) -> Answer:
        if statement == "LIST TABLES;":
            return Answer(body=[{"tables": [{**TABLE, "keyFormat": self.key_format}]}])
        match = re.fullmatch(rf"INSERT INTO SSID_ALERT_LIST \(SSID, REASON\) VALUES \({_TEXT}, {_TEXT}\);", statement)
        assert match, statement
        ssid, reason = (group.replace("''", "'") for group in match.groups())
        self.watched[ssid] = reason
        return Answer(body=[])


def row_line(*columns: Any) -> bytes:
    """A row as a push query sends it."""
    return json.dumps({"row": {"columns": columns}}).encode() + b",\n"


def _literal(match: re.Match[str] | None) -> str:
    assert match
    return match[1].replace("''", "'")


def _delimited(names: list[str], rows: list[list[Any]]) -> Answer:
    header = {"queryId": "q", "columnNames": names, "columnTypes": ["STRING"] * len(names)}
    return Answer(text="\n".join(json.dumps(line) for line in (header, *rows)) + "\n")
