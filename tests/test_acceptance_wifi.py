"""The source documents' cases of the Wi-Fi bot and its alerts: the requests that the services send to Telegram.

ksqlDB and Telegram are small servers; the statements of the same system are run by `test_acceptance.py`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from bifrost.settings import Settings
from services.wifi_telegram_alerts import QUERY, follow
from services.wifi_telegram_bot import Bot, set_webhook
from tests.fakes.http_server import Answer, FakeServer, Request, running
from tests.live.conftest import free_ports
from tests.test_acceptance import CASES
from tests.waiting import eventually

TOKEN = "123:ABC"
WIFI = [case for case in CASES if case["system"] == "wifi"]

Case = dict[str, Any]


def of_kind(kind: str) -> list[Case]:
    return [case for case in WIFI if case["kind"] == kind]


def telegram() -> FakeServer:
    """A Telegram that accepts every request."""
    result = {"id": 1, "is_bot": True, "username": "wifi_bot", "message_id": 1}
    return FakeServer(lambda request: Answer(body={"ok": True, "result": result}))


def sent_messages(server: FakeServer) -> list[Any]:
    """The bodies of the requests to send a message."""
    path = f"/bot{TOKEN}/sendMessage"
    return [request.body for request in server.requests if request.path == path]


def settings_of(telegram_url: str, ksqldb: str = "", **more: str) -> Settings:
    own = {"TELEGRAM_BOT_TOKEN": TOKEN, "TELEGRAM_API_URL": telegram_url, "TELEGRAM_CHAT_ID": "4242"}
    return Settings({**own, "KSQLDB_URL": ksqldb, "BIFROST_HOME": "/nonexistent", **more})


@contextmanager
def working(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run a service in a thread until the block ends."""
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_the_cases_are_present() -> None:
    if not CASES:
        pytest.skip("../shared/acceptance.json: not present")
    assert of_kind("bot") and of_kind("notification") and of_kind("http")


@pytest.mark.parametrize("case", of_kind("bot"), ids=lambda case: case["id"])
def test_the_bot_answers(case: Case) -> None:
    update, answer = case["inputs"][0]["json"], case["inputs"][1]["ksqldb_response"]
    port = str(free_ports()["telegram_webhook"])
    ksqldb = FakeServer(lambda request: Answer(answer["status"], answer["body"]))
    with running(telegram()) as api, running(ksqldb) as database:
        settings = settings_of(api.url, database.url, BIFROST_PORT_TELEGRAM_WEBHOOK=port)
        with working(lambda stop: Bot(settings, stop).run(webhook=True)):
            eventually(lambda: posted(f"http://127.0.0.1:{port}/", update))
            eventually(lambda: sent_messages(api))

    assert sent_messages(api) == [case["expect"][0]["json"]]
    (asked,) = database.requests
    assert (asked.method, asked.path) == ("POST", "/query")
    assert asked.headers["Content-Type"] == "application/vnd.ksql.v1+json; charset=utf-8"
    assert asked.body["ksql"].endswith(f" = '{update['message']['text']}';")


def posted(url: str, update: object) -> bool:
    """Whether the bot listens and has accepted an update."""
    try:
        return requests.post(url, json=update, timeout=5).ok
    except requests.ConnectionError:
        return False


@pytest.mark.parametrize("case", of_kind("notification"), ids=lambda case: case["id"])
def test_alerts_are_sent(case: Case) -> None:
    rows = [json.dumps({"row": {"columns": given["ksqldb_row"]}}).encode() + b",\n" for given in case["inputs"]]
    header = b'[{"header":{"queryId":"q","schema":"`TS` STRING"}},\n'
    answers = [Answer(chunks=(header, *rows))]

    def push_query(request: Request) -> Answer:
        assert request.body["ksql"] == QUERY
        return answers.pop() if answers else Answer(503)

    with running(telegram()) as api, running(FakeServer(push_query)) as database:
        with working(lambda stop: follow(settings_of(api.url, database.url), stop)):
            eventually(lambda: len(sent_messages(api)) >= len(rows))

    expected = [each["notification"] for each in case["expect"]]
    assert {each["method"] for each in expected} == {"sendMessage"}
    assert sent_messages(api) == [{"chat_id": 4242, "text": each["text"]} for each in expected]


@pytest.mark.parametrize("case", of_kind("http"), ids=lambda case: case["id"])
def test_the_webhook_is_registered(case: Case) -> None:
    with running(telegram()) as api:
        set_webhook(settings_of(api.url), case["inputs"][0]["ngrok"])

    (request,) = api.requests
    query = "&".join(f"{name}={value}" for name, value in request.query.items())
    expected = case["expect"][0]["http"].replace("https://api.telegram.org", "").replace("<TOKEN>", TOKEN)
    assert f"{request.method} {request.path}?{query}" == expected
