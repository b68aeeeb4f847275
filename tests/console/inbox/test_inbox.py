"""Accepted messages are kept in order, also across a restart."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bifrost.console.inbox.message_store import Draft, Inbox, microseconds, timestamp
from bifrost.console.pages.inbox_feed import live_updates
from tests.console.conftest import NOON
from tests.fakes.console import Client


def draft(text: str, channel: str = "c") -> Draft:
    return Draft(channel, text, "user", ":rocket:", "slack")


def opened(path: Path) -> Inbox:
    return Inbox(path, lambda: NOON)


async def _post_all(inbox: Inbox, texts: list[str]) -> None:
    await asyncio.gather(*(inbox.post(draft(text)) for text in texts))


def test_posts_that_come_together_are_kept_in_order_by_one_commit(path: Path):
    inbox = opened(path)
    commits: list[str] = []
    inbox._store.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
    texts = [str(number) for number in range(100)]

    asyncio.run(_post_all(inbox, texts))

    assert [message.text for message in inbox.messages()] == texts
    assert commits == ["COMMIT"]
    inbox.close()


def test_an_accepted_message_outlives_a_console_that_is_never_closed(path: Path):
    killed = opened(path)
    asyncio.run(_post_all(killed, ["first"]))

    again = opened(path)
    asyncio.run(_post_all(again, ["second"]))

    assert [message.text for message in again.messages()] == ["first", "second"]
    assert again.counts == {"c": 2}
    again.close()
    killed.close()


def test_ids_rise_even_when_the_clock_goes_back(path: Path):
    inbox = opened(path)
    asyncio.run(_post_all(inbox, ["a"]))
    earlier = Inbox(path, lambda: NOON - 3600)
    asyncio.run(_post_all(earlier, ["b"]))

    assert [message.text for message in earlier.messages()] == ["a", "b"]
    inbox.close()
    earlier.close()


def test_only_the_newest_messages_are_kept(path: Path):
    inbox = Inbox(path, lambda: NOON, max_kept=20)
    asyncio.run(_post_all(inbox, [str(number) for number in range(22)]))
    assert inbox.counts == {"c": 22}
    asyncio.run(_post_all(inbox, ["22", "23"]))

    assert [message.text for message in inbox.messages()] == [str(number) for number in range(4, 24)]
    assert inbox.counts == {"c": 20}
    inbox.close()
    again = Inbox(path, lambda: NOON, max_kept=20)
    assert again.counts == {"c": 20}
    again.close()


def test_a_channel_without_messages_is_no_longer_listed(path: Path):
    inbox = Inbox(path, lambda: NOON, max_kept=2)
    asyncio.run(inbox.post(draft("old", channel="gone")))
    asyncio.run(_post_all(inbox, ["1", "2", "3"]))

    assert dict(inbox.counts) == {"c": 2}
    inbox.close()


def test_a_message_that_cannot_be_stored_is_not_accepted(path: Path):
    inbox = opened(path)
    with sqlite3.connect(path) as other:
        other.execute("DROP TABLE messages")
    other.close()

    with pytest.raises(sqlite3.OperationalError):
        asyncio.run(_post_all(inbox, ["lost"]))
    inbox.close()


def test_listing_is_bounded_by_since_and_limit(client: Client):
    for number in range(5):
        client.post("/api/chat.postMessage", json={"channel": "c", "text": str(number)})
    stamps = [message["ts"] for message in client.get("/api/messages").json()]

    def texts(query: str) -> list[str]:
        return [message["text"] for message in client.get(f"/api/messages?{query}").json()]

    assert texts("limit=2") == ["3", "4"]
    assert texts(f"since={stamps[2]}") == ["3", "4"]
    assert texts(f"since={stamps[0]}&limit=1") == ["4"]
    assert texts("limit=0") == []


@pytest.mark.parametrize("query", ["limit=-1", "limit=x", "since=x", "since=1.2.3", "since=" + "9" * 40, "since=-1"])
def test_an_invalid_listing_is_refused(client: Client, query: str):
    assert client.get(f"/api/messages?{query}").status_code == 400


def test_clearing_empties_it(client: Client):
    client.post("/api/chat.postMessage", json={"channel": "c", "text": "t"})

    assert client.delete("/api/messages").json() == {"deleted": 1}
    assert client.get("/api/messages").json() == []


def test_healthz(client: Client):
    assert client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize("at_us", [0, 1, 1_528_804_500_000_247])
def test_ts_round_trip(at_us: int):
    assert microseconds(timestamp(at_us)) == at_us


async def _next_event(feed: AsyncIterator[str]) -> tuple[str, dict[str, object]]:
    async for chunk in feed:
        fields = dict(line.split(": ", 1) for line in chunk.strip().split("\n") if ": " in line)
        if "event" in fields:
            return fields["event"], json.loads(fields["data"])
    raise AssertionError("the feed ended")


def test_a_page_is_updated_with_new_messages_and_when_they_are_cleared(path: Path):
    async def scenario() -> None:
        inbox = opened(path)
        old = await inbox.post(draft("old"))
        feed = live_updates(inbox, old.ts, pace_s=0)
        waiting = asyncio.ensure_future(_next_event(feed))
        await inbox.post(draft("<b>new", channel="<c>"))

        name, data = await asyncio.wait_for(waiting, 5)
        assert name == "messages"
        assert "&lt;b&gt;new" in str(data["html"])
        assert "old" not in str(data["html"])
        assert data["channels"] == {"c": 1, "<c>": 1}

        inbox.clear()
        assert await asyncio.wait_for(_next_event(feed), 5) == ("cleared", {"channels": {}})
        await feed.aclose()
        inbox.close()

    asyncio.run(scenario())
