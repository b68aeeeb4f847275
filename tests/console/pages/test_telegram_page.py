"""The page on which a person writes to the bot."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bifrost.console.inbox.chat_store import PRUNE_EVERY, TelegramChats, Webhook
from bifrost.console.pages.page_frame import STATIC
from bifrost.console.pages.telegram_page import live_lines
from tests.console.conftest import NOON
from tests.console.pages.test_inbox_page import ATTACKS, parsed
from tests.fakes.console import Client


@pytest.fixture(autouse=True)
def clean(client: Client) -> None:
    client.delete("/api/telegram/messages")


@pytest.fixture
def chats(tmp_path: Path) -> TelegramChats:
    return TelegramChats(tmp_path / "telegram.sqlite", lambda: NOON)


def write(client: Client, text: str, chat: int = 4242) -> None:
    client.post("/api/telegram/messages", json={"chat_id": chat, "text": text}).raise_for_status()


def test_a_chat_is_shown_in_order_with_who_wrote(client: Client):
    write(client, "a4:83:e7:4e:39:15")
    client.post("/bot1:A/sendMessage", json={"chat_id": 4242, "text": "📡 *stats*\n\tone"})
    page = client.get("/telegram?chat=4242").text

    asked, answered = page.index('class="line person"'), page.index('class="line bot"')
    assert asked < page.index("a4:83:e7:4e:39:15", asked) < answered < page.index("📡 *stats*\n\tone", answered)


def test_the_newest_chat_opens_and_the_others_are_listed(client: Client):
    write(client, "old", chat=1)
    write(client, "new", chat=2)
    page = client.get("/telegram").text

    assert 'data-chat="2"' in page
    assert 'href="/telegram?chat=1"' in page
    assert page.count('aria-current="true"') == 1


@pytest.mark.parametrize("query", ["", "?chat=x", "?chat=4242"])
def test_a_page_with_nothing_written_opens_the_chat_of_alerts(client: Client, query: str):
    assert 'data-chat="4242"' in client.get(f"/telegram{query}").text


def test_no_text_becomes_markup(client: Client):
    for attack in ATTACKS:
        write(client, attack)
        client.post("/bot1:A/sendMessage", json={"chat_id": 4242, "text": attack})
    page = parsed(client.get("/telegram").text)

    lines = [attributes for tag, attributes in page.found if tag == "article"]
    assert len(lines) == 2 * len(ATTACKS)
    assert {tag for tag, _ in page.found} & {"iframe", "img"} <= {"img"}
    assert all(not name.startswith("on") for _, attributes in page.found for name in attributes)
    assert [attributes.get("src") for tag, attributes in page.found if tag == "script"] == ["/static/telegram.js"]


def test_the_inbox_shows_telegrams_text_as_it_is(client: Client):
    client.post("/bot1:A/sendMessage", json={"chat_id": 4242, "text": "📣 `RNM0` *not bold*"})

    assert "📣 `RNM0` *not bold*" in client.get("/inbox").text


def test_the_page_asks_nothing_of_other_hosts(client: Client):
    policy = client.get("/telegram").headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    files = [STATIC / f"telegram.{kind}" for kind in ("html", "css", "js")]
    assert not any(re.search(r"https?://|@import|url\(", file.read_text()) for file in files)


def test_an_invalid_listing_is_refused(client: Client):
    assert client.get("/api/telegram/messages?since=x").status_code == 400


async def _next_event(feed: AsyncIterator[str]) -> tuple[str, dict[str, str]]:
    async for chunk in feed:
        fields = dict(line.split(": ", 1) for line in chunk.strip().split("\n") if ": " in line)
        if "event" in fields:
            return fields["event"], json.loads(fields["data"])
    raise AssertionError("the feed ended")


def test_a_page_is_updated_with_its_chat_and_the_list_of_chats(chats: TelegramChats):
    async def scenario() -> None:
        old = chats.add(1, "person", "old")
        feed = live_lines(chats, 1, old.number, pace_s=0)
        waiting = asyncio.ensure_future(_next_event(feed))
        chats.add(1, "bot", "<b>new")
        chats.add(2, "bot", "elsewhere")

        name, data = await asyncio.wait_for(waiting, 5)
        assert name == "lines"
        assert "&lt;b&gt;new" in data["html"]
        assert "elsewhere" not in data["html"]
        assert "elsewhere" in data["chats"]

        chats.clear()
        assert await asyncio.wait_for(_next_event(feed), 5) == ("cleared", {})
        await feed.aclose()

    asyncio.run(scenario())
    chats.close()


def test_chats_and_what_is_confirmed_outlive_the_console(tmp_path: Path, chats: TelegramChats):
    first, second = chats.add(1, "person", "a"), chats.add(1, "person", "b")
    chats.confirm(second.number)
    chats.set_webhook(Webhook("http://127.0.0.1:1/", "s"))

    again = TelegramChats(tmp_path / "telegram.sqlite", lambda: NOON)
    assert again.updates(10) == [second]
    assert again.lines(1) == [first, second]
    assert again.webhook == Webhook("http://127.0.0.1:1/", "s")
    again.clear()
    assert again.add(1, "person", "c").number > second.number
    again.close()
    chats.close()


def test_a_negative_offset_leaves_the_newest(chats: TelegramChats):
    lines = [chats.add(1, "person", text) for text in "abc"]
    chats.confirm(-2)

    assert chats.updates(10) == lines[1:]
    chats.close()


def test_only_the_newest_lines_are_kept_and_what_the_bot_has_still_to_read(tmp_path: Path):
    chats = TelegramChats(tmp_path / "few.sqlite", lambda: NOON, max_kept=10)
    waiting = chats.add(1, "person", "not read yet")
    for number in range(PRUNE_EVERY):
        chats.add(1, "bot", str(number))

    kept = chats.lines()
    assert kept[0] == waiting
    assert len(kept) <= 1 + 10 + 1  # that of the person, the newest, and what came after the last look
    assert chats.updates(10) == [waiting]
    chats.close()
