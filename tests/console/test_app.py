"""Who may use the console: programs and its own pages, not the pages of other sites."""

from __future__ import annotations

import pytest

from tests.fakes.console import Client

FOREIGN_PAGE = {"Origin": "https://evil.example"}
PATHS = ("/", "/inbox", "/api/messages", "/api/faults", "/telegram", "/static/page_frame.js", "/bot1/getMe", "/healthz")


@pytest.mark.parametrize("path", PATHS)
def test_a_page_of_another_site_reads_nothing(client: Client, path: str):
    for headers in (FOREIGN_PAGE, {"Host": "rebound.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = client.get(path, headers=headers)
        assert (answer.status_code, answer.json()["ok"]) == (403, False)
    assert client.get(path).status_code == 200


def test_a_page_of_another_site_changes_nothing(client: Client):
    message = {"channel": "fraud", "text": "hello"}
    assert client.post("/api/chat.postMessage", json=message).json()["ok"] is True

    form = {"Content-Type": "text/plain", **FOREIGN_PAGE}
    assert client.post("/api/chat.postMessage", data="{}", headers=form).status_code == 403
    assert client.delete("/api/messages", headers=FOREIGN_PAGE).status_code == 403
    assert client.post("/bot1/sendMessage", data={"chat_id": 1, "text": "x"}, headers=FOREIGN_PAGE).status_code == 403
    assert len(client.get("/api/messages").json()) == 1


def test_the_consoles_own_pages_may_use_it(client: Client):
    own = {"Origin": client.url, "Sec-Fetch-Site": "same-origin"}
    assert client.delete("/api/messages", headers=own).status_code == 200
