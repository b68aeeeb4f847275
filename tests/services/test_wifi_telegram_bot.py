"""The whole bot, between the inbox that simulates Telegram and a small ksqlDB."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
import requests

from bifrost.clients.telegram import TelegramApi, TelegramRefused
from bifrost.errors import SettingError
from bifrost.settings import Settings
from services import wifi_telegram_bot
from services.wifi_bot import update_intake
from services.wifi_telegram_bot import Bot, allowed_chats, delete_webhook, set_webhook
from tests.fakes.console import Client, running_console
from tests.fakes.http_server import Answer, FakeServer, Fault, running
from tests.fakes.wifi_ksql import FakeWifiKsql
from tests.live.conftest import free_ports
from tests.waiting import eventually

MAC = "a4:83:e7:4e:39:15"
ROW = [178, "2020-04-18 17:04:27", "2020-04-22 14:43:40", 1, ["RNM0"]]
STATS = (
    f"📡 Wi-Fi probe stats for {MAC}\n\tEarliest probe : 2020-04-18 17:04:27\n\tLatest probe   : 2020-04-22 14:43:40\n"
    "\tProbe count    : 178\n\tUnique SSIDs   : 1 (['RNM0'])"
)
UPDATE = {"update_id": 1, "message": {"message_id": 1, "chat": {"id": 4242}, "text": MAC}}
SECRET = "s3cret_token"


@dataclass
class Scene:
    """A person, the bot and what is behind it."""

    inbox: Client
    server: FakeServer
    ksql: FakeWifiKsql
    values: dict[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        urls = {"TELEGRAM_API_URL": self.inbox.url, "KSQLDB_URL": self.server.url}
        return Settings({**urls, "BIFROST_HOME": "/nonexistent", **self.values})

    def write(self, text: str, chat: int = 4242) -> None:
        self.inbox.post("/api/telegram/messages", json={"chat_id": chat, "text": text}).raise_for_status()

    def answers(self, chat: int = 4242) -> list[str]:
        found = self.inbox.get(f"/api/telegram/messages?chat_id={chat}").json()
        return [line["text"] for line in found if line["from"] == "bot"]

    @contextmanager
    def bot(self, *, webhook: bool = False) -> Iterator[list[SettingError]]:
        stop, failures = threading.Event(), []

        def run() -> None:
            try:
                Bot(self.settings, stop).run(webhook=webhook)
            except SettingError as error:
                failures.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield failures
        finally:
            stop.set()
            thread.join()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    ksql = FakeWifiKsql(devices={MAC: ROW})
    with running_console(tmp_path / "inbox.sqlite", lambda: 1.0) as inbox, running(ksql.server()) as server:
        yield Scene(inbox, server, ksql)


def test_a_question_is_answered_and_asked_of_ksqldb_once(scene: Scene):
    with scene.bot():
        scene.write("A4-83-E7-4E-39-15")
        eventually(scene.answers)

    assert scene.answers() == [STATS]
    assert len(scene.ksql.asked) == 1


def test_messages_sent_while_the_bot_was_down_are_answered_once(scene: Scene):
    scene.write(MAC)
    for _ in range(2):
        with scene.bot():
            scene.write("/help")
            answered = len(scene.answers())
            eventually(lambda known=answered: len(scene.answers()) > known)

    assert scene.answers().count(STATS) == 1


class OneUpdate:
    """A Bot API with one update; `asked` collects the offsets of its calls."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def delete_webhook(self) -> None:
        """There is none."""

    def updates(self, offset: int, *, wait_s: float, limit: int = 100) -> list[object]:
        self.asked.append(offset)
        return [{**UPDATE, "update_id": 7}] if len(self.asked) == 1 else []


def test_a_stopping_bot_confirms_the_updates_it_received():
    api, ended = OneUpdate(), threading.Event()

    def take(_message: object) -> None:
        polling.close()
        ended.set()

    polling = update_intake.Polling(cast("TelegramApi", api), take, lambda error: None)
    polling.start()

    eventually(ended.is_set)
    assert api.asked == [0, 8]


class LateWebhook(OneUpdate):
    """A Bot API where a webhook is set while a bot asks, and deleted again later."""

    def __init__(self) -> None:
        super().__init__()
        self.deleted = 0

    def delete_webhook(self) -> None:
        self.deleted += 1

    def updates(self, offset: int, *, wait_s: float, limit: int = 100) -> list[object]:
        self.asked.append(offset)
        if len(self.asked) == 1:
            raise TelegramRefused("getUpdates", status=409, body="terminated by setWebhook", retry_after=None)
        return [UPDATE]


