"""What a page shows, and that no message can become markup or script."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from bifrost.alerts import read_alerts
from bifrost.console.pages.icons import NAMES
from bifrost.console.pages.mrkdwn import to_html
from bifrost.console.pages.page_frame import STATIC
from bifrost.settings import PROJECT
from tests.fakes.console import Client

ALERT = (
    "`ltoopinc@icio.us` just left a bad review :disappointed:\n> worst. flight. ever. #neveragain\n\n"
    "_Please contact them immediately and see if we can fix the issue *right here, right now*_"
)
ATTACKS = (
    "<script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "`<script>`",
    "*<script>*",
    "> <script>",
    "_*<b onclick=x>*_",
    "</article></div><iframe src=javascript:alert(1)>",
    "{ts} $since ${messages}",
    ":<script>:",
)


class Tags(HTMLParser):
    """Collects every start tag with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(markup: str) -> Tags:
    tags = Tags()
    tags.feed(markup)
    return tags


def post(client: Client, **message: str) -> None:
    answer = client.post("/api/chat.postMessage", json={"channel": "c", "text": "t", **message}).json()
    assert answer["ok"]


def test_the_alert_looks_as_in_slack():
    assert to_html(ALERT) == (
        '<code>ltoopinc@icio.us</code> just left a bad review <span class="emoji">😞</span>'
        "<blockquote>worst. flight. ever. #neveragain</blockquote>"
        "<em>Please contact them immediately and see if we can fix the issue "
        "<strong>right here, right now</strong></em>"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("snake_case_name", "snake_case_name"),
        ("a\nb", "a\nb"),
        ("> a\n> b\nc", "<blockquote>a\nb</blockquote>c"),
        ("`*a*`", "<code>*a*</code>"),
        ("~gone~", "<s>gone</s>"),
        (":unknown_name:", ":unknown_name:"),
        ("12:30:45", "12:30:45"),
        ("*a _b* c_", "<strong>a _b</strong> c_"),
        ("&amp;amp;", "&amp;amp;"),
        ("", ""),
    ],
)
def test_markup(text: str, shown: str):
    assert to_html(text) == shown


@pytest.mark.parametrize("text", ["*_" * 20_000 + "x" + "_*" * 20_000, "*a " * 13_000, ":" * 40_000, "`" * 40_001])
def test_hostile_markup_is_shown_without_delay_or_crash(text: str):
    assert to_html(text)


@pytest.mark.parametrize("field", ["text", "username", "icon_emoji", "channel"])
def test_no_field_of_a_message_becomes_markup(client: Client, field: str):
    plain = parsed(client.get("/inbox").text)
    for attack in ATTACKS:
        post(client, **{field: attack})
    page = parsed(client.get("/inbox").text)

    allowed = {"article", "span", "header", "b", "time", "div", "code", "strong", "em", "blockquote", "button"}
    added = page.found[:]
    for tag in plain.found:
        if tag in added:
            added.remove(tag)
    assert {tag for tag, _ in added} <= allowed | {"body"}
    assert len([tag for tag, _ in added if tag == "article"]) == len(ATTACKS)
    assert all(not name.startswith("on") for _, attributes in added for name in attributes)


def test_the_page_shows_messages_newest_first(client: Client):
    post(client, text="alpha", channel="unhappy-customers", username="KSQL Notifications", icon_emoji=":rocket:")
    post(client, text="omega")
    page = client.get("/inbox").text

    assert page.index("omega") < page.index("alpha")
    assert "<svg " in page
    assert "#unhappy-customers" in page
    assert "KSQL Notifications" in page


def test_the_page_asks_nothing_of_other_hosts(client: Client):
    page = client.get("/inbox")
    policy = page.headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert not re.search(r"https?:|unsafe", policy)
    files = [path for path in STATIC.iterdir() if path.suffix in (".html", ".css", ".js")]
    named = {"http://www.w3.org/2000/svg"}  # a namespace, which is never requested
    assert not any(set(re.findall(r"https?://[^\s\"]+|@import|url\(", file.read_text())) - named for file in files)


def test_the_page_needs_no_inline_script_or_style(client: Client):
    for tag, attributes in parsed(client.get("/inbox").text).found:
        assert tag != "style"
        assert tag != "script" or attributes.get("src")
        assert "style" not in attributes


@pytest.mark.parametrize("name", ["inbox.css", "inbox.js", "icon.svg"])
def test_static_files_are_served(client: Client, name: str):
    assert client.get(f"/static/{name}").status_code == 200


def test_an_icon_is_drawn_and_an_unknown_one_is_the_first_letter_of_the_name(client: Client):
    for icon in (":eyes:", ":no_such_emoji_of_ours:", "", "https://evil.example/x.png"):
        message = {"channel": "c", "text": icon or "none", "username": "syslog", "icon_emoji": icon}
        client.post("/api/chat.postMessage", json=message)
    avatars = re.findall(r'<span class="avatar" aria-hidden="true">(.*?)</span>', client.get("/inbox").text)
    assert avatars[:3] == ["S", "S", "S"]
    assert avatars[3].startswith("<svg ")


def test_the_icons_of_all_alerts_are_drawn():
    icons = {alert.icon.strip(":") for alert in read_alerts(PROJECT / "alerts", pytest.fail)}
    assert icons <= NAMES
