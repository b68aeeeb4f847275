"""Answers of Slack and Telegram that make no sense: each is an outcome, and none ends the service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from bifrost.clients.telegram import TelegramApi
from bifrost.errors import RemoteError, SettingError
from bifrost.settings import Settings
from services.delivery.channel import (
    AccountRefused,
    Delivered,
    Outcome,
    RetryAfter,
    TemporaryFailure,
    Undeliverable,
)
from services.delivery.slack import SlackMessage, slack_channel
from services.delivery.telegram import TelegramChannel, TelegramMessage, telegram_api, telegram_channel
from tests.fakes.http_server import Answer, FakeServer, running

OUTCOMES = (Delivered, RetryAfter, TemporaryFailure, Undeliverable, AccountRefused)
BROKEN = [
    Answer(200, text=""),
    Answer(200, text="null"),
    Answer(200, text="7"),
    Answer(200, text='"ok"'),
    Answer(200, text="[]"),
    Answer(200, text="{}"),
    Answer(200, text="{"),
    Answer(200, text='{"ok": "yes"}'),
    Answer(200, text='{"ok": 1}'),
    Answer(200, text='{"ok": null}'),
    Answer(200, text="[" * 100_000),
    Answer(200, text="<html>", content_type="text/html"),
    Answer(204, text=""),
    Answer(301, text=""),
    Answer(418, text="\ufffd"),
]


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with running(FakeServer(lambda _request: Answer(200, text="{}"))) as found:
        yield found


def to_slack(url: str) -> Outcome:
    with closing(slack_channel(Settings({"SLACK_API_URL": url + "/", "SLACK_API_TOKEN": "xoxb-1"}))) as channel:
        return channel.send(SlackMessage("room", "hi", "me", ":x:"))


def api_at(url: str) -> TelegramApi:
    return telegram_api(Settings({"TELEGRAM_API_URL": url, "TELEGRAM_BOT_TOKEN": "1:A"}))


def to_telegram(url: str) -> Outcome:
    with closing(TelegramChannel(api_at(url))) as channel:
        return channel.send(TelegramMessage(1, "hi"))


@pytest.mark.parametrize("answer", BROKEN, ids=lambda answer: f"{answer.status} {(answer.text or '')[:12]}")
def test_a_broken_answer_of_slack_is_retried(server: FakeServer, answer: Answer):
    server.respond = lambda _request: answer

    assert isinstance(to_slack(server.url), TemporaryFailure)


@pytest.mark.parametrize("answer", BROKEN, ids=lambda answer: f"{answer.status} {(answer.text or '')[:12]}")
def test_a_broken_answer_of_telegram_is_retried(server: FakeServer, answer: Answer):
    server.respond = lambda _request: answer

    assert isinstance(to_telegram(server.url), TemporaryFailure)


@pytest.mark.parametrize(
    "body",
    [
        {"ok": False},
        {"ok": False, "error": None},
        {"ok": False, "error": 7},
        {"ok": False, "error": {"a": 1}},
        {"ok": False, "error": ""},
        {"ok": False, "error": "x" * 100_000},
        {"ok": False, "error": "no_text", "response_metadata": None},
    ],
)
def test_a_strange_refusal_of_slack_is_an_outcome(server: FakeServer, body: Any):
    server.respond = lambda _request: Answer(200, body)
    outcome = to_slack(server.url)

    assert isinstance(outcome, OUTCOMES) and not isinstance(outcome, Delivered)


@pytest.mark.parametrize(
    "body",
    [
        {"ok": False},
        {"ok": False, "error_code": None, "description": None},
        {"ok": False, "error_code": "400", "description": 7},
        {"ok": False, "error_code": "many", "description": ["a"]},
        {"ok": False, "error_code": 10**30, "description": "x"},
        {"ok": False, "error_code": 1.5},
        {"ok": False, "error_code": True},
        {"ok": False, "error_code": [], "parameters": []},
        {"ok": False, "error_code": 429, "parameters": {"retry_after": "soon"}},
        {"ok": False, "error_code": 429, "parameters": {"retry_after": -5}},
        {"ok": False, "error_code": 429, "parameters": {"retry_after": 1e300}},
        {"ok": False, "error_code": 429, "parameters": {"retry_after": True}},
        {"ok": False, "error_code": 429, "parameters": "none"},
        {"ok": False, "error_code": 400, "parameters": {"migrate_to_chat_id": {"a": 1}}},
    ],
)
def test_a_strange_refusal_of_telegram_is_an_outcome(server: FakeServer, body: Any):
    server.respond = lambda _request: Answer(400, body)
    outcome = to_telegram(server.url)

    assert isinstance(outcome, OUTCOMES) and not isinstance(outcome, Delivered)
    if isinstance(outcome, RetryAfter):
        assert 0 < outcome.seconds <= 86_400


@pytest.mark.parametrize("header", ["", "soon", "-1", "1e9", "99999999999", "Wed, 21 Oct 2026 07:28:00 GMT", "0"])
def test_a_strange_retry_after_of_slack_is_a_pause_of_some_length(server: FakeServer, header: str):
    server.respond = lambda _request: Answer(
        429, {"ok": False, "error": "ratelimited"}, headers={"Retry-After": header}
    )
    outcome = to_slack(server.url)

    assert isinstance(outcome, RetryAfter) and 0 < outcome.seconds <= 86_400


@pytest.mark.parametrize("result", [None, 7, "text", {}, [7], [None], [[]], [{"update_id": "x"}], [{"update_id": 1}]])
def test_strange_updates_are_ignored(server: FakeServer, result: Any):
    server.respond = lambda _request: Answer(200, {"ok": True, "result": result})
    with closing(api_at(server.url)) as api:
        assert isinstance(api.updates(0, wait_s=0), list)


@pytest.mark.parametrize("result", [None, 7, "text", {}, [], {"username": None}, {"username": 7}])
def test_a_bot_without_a_name_is_an_error_of_telegram(server: FakeServer, result: Any):
    server.respond = lambda _request: Answer(200, {"ok": True, "result": result})
    with closing(api_at(server.url)) as api, pytest.raises(RemoteError, match="getMe"):
        api.username()


@pytest.mark.parametrize("token", ["xoxb 1", "xoxb\n1", "xoxb-\u00fc", "xoxb-1\r\nX: y", "\x00"])
def test_a_slack_token_that_no_header_can_hold_is_named_and_not_shown(token: str):
    with pytest.raises(SettingError, match="SLACK_API_TOKEN") as caught:
        slack_channel(Settings({"SLACK_API_TOKEN": token}))

    assert token not in str(caught.value)


@pytest.mark.parametrize("url", ["slack.com", "ftp://slack.com/", "http://", "http://[::1", "http://a:port/", "//a"])
@pytest.mark.parametrize("name", ["SLACK_API_URL", "TELEGRAM_API_URL"])
def test_an_invalid_url_names_its_setting(name: str, url: str):
    values = Settings({name: url, "SLACK_API_TOKEN": "x", "TELEGRAM_BOT_TOKEN": "1:A"})

    with pytest.raises(SettingError, match=name):
        (slack_channel if name.startswith("SLACK") else telegram_channel)(values)
