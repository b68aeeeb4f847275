"""Our services and other clients of Slack must not notice that the inbox is not Slack."""

from __future__ import annotations

import json

import pytest

from tests.fakes.console import Client

ALERT = {"channel": "unhappy-customers", "username": "KSQL Notifications", "icon_emoji": ":rocket:", "text": "`a` left"}


@pytest.mark.parametrize("address", ["/api/chat.postMessage", "/chat.postMessage"])
def test_a_json_post_is_answered_as_slack_does_and_kept(client: Client, address: str):
    answer = client.post(address, json=ALERT).json()

    assert answer["ok"] is True
    assert answer["channel"] == "unhappy-customers"
    assert answer["ts"] == answer["message"]["ts"]
    assert answer["ts"].startswith("1528804500.")
    assert answer["message"]["text"] == "`a` left"
    assert client.get("/api/messages").json() == [{**ALERT, "ts": answer["ts"], "via": "slack"}]


def test_a_form_post_with_the_token_inside_is_kept(client: Client):
    del client.headers["Authorization"]
    answer = client.post("/api/chat.postMessage", data={**ALERT, "token": "xoxb-1", "text": "a&b=ü"}).json()

    assert answer["ok"] is True
    assert client.get("/api/messages").json()[0]["text"] == "a&b=ü"


@pytest.mark.parametrize("authorization", [None, "Basic abc", "Bearer ", "Bearer"])
def test_without_a_token_nothing_is_kept(client: Client, authorization: str | None):
    del client.headers["Authorization"]
    headers = {} if authorization is None else {"Authorization": authorization}

    assert client.post("/api/chat.postMessage", json=ALERT, headers=headers).json() == {
        "ok": False,
        "error": "not_authed",
    }
    assert client.get("/api/messages").json() == []


@pytest.mark.parametrize(
    ("body", "kind", "error"),
    [
        (json.dumps({**ALERT, "text": ""}), "application/json", "no_text"),
        (json.dumps({"channel": "c"}), "application/json; charset=utf-8", "no_text"),
        (json.dumps({"text": "t"}), "application/json", "channel_not_found"),
        (json.dumps({"channel": 7, "text": "t"}), "application/json", "channel_not_found"),
        ("{", "application/json", "invalid_json"),
        ("[1]", "application/json", "json_not_object"),
        (b"\xff\xfe", "application/json", "invalid_json"),
        ("channel=c&text=t", "text/plain", "invalid_post_type"),
    ],
)
def test_what_slack_refuses_is_refused_by_its_name(client: Client, body: str | bytes, kind: str, error: str):
    answer = client.post("/api/chat.postMessage", data=body, headers={"Content-Type": kind})

    assert (answer.status_code, answer.json()) == (200, {"ok": False, "error": error})


def test_other_methods(client: Client):
    assert client.post("/api/auth.test").json()["ok"] is True
    assert client.post("/api/api.test", json={"foo": "bar"}).json() == {"ok": True, "args": {"foo": "bar"}}
    assert client.post("/api/api.test", json={"error": "my_error"}).json()["error"] == "my_error"
    assert client.post("/api/chat.scheduleMessage").json() == {"ok": False, "error": "unknown_method"}


def test_messages_of_one_moment_have_rising_ids(client: Client):
    stamps = [client.post("/api/chat.postMessage", json=ALERT).json()["ts"] for _ in range(3)]

    assert stamps == sorted(set(stamps))


def test_a_too_long_text_is_cut_where_slack_cuts_it(client: Client):
    client.post("/api/chat.postMessage", json={**ALERT, "text": "x" * 40_001})

    assert len(client.get("/api/messages").json()[0]["text"]) == 40_000


def test_an_injected_rate_limit(client: Client):
    order = {"method": "chat.postMessage", "status": 429, "retry_after": 7, "count": 2}
    assert client.post("/api/faults", json=order).status_code == 201

    limited = [client.post("/api/chat.postMessage", json=ALERT) for _ in range(2)]
    assert [(answer.status_code, answer.headers["Retry-After"]) for answer in limited] == [(429, "7"), (429, "7")]
    assert limited[0].json() == {"ok": False, "error": "ratelimited"}
    assert client.post("/api/auth.test").json()["ok"] is True
    assert client.post("/api/chat.postMessage", json=ALERT).json()["ok"] is True
    assert len(client.get("/api/messages").json()) == 1


def test_an_injected_error_has_its_name(client: Client):
    client.post("/api/faults", json={"method": "chat.postMessage", "error": "invalid_auth"})

    answer = client.post("/chat.postMessage", json=ALERT)
    assert (answer.status_code, answer.json()) == (200, {"ok": False, "error": "invalid_auth"})


def test_faults_can_be_listed_and_removed(client: Client):
    client.post("/api/faults", json={"method": "chat.postMessage", "status": 503, "count": 5})
    assert client.get("/api/faults").json()[0]["count"] == 5

    client.delete("/api/faults")
    assert client.post("/api/chat.postMessage", json=ALERT).json()["ok"] is True


@pytest.mark.parametrize(
    ("order", "problem"),
    [
        ([], "a fault is a JSON object"),
        ({}, "'method' names"),
        ({"method": "m", "status": 42}, "'status' is a whole number from 200 to 599"),
        ({"method": "m", "status": "429"}, "'status'"),
        ({"method": "m", "count": 0}, "'count'"),
        ({"method": "m", "count": True}, "'count'"),
        ({"method": "m", "retry_after": -1}, "'retry_after'"),
        ({"method": "m", "error": 1}, "'error'"),
        ({"method": "m", "retryAfter": 1}, "unknown key 'retryAfter'"),
    ],
)
def test_an_incomplete_fault_is_refused(client: Client, order: object, problem: str):
    answer = client.post("/api/faults", json=order)

    assert answer.status_code == 400
    assert problem in answer.json()["error"]
    assert client.get("/api/faults").json() == []


def test_a_fault_that_is_not_json_is_refused(client: Client):
    assert client.post("/api/faults", data=b"{").status_code == 400
