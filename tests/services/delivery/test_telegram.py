"""The channel against a real HTTP server: the inbox, and one that answers what no Telegram would."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from bifrost.errors import SettingError
from bifrost.settings import Settings
from services.delivery.channel import AccountRefused, Delivered, RetryAfter, TemporaryFailure, Undeliverable
from services.delivery.telegram import (
    TelegramChannel,
    TelegramMessage,
    alert_chat,
    length,
    shorten,
    split,
    telegram_channel,
)
from tests.fakes.console import Client, running_console
from tests.fakes.http_server import Answer, FakeServer, Fault, Request, running

MESSAGE = TelegramMessage(4242, "📣 <b>`it's`</b> & *more* \\_")

Connect = Callable[..., TelegramChannel]


@pytest.fixture
def channel_to() -> Iterator[Connect]:
    with ExitStack() as open_channels:

        def connect(url: str, **values: str) -> TelegramChannel:
            channel = telegram_channel(Settings({"TELEGRAM_API_URL": url, **values}))
            return open_channels.enter_context(closing(channel))

        yield connect


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Client]:
    with running_console(tmp_path / "inbox.sqlite", lambda: 1_528_804_500.0) as client:
        yield client


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with running(FakeServer(lambda request: Answer(body={"ok": True, "result": {}}))) as fake:
        yield fake


def fault(inbox: Client, **order: object) -> None:
    inbox.post("/api/faults", json={"method": "sendMessage", **order}).raise_for_status()


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_message_arrives_as_it_was_written(inbox: Client, slash: str, channel_to: Connect):
    assert channel_to(inbox.url + slash).send(MESSAGE) == Delivered()

    (message,) = inbox.get("/api/messages").json()
    assert (message["text"], message["channel"], message["via"]) == (MESSAGE.text, "4242", "telegram")


def test_nothing_but_chat_and_text_is_sent(server: FakeServer, channel_to: Connect):
    channel_to(server.url, TELEGRAM_BOT_TOKEN="1:AB").send(MESSAGE)

    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/bot1:AB/sendMessage")
    assert request.body == {"chat_id": 4242, "text": MESSAGE.text}


def test_rate_limit_names_its_seconds(inbox: Client, channel_to: Connect):
    fault(inbox, status=429, retry_after=7)
    channel = channel_to(inbox.url)

    assert channel.send(MESSAGE) == RetryAfter(7)
    assert channel.send(MESSAGE) == Delivered()


@pytest.mark.parametrize("status", [401, 404])
def test_a_refused_token_does_not_condemn_the_message(inbox: Client, status: int, channel_to: Connect):
    fault(inbox, status=status)
    outcome = channel_to(inbox.url).send(MESSAGE)

    assert isinstance(outcome, AccountRefused)
    assert outcome.setting == "TELEGRAM_BOT_TOKEN"


@pytest.mark.parametrize(
    ("status", "error"), [(400, "Bad Request: chat not found"), (403, "Forbidden: bot was blocked by the user")]
)
def test_a_message_error_is_final(inbox: Client, status: int, error: str, channel_to: Connect):
    fault(inbox, status=status, error=error)

    assert channel_to(inbox.url).send(MESSAGE) == Undeliverable(f"{status} {error}")


def test_a_text_that_is_too_long_is_final(inbox: Client, channel_to: Connect):
    outcome = channel_to(inbox.url).send(TelegramMessage(1, "🦄" * 2_049))

    assert outcome == Undeliverable("400 Bad Request: message is too long")


def test_a_group_that_moved_is_named(server: FakeServer, channel_to: Connect):
    moved = {"ok": False, "error_code": 400, "description": "Bad Request", "parameters": {"migrate_to_chat_id": -1001}}
    server.respond = lambda request: Answer(400, moved)

    assert channel_to(server.url).send(MESSAGE) == Undeliverable("400 Bad Request; the chat's new id is -1001")


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_error_passes(inbox: Client, status: int, channel_to: Connect):
    fault(inbox, status=status)

    assert isinstance(channel_to(inbox.url).send(MESSAGE), TemporaryFailure)


@pytest.mark.parametrize("answer", [Answer(403, text="<html>Proxy"), Answer(200, text="[]"), Answer(200, text="")])
def test_a_page_of_a_proxy_does_not_condemn_the_message(server: FakeServer, answer: Answer, channel_to: Connect):
    server.respond = lambda request: answer

    assert isinstance(channel_to(server.url).send(MESSAGE), TemporaryFailure)


def test_the_token_is_never_shown(server: FakeServer, caplog: pytest.LogCaptureFixture, channel_to: Connect):
    caplog.set_level(logging.DEBUG)
    channel = channel_to(server.url, TELEGRAM_BOT_TOKEN="1:very-secret")
    outcomes = [channel.send(MESSAGE)]
    server.faults = [Fault("POST", "/", hang_up=True, times=2)]
    outcomes.append(channel.send(MESSAGE))
    server.respond = lambda request: Answer(404, {"ok": False, "error_code": 404, "description": "Not Found"})
    outcomes.append(channel.send(MESSAGE))

    assert [type(outcome) for outcome in outcomes] == [Delivered, TemporaryFailure, AccountRefused]
    assert "very-secret" not in caplog.text + str(outcomes)


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({"BIFROST_TARGET": "compose"}, "TELEGRAM_BOT_TOKEN"),
        ({"TELEGRAM_API_URL": "api.telegram.org", "TELEGRAM_BOT_TOKEN": "1:A"}, "TELEGRAM_API_URL"),
        ({"TELEGRAM_BOT_TOKEN": "1:A/../x"}, "TELEGRAM_BOT_TOKEN"),
    ],
)
def test_a_setting_that_cannot_work_is_named(values: dict[str, str], names: str):
    with pytest.raises(SettingError, match=names):
        telegram_channel(Settings(values))


def test_a_real_token_goes_to_telegram_itself():
    assert Settings({"TELEGRAM_BOT_TOKEN": "1:A"}).endpoints.telegram == "https://api.telegram.org/"
    assert Settings({"BIFROST_HOME": "/nonexistent"}).endpoints.telegram == "http://127.0.0.1:5601/"


@pytest.mark.parametrize(
    ("values", "chat"),
    [
        ({}, 4242),
        ({"TELEGRAM_CHAT_ID": "-1001234"}, -1001234),
        ({"TELEGRAM_CHAT_ID": "@my_channel", "TELEGRAM_BOT_TOKEN": "1:A"}, "@my_channel"),
    ],
)
def test_the_chat_of_alerts(values: dict[str, str], chat: int | str):
    assert alert_chat(Settings(values)) == chat


@pytest.mark.parametrize("values", [{"TELEGRAM_BOT_TOKEN": "1:A"}, {"TELEGRAM_CHAT_ID": "me"}])
def test_an_invalid_chat_is_refused(values: dict[str, str]):
    with pytest.raises(SettingError, match="TELEGRAM_CHAT_ID"):
        alert_chat(Settings(values))


@pytest.mark.parametrize(
    ("text", "limit", "pieces"),
    [
        ("", 5, []),
        ("abc", 3, ["abc"]),
        ("abcdef", 3, ["abc", "def"]),
        ("ab\ncd ef", 7, ["ab\ncd", "ef"]),
        ("abc, def, ghi", 9, ["abc, def,", "ghi"]),
        ("🦄🦄🦄", 5, ["🦄🦄", "🦄"]),
        ("a" + " " * 20 + "b", 4, ["a", "b"]),
    ],
)
def test_a_long_text_is_sent_in_pieces(text: str, limit: int, pieces: list[str]):
    assert list(split(text, limit)) == pieces


@pytest.mark.parametrize("text", ["x" * 10_000, "word " * 3_000, "🦄" * 5_000, "\n" * 9_000, "'a', " * 2_000])
def test_no_piece_is_longer_than_telegram_takes(text: str):
    pieces = list(split(text))

    assert all(0 < length(piece) <= 4096 for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


def test_a_cut_is_marked():
    assert (shorten("abc", 3), shorten("abcd", 3), shorten("🦄🦄", 3)) == ("abc", "ab…", "🦄…")


def test_each_of_several_messages_has_its_own_outcome(server: FakeServer, channel_to: Connect):
    def respond(request: Request) -> Answer:
        if request.body["chat_id"] == 2:
            return Answer(429, {"ok": False, "error_code": 429, "parameters": {"retry_after": 3}})
        if request.body["chat_id"] == 3:
            return Answer(200, {"ok": False, "error_code": 400, "description": "chat not found"})
        return Answer(502, text="<html>") if request.body["chat_id"] == 4 else Answer(200, {"ok": True, "result": {}})

    server.respond = respond
    outcomes = channel_to(server.url).send_together([TelegramMessage(chat, "hi") for chat in (1, 2, 3, 4, 5)])

    assert outcomes[:2] == [Delivered(), RetryAfter(3)] and outcomes[4] == Delivered()
    assert isinstance(outcomes[2], Undeliverable) and isinstance(outcomes[3], TemporaryFailure)
