"""Our bot and any other must not notice that the inbox is not Telegram."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.fakes.console import Client
from tests.fakes.http_server import Answer, FakeServer, Fault, running
from tests.waiting import eventually

BOT = "/bot123:ABC"


@pytest.fixture(autouse=True)
def clean(client: Client) -> None:
    client.delete("/api/telegram/messages")
    client.post(f"{BOT}/deleteWebhook")


@pytest.fixture
def webhook() -> Iterator[FakeServer]:
    with running(FakeServer(lambda request: Answer())) as fake:
        yield fake


def write(client: Client, text: str, chat: int = 7) -> int:
    answer = client.post("/api/telegram/messages", json={"chat_id": chat, "text": text})
    assert answer.status_code == 201
    return int(answer.json()["message_id"])


def updates(client: Client, **arguments: int) -> list[str]:
    found = client.post(f"{BOT}/getUpdates", json=arguments).json()
    assert found["ok"]
    return [update["message"]["text"] for update in found["result"]]


@pytest.mark.parametrize("method", ["getMe", "getme", "GETME"])
def test_the_bot_has_a_name(client: Client, method: str):
    answer = client.get(f"{BOT}/{method}").json()

    assert answer["ok"] is True
    assert answer["result"]["is_bot"] is True
    assert answer["result"]["username"].endswith("bot")


@pytest.mark.parametrize("how", ["json", "data", "params"])
def test_a_message_is_kept_however_it_is_sent(client: Client, how: str):
    text = "📣 <b>`it's`</b> & 100%\n\tok"
    answer = client.post(f"{BOT}/sendMessage", **{how: {"chat_id": "7", "text": text}}).json()

    assert answer["ok"] is True
    assert answer["result"]["text"] == text
    assert answer["result"]["chat"]["id"] == 7
    (line,) = client.get("/api/telegram/messages?chat_id=7").json()
    assert (line["from"], line["text"], line["message_id"]) == ("bot", text, answer["result"]["message_id"])
    (message,) = client.get("/api/messages").json()
    assert (message["channel"], message["text"], message["via"]) == ("7", text, "telegram")


@pytest.mark.parametrize(
    ("message", "description"),
    [
        ({"text": "x"}, "Bad Request: chat_id is empty"),
        ({"chat_id": "me", "text": "x"}, "Bad Request: chat not found"),
        ({"chat_id": 1.5, "text": "x"}, "Bad Request: chat not found"),
        ({"chat_id": 7}, "Bad Request: message text is empty"),
        ({"chat_id": 7, "text": " \n"}, "Bad Request: message text is empty"),
        ({"chat_id": 7, "text": "x" * 4097}, "Bad Request: message is too long"),
        ({"chat_id": 7, "text": "🦄" * 2049}, "Bad Request: message is too long"),
    ],
)
def test_what_telegram_refuses_is_refused(client: Client, message: dict[str, object], description: str):
    answer = client.post(f"{BOT}/sendMessage", json=message)

    assert (answer.status_code, answer.json()) == (
        400,
        {"ok": False, "error_code": 400, "description": description},
    )
    assert client.get("/api/messages").json() == []


def test_a_body_that_is_not_json_and_an_unknown_method(client: Client):
    headers = {"Content-Type": "application/json"}

    assert client.post(f"{BOT}/sendMessage", data=b"{", headers=headers).json()["error_code"] == 400
    assert client.post(f"{BOT}/sendDice").json() == {"ok": False, "error_code": 404, "description": "Not Found"}


def test_updates_are_returned_until_they_are_confirmed(client: Client):
    first, second = write(client, "a"), write(client, "b")

    assert updates(client, offset=first) == ["a", "b"]
    assert updates(client) == ["a", "b"]
    assert updates(client, offset=first, limit=1) == ["a"]
    assert updates(client, offset=second) == ["b"]
    assert updates(client) == ["b"]
    assert updates(client, offset=second + 1) == []
    assert [line["text"] for line in client.get("/api/telegram/messages?chat_id=7").json()] == ["a", "b"]


def test_an_update_has_telegrams_form(client: Client):
    number = write(client, "hello", chat=-7)
    (update,) = client.post(f"{BOT}/getUpdates", json={"offset": number}).json()["result"]

    assert update["update_id"] == number
    assert update["message"]["chat"] == {"id": -7, "first_name": "You", "type": "group"}
    assert update["message"]["from"]["is_bot"] is False
    assert isinstance(update["message"]["date"], int)


def test_a_long_poll_ends_when_something_is_written(client: Client):
    found: list[str] = []
    caller = Client(client.url)
    poll = threading.Thread(target=lambda: found.extend(updates(caller, offset=1, timeout=9)))
    poll.start()
    write(client, "now")
    poll.join()
    caller.close()

    assert found == ["now"]


def test_an_injected_rate_limit(client: Client):
    client.post("/api/faults", json={"method": "sendMessage", "status": 429, "retry_after": 5})
    answer = client.post(f"{BOT}/sendmessage", json={"chat_id": 7, "text": "x"})

    assert answer.status_code == 429
    assert answer.json() == {
        "ok": False,
        "error_code": 429,
        "description": "Too Many Requests: retry after 5",
        "parameters": {"retry_after": 5},
    }
    assert client.post(f"{BOT}/sendMessage", json={"chat_id": 7, "text": "x"}).json()["ok"] is True


def test_a_webhook_gets_updates_in_order_each_until_it_takes_it(client: Client, webhook: FakeServer):
    webhook.faults = [Fault("POST", "/hook", 500), Fault("POST", "/hook", hang_up=True)]
    arguments = {"url": f"{webhook.url}/hook", "secret_token": "s-1"}
    assert client.get(f"{BOT}/setWebHook", params=arguments).json() == {"ok": True, "result": True}
    for text in "ab":
        write(client, text)
    eventually(lambda: len(webhook.requests) == 4)

    assert [request.body["message"]["text"] for request in webhook.requests] == ["a", "a", "a", "b"]
    assert {request.headers["X-Telegram-Bot-Api-Secret-Token"] for request in webhook.requests} == {"s-1"}


def test_a_webhook_and_polling_exclude_each_other(client: Client, webhook: FakeServer):
    client.post(f"{BOT}/setWebhook", json={"url": webhook.url})
    assert client.post(f"{BOT}/getUpdates").json()["error_code"] == 409
    info = client.get(f"{BOT}/getWebhookInfo").json()["result"]
    assert info["url"] == webhook.url

    client.post(f"{BOT}/deleteWebhook")
    assert client.post(f"{BOT}/getUpdates").json()["ok"] is True


@pytest.mark.parametrize(
    "webhook", [{"url": "x"}, {"url": "ftp://x"}, {"url": "https://x", "secret_token": "a b"}], indirect=False
)
def test_an_unusable_webhook_is_refused(client: Client, webhook: dict[str, str]):
    assert client.post(f"{BOT}/setWebhook", json=webhook).json()["error_code"] == 400


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"{", "JSON"),
        (b"[]", "send a JSON object"),
        (b'{"chat_id": "me", "text": "x"}', "chat_id must be a whole number"),
        (b'{"chat_id": 7}', "text must be what you write"),
        (b'{"chat_id": 7, "text": ""}', "text must be what you write"),
        (b'{"chat_id": 7, "text": "' + b"x" * 100_001 + b'"}', "text has more than"),
    ],
)
def test_what_a_person_cannot_write_is_refused(client: Client, body: bytes, problem: str):
    kind = {"Content-Type": "application/json"}
    answer = client.post("/api/telegram/messages", data=body, headers=kind)

    assert answer.status_code == 400
    assert problem.lower() in answer.json()["error"].lower() or problem == "JSON"


def test_a_form_of_another_site_cannot_write_to_the_bot(client: Client):
    body = '{"chat_id": 7, "text": "/unwatch RNM0"}'

    assert client.post("/api/telegram/messages", data=body, headers={"Content-Type": "text/plain"}).status_code == 400
    assert client.get("/api/telegram/messages").json() == []
