"""The channel against a real HTTP server: the inbox, and one that answers what no Slack would."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from bifrost.errors import SettingError
from bifrost.settings import Settings
from services.delivery.channel import AccountRefused, Delivered, RetryAfter, TemporaryFailure, Undeliverable
from services.delivery.slack import SlackChannel, SlackMessage, escape, outcome_of_refusal, shorten, slack_channel
from tests.fakes.console import Client, running_console
from tests.fakes.http_server import Answer, FakeServer, Fault, Request, running

MESSAGE = SlackMessage("unhappy-customers", "late <again> & \u2708 `x`", "KSQL Notifications", ":rocket:")
OK = {"ok": True, "ts": "1.2", "channel": "C1", "message": {}}


Connect = Callable[..., SlackChannel]


@pytest.fixture
def channel_to() -> Iterator[Connect]:
    with ExitStack() as open_channels:

        def connect(url: str, **values: str) -> SlackChannel:
            channel = slack_channel(Settings({"SLACK_API_URL": url, **values}))
            return open_channels.enter_context(closing(channel))

        yield connect


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Client]:
    with running_console(tmp_path / "inbox.sqlite", lambda: 1_528_804_500.0) as client:
        yield client


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with running(FakeServer(lambda request: Answer(body=OK))) as fake:
        yield fake


def fault(inbox: Client, **order: object) -> None:
    inbox.post("/api/faults", json={"method": "chat.postMessage", **order}).raise_for_status()


@pytest.mark.parametrize("base", ["", "/", "/api", "/api/"])
def test_a_message_arrives_as_it_was_written(inbox: Client, base: str, channel_to: Connect):
    assert channel_to(inbox.url + base).send(MESSAGE) == Delivered()

    assert inbox.get("/api/messages").json() == [
        {
            "channel": "unhappy-customers",
            "username": "KSQL Notifications",
            "icon_emoji": ":rocket:",
            "text": MESSAGE.text,
            "ts": "1528804500.000000",
            "via": "slack",
        }
    ]


def test_rate_limit_names_its_seconds(inbox: Client, channel_to: Connect):
    fault(inbox, status=429, retry_after=7)
    channel = channel_to(inbox.url)

    assert channel.send(MESSAGE) == RetryAfter(7)
    assert channel.send(MESSAGE) == Delivered()


@pytest.mark.parametrize("error", ["invalid_auth", "account_inactive", "token_revoked", "not_authed", "missing_scope"])
def test_an_account_error_does_not_condemn_the_message(inbox: Client, error: str, channel_to: Connect):
    fault(inbox, error=error)
    outcome = channel_to(inbox.url).send(MESSAGE)

    assert isinstance(outcome, AccountRefused)
    assert outcome.setting == "SLACK_API_TOKEN"
    assert error in outcome.reason


@pytest.mark.parametrize("error", ["channel_not_found", "is_archived", "msg_too_long", "not_in_channel", "no_text"])
def test_a_message_error_is_final(inbox: Client, error: str, channel_to: Connect):
    fault(inbox, error=error)

    assert channel_to(inbox.url).send(MESSAGE) == Undeliverable(error)


@pytest.mark.parametrize("order", [{"status": 503}, {"status": 500}, {"error": "internal_error"}, {"status": 502}])
def test_a_server_error_passes(inbox: Client, order: dict[str, object], channel_to: Connect):
    fault(inbox, **order)

    assert isinstance(channel_to(inbox.url).send(MESSAGE), TemporaryFailure)


def test_a_page_of_a_proxy_does_not_condemn_the_message(server: FakeServer, channel_to: Connect):
    server.respond = lambda request: Answer(403, text="<html>Proxy says no</html>")

    assert isinstance(channel_to(server.url).send(MESSAGE), TemporaryFailure)


def test_no_answer_passes(server: FakeServer, channel_to: Connect):
    server.faults = [Fault("POST", "chat.postMessage", hang_up=True, times=2)]
    channel = channel_to(server.url)

    assert isinstance(channel.send(MESSAGE), TemporaryFailure)
    assert isinstance(channel.send(MESSAGE), TemporaryFailure)
    assert channel.send(MESSAGE) == Delivered()


def test_an_unreachable_server_is_a_temporary_failure(channel_to: Connect):
    with running(FakeServer(lambda request: Answer(body=OK))) as gone:
        channel = channel_to(gone.url)

    assert isinstance(channel.send(MESSAGE), TemporaryFailure)


def test_one_connection_serves_many_messages_and_its_end_is_not_noticed(server: FakeServer, channel_to: Connect):
    channel = channel_to(server.url)
    assert [channel.send(MESSAGE) for _ in range(3)] == [Delivered()] * 3
    server.faults = [Fault("POST", "chat.postMessage", hang_up=True)]

    assert channel.send(MESSAGE) == Delivered()
    assert len(server.requests) == 5


def test_a_text_that_is_not_unicode_arrives_all_the_same(server: FakeServer, channel_to: Connect):
    message = SlackMessage("room", "a\ud800b", "me", ":x:")

    assert channel_to(server.url).send(message) == Delivered()
    assert server.requests[0].body["text"] == "a\ud800b"


def test_the_token_is_sent_and_never_logged(server: FakeServer, caplog: pytest.LogCaptureFixture, channel_to: Connect):
    caplog.set_level(logging.DEBUG)
    seen: list[Request] = []

    def respond(request: Request) -> Answer:
        seen.append(request)
        return Answer(body={"ok": False, "error": "invalid_auth"})

    server.respond = respond
    outcome = channel_to(server.url, SLACK_API_TOKEN="xoxb-very-secret").send(MESSAGE)

    assert seen[0].headers["Authorization"] == "Bearer xoxb-very-secret"
    assert "xoxb-very-secret" not in caplog.text + str(outcome)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "30"}, 30.0),
        ({"retry-after": "1.5"}, 1.5),
        ({}, 1.0),
        ({"Retry-After": "soon"}, 1.0),
        ({"Retry-After": "inf"}, 1.0),
        ({"Retry-After": "0"}, 0.1),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float):
    assert outcome_of_refusal(429, "ratelimited", headers) == RetryAfter(seconds)


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({"BIFROST_TARGET": "compose"}, "SLACK_API_TOKEN"),
        ({"BIFROST_TARGET": "compose", "SLACK_API_URL": "http://127.0.0.1:1/"}, "SLACK_API_TOKEN"),
        ({"SLACK_API_URL": "slack.com/api", "SLACK_API_TOKEN": "x"}, "SLACK_API_URL"),
        ({"SLACK_API_URL": "file:///etc/passwd"}, "SLACK_API_URL"),
    ],
)
def test_a_setting_that_cannot_work_is_named(values: dict[str, str], names: str):
    with pytest.raises(SettingError, match=names):
        slack_channel(Settings(values))


def test_only_slacks_three_characters_are_escaped():
    assert escape('<!channel> & "it\'s" *_~`:') == '&lt;!channel&gt; &amp; "it\'s" *_~`:'


@pytest.mark.parametrize(
    ("text", "room", "cut"),
    [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("a&amp;b", 4, "a…"), ("&lt;&gt;", 7, "&lt;…"), ("ab", 1, "…")],
)
def test_a_cut_never_goes_through_an_entity(text: str, room: int, cut: str):
    assert shorten(text, room) == cut