def test_a_webhook_that_is_set_while_a_bot_asks_is_left_alone():
    api, took = LateWebhook(), threading.Event()

    def take(_message: object) -> None:
        polling.close()
        took.set()

    polling = update_intake.Polling(cast("TelegramApi", api), take, lambda error: None)
    polling.start()

    eventually(took.is_set)
    assert api.deleted == 1


def test_a_webhook_of_before_does_not_keep_messages_from_a_bot_that_asks(scene: Scene):
    set_webhook(scene.settings, "http://127.0.0.1:9/")
    with scene.bot():
        scene.write(MAC)
        eventually(lambda: scene.answers() == [STATS])


def test_a_slow_query_does_not_hold_up_another_chat(scene: Scene):
    slow = threading.Event()
    scene.ksql.before_answer = lambda device: slow.wait(10) if device == MAC else None
    with scene.bot():
        scene.write(MAC, chat=1)
        scene.write("sony-vaio", chat=2)
        eventually(lambda: scene.answers(2))
        assert scene.answers(1) == []
        slow.set()
        eventually(lambda: scene.answers(1) == [STATS])


def test_an_unavailable_ksqldb_is_reported_and_the_bot_recovers(scene: Scene):
    scene.server.faults = [Fault("POST", "/query", hang_up=True)]
    with scene.bot():
        scene.write(MAC)
        eventually(scene.answers)
        scene.write(MAC)
        eventually(lambda: len(scene.answers()) == 2)

    assert scene.answers() == ["❌ Query failed (no answer from ksqlDB)\nPlease ask again in a minute.", STATS]


@pytest.mark.parametrize("order", [{"status": 429, "retry_after": 1}, {"status": 502}])
@pytest.mark.parametrize("method", ["getMe", "getUpdates", "sendMessage", "deleteWebhook"])
def test_telegram_limiting_or_down_costs_no_answer(scene: Scene, method: str, order: dict[str, int]):
    scene.inbox.post("/api/faults", json={"method": method, **order}).raise_for_status()
    with scene.bot():
        scene.write(MAC)
        eventually(lambda: scene.answers() == [STATS])


@pytest.mark.parametrize("method", ["getMe", "getUpdates", "sendMessage"])
def test_a_refused_token_ends_the_bot_with_its_reason(scene: Scene, method: str):
    scene.inbox.post("/api/faults", json={"method": method, "status": 401, "count": 9}).raise_for_status()
    with scene.bot() as failures:
        scene.write(MAC)
        eventually(lambda: failures)

    assert str(failures[0]).startswith("TELEGRAM_BOT_TOKEN: Telegram refuses it: 401 Unauthorized")


def test_ten_thousand_characters_are_answered(scene: Scene):
    with scene.bot():
        scene.write("🦄" * 10_000)
        eventually(scene.answers)

    assert scene.answers() == ["🛎 No result found for device " + "🦄" * 60 + "…"]


def test_a_long_answer_comes_in_pieces(scene: Scene):
    scene.ksql.devices[MAC] = [1, "a", "b", 500, [f"network {number}" for number in range(500)]]
    with scene.bot():
        scene.write(MAC)
        eventually(lambda: "'network 499'])" in "".join(scene.answers()))

    assert len(scene.answers()) == 2


def test_only_the_chats_that_are_allowed_are_answered(scene: Scene):
    scene.values["TELEGRAM_ALLOWED_CHATS"] = "4242, -7"
    with scene.bot():
        scene.write(MAC, chat=666)
        scene.write("/help")
        eventually(scene.answers)

    assert scene.answers(666) == []
    assert scene.ksql.asked == []


@pytest.fixture
def webhook(scene: Scene) -> Iterator[str]:
    """The URL of a bot that listens, with a secret."""
    port = free_ports()["telegram_webhook"]
    scene.values |= {"BIFROST_PORT_TELEGRAM_WEBHOOK": str(port), "TELEGRAM_WEBHOOK_SECRET": SECRET}
    with scene.bot(webhook=True):
        url = f"http://127.0.0.1:{port}/"
        eventually(lambda: _is_up(url))
        yield url


def _is_up(url: str) -> bool:
    try:
        return requests.get(f"{url}healthz", timeout=5).ok
    except requests.ConnectionError:
        return False


def post(url: str, update: object, secret: str = SECRET) -> int:
    headers = {"X-Telegram-Bot-Api-Secret-Token": secret} if secret else {}
    return requests.post(url, json=update, headers=headers, timeout=5).status_code


def test_an_update_that_is_posted_is_answered_once(scene: Scene, webhook: str):
    assert [post(webhook, UPDATE) for _ in range(3)] == [200] * 3
    eventually(scene.answers)
    assert post(webhook, {**UPDATE, "update_id": 2, "message": {**UPDATE["message"], "text": "/help"}}) == 200
    eventually(lambda: len(scene.answers()) > 1)

    assert scene.answers().count(STATS) == 1


