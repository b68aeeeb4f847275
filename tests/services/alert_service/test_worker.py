"""One alert's worker: where its group starts, and that a failed attempt leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bifrost.alerts import Alert, read_alert
from bifrost.errors import DeclarationError, SettingError
from bifrost.settings import Settings
from services.alert_service import worker as worker_module
from services.alert_service.worker import AlertWorker
from tests.fakes.http_server import Answer, FakeServer, Request, running
from tests.rest_proxy.conftest import mock_cluster
from tests.waiting import eventually

ALERT = 'topic = "T"\nchannel = "slack"\nto = "room"\ntemplate = "{A} happened"\n'
STREAM = {"name": "S", "topic": "T", "keyFormat": "KAFKA", "valueFormat": "JSON", "type": "STREAM"}
FIELDS = [{"name": "B", "schema": {"type": "STRING"}}]
DESCRIPTION = {"name": "S", "type": "STREAM", "topic": "T", "fields": FIELDS}


@dataclass
class Channel:
    closed: int = 0

    def send(self, _notification: Any) -> Any: ...

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def channel(monkeypatch: pytest.MonkeyPatch) -> Channel:
    found = Channel()
    monkeypatch.setattr(worker_module, "channel_for", lambda _alert, _settings: found)
    monkeypatch.setattr(worker_module, "RETRY_INTERVAL_S", 0.05)
    return found


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with running(FakeServer(lambda _request: Answer(503))) as found:
        yield found


@pytest.fixture
def alert(tmp_path: Path) -> Alert:
    path = tmp_path / "it.toml"
    path.write_text(ALERT)
    return read_alert(path)


def settings(ksqldb: str, kafka: str = "127.0.0.1:1") -> Settings:
    return Settings({"KSQLDB_URL": ksqldb, "KAFKA_BOOTSTRAP_SERVERS": kafka})


def knowing(streams: list[Any]) -> Any:
    def respond(request: Request) -> Answer:
        text = request.body["ksql"]
        if text.startswith("LIST STREAMS"):
            return Answer(body=[{"streams": streams}])
        if text.startswith("LIST TABLES"):
            return Answer(body=[{"tables": []}])
        return Answer(body=[{"sourceDescription": DESCRIPTION}])

    return respond


def test_a_failed_attempt_closes_its_channel(server: FakeServer, channel: Channel, alert: Alert):
    server.respond = knowing([STREAM])
    found = AlertWorker(alert, settings(server.url), from_beginning=False)
    found.run()

    assert isinstance(found.error, DeclarationError)
    assert channel.closed == 1


def test_a_wrong_kafka_setting_closes_the_channel_too(server: FakeServer, channel: Channel, tmp_path: Path):
    (tmp_path / "it.toml").write_text(ALERT.replace("{A}", "{B}"))
    server.respond = knowing([STREAM])
    values = {**settings(server.url).values, "KAFKA_SECURITY_PROTOCOL": "none"}
    found = AlertWorker(read_alert(tmp_path / "it.toml"), Settings(values), from_beginning=False)
    found.run()

    assert isinstance(found.error, SettingError)
    assert channel.closed == 1


def test_a_topic_that_ksqldb_learns_of_later_is_read_from_its_beginning(
    server: FakeServer, channel: Channel, alert: Alert
):
    server.respond = knowing([])
    found = AlertWorker(alert, settings(server.url), from_beginning=False)
    found.start()
    eventually(lambda: found.reads_from_beginning, "the worker sees that the topic is missing")
    server.respond = knowing([STREAM])
    found.join(10)

    assert isinstance(found.error, DeclarationError)
    assert found.reads_from_beginning


def test_while_ksqldb_starts_kafka_shows_that_the_topic_is_missing(server: FakeServer, channel: Channel, alert: Alert):
    server.respond = lambda _request: Answer(503, body={"message": "starting"})
    with mock_cluster() as cluster:
        found = AlertWorker(alert, settings(server.url, cluster["bootstrap.servers"]), from_beginning=False)
        found.start()
        eventually(lambda: found.reads_from_beginning, "the worker sees that the topic is missing")
        found.request_stop()
        found.join(10)

    assert found.error is None
    assert channel.closed == 1
