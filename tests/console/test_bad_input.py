"""Whatever a client sends, the console answers with an error of the client and keeps serving."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bifrost.console.inbox.chat_store import ChatLine, TelegramChats, Webhook
from bifrost.console.inbox.telegram_api import deliver_to_webhook
from bifrost.console.pages import dashboards_page, pipelines_page
from bifrost.console.panel_reader import PanelReader
from bifrost.settings import PROJECT
from tests.console.conftest import NOON
from tests.console.test_panel_reader import Clock, Engine, rating
from tests.fakes.console import Client, running_console
from tests.fakes.http_server import Answer, FakeServer, running
from tests.waiting import eventually


class NoFlows:
    def read(self) -> dict[str, Any]:
        return {}

    def records(self, topic: str, count: int) -> list[Any]:
        return []


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    reader = PanelReader(PROJECT, Engine([rating("one")]), Clock())
    pages = [*dashboards_page.routes(reader, Path("/dev/null")), *pipelines_page.routes(NoFlows())]
    with running_console(tmp_path_factory.mktemp("bad") / "inbox.sqlite", lambda: NOON, pages) as served:
        yield served
        assert served.get("/healthz").status_code == 200


NO_NUMBERS = ("-1", "1.5", "1e3", "²", "٣", "１", "0x1", "9" * 20, "9" * 5000, "\0", "x", "1;2", " 1")


@pytest.mark.parametrize("value", NO_NUMBERS)
@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/api/messages", "limit"),
        ("/api/topics/x/records", "limit"),
        ("/api/dashboards/ratings/data", "last"),
        ("/api/telegram/messages", "since"),
    ],
)
def test_an_invalid_number_in_the_query_is_refused(client: Client, path: str, name: str, value: str):
    answer = client.get(path, params={name: value})
    assert answer.status_code == 400
    assert name in answer.json()["error"]


@pytest.mark.parametrize("value", ["", "x", "1.1234567", "9" * 13, "-1", "1,5", "²", "\0"])
def test_an_invalid_since_is_refused(client: Client, value: str):
    assert client.get("/api/messages", params={"since": value}).status_code == (400 if value else 200)


@pytest.mark.parametrize("path", ["/events", "/telegram/events"])
@pytest.mark.parametrize("value", [b"\xff\xfe", b"9" * 5000, "²".encode(), b"-1", b"x", b"1.5.5"])
def test_a_feed_begins_whatever_a_page_says_it_has_seen_last(client: Client, path: str, value: bytes):
    for options in ({"params": {"since": value}}, {"headers": {"Last-Event-ID": value}}):
        with client.get(path, stream=True, **options) as feed:
            assert feed.status_code == 200
            assert next(feed.iter_lines()) == b"retry: 1000"


@pytest.mark.parametrize("chat", ["x", "9" * 20, "²", "", "-", "1.5", "<script>"])
def test_an_invalid_chat_shows_another_one(client: Client, chat: str):
    page = client.get("/telegram", params={"chat": chat})
    assert page.status_code == 200
    assert "<script>" not in page.text.replace('<script src="', "")


@pytest.mark.parametrize(
    "path", ["/dashboards", "/dashboards/broken", "/api/dashboards/broken", "/api/dashboards/broken/data"]
)
def test_a_malformed_dashboard_is_named_with_its_error(tmp_path: Path, path: str):
    folder = tmp_path / "dashboards" / "broken"
    folder.mkdir(parents=True)
    (folder / "dashboard.json").write_text("{")
    reader = PanelReader(tmp_path, Engine([]), Clock())
    pages = dashboards_page.routes(reader, Path("/dev/null"))
    with running_console(tmp_path / "inbox.sqlite", lambda: NOON, pages) as served:
        answer = served.get(path, allow_redirects=False)
        assert answer.status_code == 500
        assert "dashboards/broken/dashboard.json" in answer.json()["error"]


BODIES = (
    b"",
    b"{",
    b"[]",
    b"null",
    b"1",
    b'"text"',
    b"NaN",
    b"\xff\xfe",
    b"\0",
    b"\xef\xbb\xbf{}",
    b"[" * 100_000,
    b'{"a":' * 5_000,
    b'{"text": "\\ud800"}',
    b'{"a": 1}{"b": 2}',
    b"a=b&a=c",
    b"%ff%zz=%",
    b"&" * 10_000,
)
KINDS = ("application/json", "application/json; charset=utf-16", "application/x-www-form-urlencoded", "text/plain", "")
CALLS = (
    "/api/faults",
    "/api/chat.postMessage",
    "/chat.postMessage",
    "/api/api.test",
    "/api/no.such.method",
    "/bot1/sendMessage",
    "/bot1/getUpdates",
    "/bot1/no_such_method",
    "/api/telegram/messages",
)


@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_a_malformed_body_gets_an_error(client: Client, path: str, body: bytes):
    for kind in KINDS:
        answer = client.post(path, data=body, headers={"Content-Type": kind})
        assert answer.status_code < 500
        assert isinstance(answer.json(), dict | list)
        assert answer.json() == [] or answer.json().get("ok") in (True, False) or "error" in answer.json()


@pytest.mark.parametrize(
    "path", ["/api/faults", "/api/chat.postMessage", "/bot1/sendMessage", "/api/telegram/messages"]
)
def test_a_body_that_would_fill_the_memory_is_refused(client: Client, path: str):
    large = json.dumps({"text": "x" * 1_100_000, "channel": "c", "chat_id": 1})
    answer = client.post(path, data=large, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.text) == (413, "the body is larger than 1048576 bytes")


VALUES = (None, True, False, 1.5, 1e308, 2**63, 2**64 - 1, -(2**63) - 1, "", " ", "9" * 19, "²", [], [1], {}, {"a": 1})


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_an_invalid_chat_id_is_refused(client: Client, value: Any):
    answer = client.post("/bot1/sendMessage", json={"chat_id": value, "text": "hello"})
    assert (answer.status_code, answer.json()["ok"]) == (400, False)
    assert client.post("/api/telegram/messages", json={"chat_id": value, "text": "hello"}).status_code == 400


@pytest.mark.parametrize("name", ["offset", "limit", "timeout"])
@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_an_invalid_number_of_get_updates_is_refused(client: Client, name: str, value: Any):
    answer = client.post("/bot1/getUpdates", json={name: value})
    assert (answer.status_code, answer.json()["description"]) == (400, f"Bad Request: {name} is not a number")


@pytest.mark.parametrize(
    "url",
    [
        "http://[",
        "http://",
        "ftp://a",
        "javascript:x",
        "http://a:99999/",
        "http://a:x/",
        "https://a b",
        "http://\0",
        "x",
    ],
)
def test_an_invalid_webhook_url_is_refused(client: Client, url: str):
    answer = client.post("/bot1/setWebhook", json={"url": url})
    assert (answer.status_code, answer.json()["ok"]) == (400, False)
    assert client.get("/bot1/getWebhookInfo").json()["result"]["url"] == ""


@pytest.mark.parametrize(
    "fields",
    [{"channel": value, "text": "hello"} for value in (None, 1, [], {}, "", "c" * 81, True)]
    + [{"channel": "c", "text": value} for value in (None, 1, [], {}, "", True)],
    ids=repr,
)
def test_a_message_without_a_channel_or_text_is_refused_as_slack_does(client: Client, fields: dict[str, Any]):
    answer = client.post("/api/chat.postMessage", json=fields)
    assert (answer.status_code, answer.json()["ok"]) == (200, False)
    assert answer.json()["error"] in ("channel_not_found", "no_text")


def test_names_and_icons_are_cut_and_control_characters_are_harmless(client: Client):
    client.delete("/api/messages")
    strange = {"channel": "#\0\n<b>", "text": "a\0b\x1b[31m", "username": "u" * 100_000, "icon_emoji": "i" * 100_000}
    assert client.post("/api/chat.postMessage", json=strange).json()["ok"] is True
    (message,) = client.get("/api/messages").json()
    assert (len(message["username"]), len(message["icon_emoji"]), message["text"]) == (80, 80, "a\0b\x1b[31m")
    page = client.get("/inbox").text
    assert "<b>" not in page.partition('id="messages"')[2].partition("</article>")[0].replace('<b class="name">', "")


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"method": ""},
        {"method": 1},
        {"method": "m", "status": 199},
        {"method": "m", "status": 600},
        {"method": "m", "status": "500"},
        {"method": "m", "status": True},
        {"method": "m", "count": 0},
        {"method": "m", "count": 10**9},
        {"method": "m", "count": 1.0},
        {"method": "m", "retry_after": -1},
        {"method": "m", "retry_after": "1\r\nX-Evil: 1"},
        {"method": "m", "error": 1},
        {"method": "m", "colour": "red"},
    ],
    ids=repr,
)
def test_an_invalid_fault_is_refused(client: Client, fault: dict[str, Any]):
    answer = client.post("/api/faults", json=fault)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert client.get("/api/faults").json() == []


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/%00",
        "/static/" + "b" * 3000,
        "/dashboards/%00",
        "/api/dashboards/%F0%9F%98%80",
        "/%ff",
        "/" + "a" * 9000,
        "/bot/getMe",
        "/bot1/",
        "/api/",
    ],
)
def test_an_unknown_path_is_not_found(client: Client, path: str):
    assert client.get(path).status_code in (400, 404, 405)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "TRACE", "PROPFIND"])
def test_another_method_is_not_allowed(client: Client, method: str):
    for path in ("/", "/api/messages", "/bot1/getMe", "/inbox"):
        assert client.request(method, path).status_code == 405


def test_an_offset_that_no_database_can_hold_does_not_outlive_a_restart(tmp_path: Path):
    path = tmp_path / "telegram.sqlite"
    chats = TelegramChats(path, lambda: NOON)
    chats.confirm(2**70)
    chats.close()
    again = TelegramChats(path, lambda: NOON)
    assert again.updates(10) == []
    again.close()


def test_a_webhook_that_cannot_be_called_keeps_the_updates_and_the_delivery_alive(tmp_path: Path):
    """The second webhook gets what the first one, whose name makes no request, could not."""
    received = FakeServer(lambda request: Answer(200, {}))

    async def deliver(url: str) -> None:
        chats = TelegramChats(tmp_path / "telegram.sqlite", lambda: NOON)
        chats.set_webhook(Webhook("http://.a..b/", ""))
        line: ChatLine = chats.add(1, "person", "hello")
        task = asyncio.create_task(deliver_to_webhook(chats, retry_s=0.01))
        await asyncio.to_thread(eventually, lambda: chats.webhook_error, "an error of the first webhook")
        chats.set_webhook(Webhook(url, ""))
        await asyncio.to_thread(eventually, lambda: received.requests, "a post to the second webhook")
        assert not task.done()
        assert received.requests[0].body["update_id"] == line.number
        task.cancel()
        chats.close()

    with running(received) as server:
        asyncio.run(deliver(server.url))