@pytest.mark.parametrize("secret", ["", "wrong", SECRET + "x", SECRET[:-1], "\xff"])
def test_a_wrong_secret_does_nothing(scene: Scene, webhook: str, secret: str):
    assert post(webhook, UPDATE, secret) == 401
    assert post(webhook, {**UPDATE, "update_id": 2, "message": {"chat": {"id": 1}, "text": "/help"}}) == 200
    eventually(lambda: scene.answers(1))

    assert scene.ksql.asked == []
    assert scene.answers() == []


@pytest.mark.parametrize(
    "update",
    [
        {},
        [],
        7,
        {"update_id": 1},
        {"update_id": 1, "message": None},
        {"update_id": 1, "message": {"chat": {"id": 1}, "photo": []}},
        {"update_id": 1, "message": {"text": "x"}},
        {"update_id": "1", "message": {"chat": {"id": 1}, "text": "x"}},
        {"update_id": 1, "edited_message": {"chat": {"id": 1}, "text": "x"}},
        {"update_id": 1, "message": {"chat": {"id": True}, "text": "x"}},
        {"update_id": 1, "message": {"chat": {"id": 2**63}, "text": "x"}},
        {"update_id": 1, "message": {"chat": {"id": 1.5}, "text": "x"}},
        {"update_id": 1, "message": {"chat": [1], "text": "x"}},
        {"update_id": None, "message": {"chat": {"id": 1}, "text": "x"}},
        {"update_id": 1, "message": {"chat": {"id": 1}, "text": {"a": 1}}},
        {"update_id": 1, "message": [{"chat": {"id": 1}, "text": "x"}]},
    ],
)
def test_updates_without_a_text_message_are_accepted_and_ignored(webhook: str, update: object):
    assert post(webhook, update) == 200


@pytest.mark.parametrize(
    ("body", "status"), [(b"", 400), (b"{", 400), (b"\xff", 400), (b"[" * 100_000, 400), (b" " * 1_000_001, 413)]
)
def test_a_malformed_update_is_refused(webhook: str, body: bytes, status: int):
    headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
    assert requests.post(webhook, data=body, headers=headers, timeout=5).status_code == status


def test_half_a_character_does_not_break_the_bot(scene: Scene, webhook: str):
    assert post(webhook, {**UPDATE, "message": {**UPDATE["message"], "text": "\ud83d"}}) == 200
    eventually(scene.answers)

    assert scene.answers() == ["🛎 No result found for device �"]


def test_the_inbox_posts_to_the_webhook_with_its_secret(scene: Scene, webhook: str):
    set_webhook(scene.settings, webhook)
    scene.write(MAC)
    eventually(lambda: scene.answers() == [STATS])
    delete_webhook(scene.settings)


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:8080", "null", ""])
def test_a_web_page_cannot_post_updates_even_with_the_secret(scene: Scene, webhook: str, origin: str):
    headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET, "Origin": origin, "Content-Type": "text/plain"}
    assert requests.post(webhook, json=UPDATE, headers=headers, timeout=5).status_code == 403
    assert scene.ksql.asked == []


def test_a_taken_port_is_named(scene: Scene, webhook: str):
    with scene.bot(webhook=True) as failures:
        eventually(lambda: failures)

    assert "BIFROST_PORT_TELEGRAM_WEBHOOK" in str(failures[0])


def test_set_webhook_is_one_call(scene: Scene):
    with running(FakeServer(lambda request: Answer(body={"ok": True, "result": True}))) as telegram:
        settings = Settings({"TELEGRAM_BOT_TOKEN": "1:A", "TELEGRAM_API_URL": telegram.url})
        set_webhook(settings, "https://272a201c.ngrok.io")

    (request,) = telegram.requests
    assert (request.method, request.path) == ("GET", "/bot1:A/setWebHook")
    assert request.query == {"url": "https://272a201c.ngrok.io"}


@pytest.mark.parametrize("url", ["http://example.com", "example.com", "https://", "ftp://x", ""])
def test_a_url_that_telegram_does_not_post_to_is_refused(url: str):
    with pytest.raises(SettingError, match="TELEGRAM_WEBHOOK_URL"):
        set_webhook(Settings({}), url)


def test_settings_that_cannot_work_are_named():
    with pytest.raises(SettingError, match="TELEGRAM_ALLOWED_CHATS"):
        allowed_chats(Settings({"TELEGRAM_ALLOWED_CHATS": "4242;me"}))
    with pytest.raises(SettingError, match="TELEGRAM_WEBHOOK_SECRET"):
        update_intake.webhook_secret(Settings({"TELEGRAM_WEBHOOK_SECRET": "with blanks"}))


def test_the_help_lists_the_commands(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        wifi_telegram_bot.run(["--help"])

    assert "set-webhook" in capsys.readouterr().out
