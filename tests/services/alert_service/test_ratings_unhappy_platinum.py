"""The message about an unhappy platinum customer, byte by byte, from the project's alert file."""

from __future__ import annotations

import json

import pytest

from bifrost.alerts import read_alert
from bifrost.settings import PROJECT
from services.delivery.channel import Undeliverable
from services.delivery.slack import SlackMessage
from tests.services.project_alerts import message_for

ALERT = "ratings_unhappy_platinum"


def compose(value: bytes | None) -> SlackMessage | Undeliverable | None:
    return message_for(ALERT, value)


def alert(email: object, message: object) -> bytes:
    fields = {"CLUB_STATUS": "platinum", "EMAIL": email, "STARS": 1, "MESSAGE": message}
    return json.dumps(fields).encode()


def text_of(value: bytes) -> str:
    found = compose(value)
    assert isinstance(found, SlackMessage)
    return found.text


def test_the_message_is_the_documents():
    assert compose(alert("ltoopinc@icio.us", "worst. flight. ever. #neveragain")) == SlackMessage(
        channel="unhappy-customers",
        username="KSQL Notifications",
        icon_emoji=":rocket:",
        text=(
            "`ltoopinc@icio.us` just left a bad review :disappointed:\n> worst. flight. ever. #neveragain\n\n"
            "_Please contact them immediately and see if we can fix the issue *right here, right now*_"
        ),
    )
    file = read_alert(PROJECT / "alerts" / f"{ALERT}.toml")
    assert (file.topic, file.group) == ("UNHAPPY_PLATINUM_CUSTOMERS", "python_kafka_notify.py")
    assert (file.once, file.quiet) == (None, None)


def test_avro_json_gives_the_same_message():
    wrapped = {
        "CLUB_STATUS": {"string": "platinum"},
        "EMAIL": {"string": "italboyd@imageshack.us"},
        "STARS": {"int": 2},
        "MESSAGE": {"string": "(expletive deleted)"},
    }
    assert compose(json.dumps(wrapped).encode()) == compose(alert("italboyd@imageshack.us", "(expletive deleted)"))


def test_customers_cannot_call_the_channel():
    assert "> &lt;!channel&gt; &amp; %s %(x)s\n" in text_of(alert("<@U1>", "<!channel> & %s %(x)s"))
    assert text_of(alert("<@U1>", "m")).startswith("`&lt;@U1&gt;` just")


def test_umlauts_and_emoji_pass():
    assert "> grüße ✈️\n" in text_of(alert("a@b.c", "grüße ✈️"))


def test_a_text_longer_than_slack_takes_is_cut_and_keeps_its_end():
    text = text_of(alert("a@b.c", "&" * 50_000))

    assert 39_990 < len(text) <= 40_000
    assert "&amp;…\n\n_Please contact" in text


def test_a_numeric_message_is_shown_as_text():
    assert "> 7\n" in text_of(alert("a@b.c", 7))
    assert "> 7\n" in text_of(alert("a@b.c", {"int": 7}))


def test_a_tombstone_sends_no_message():
    assert compose(None) is None


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"\x00\x00\x00\x00\x01abc", "not JSON"),
        (b"[" * 5_000, "not JSON"),
        (b"[]", "the value is not a JSON object"),
        (b'"EMAIL"', "the value is not a JSON object"),
        (b"{}", "EMAIL is missing"),
        (alert(None, "m"), "EMAIL is missing"),
        (alert("a", None), "MESSAGE is missing"),
        (alert("a", {"string": None}), "MESSAGE is missing"),
    ],
)
def test_an_unreadable_record_is_undeliverable_with_the_reason(value: bytes, reason: str):
    found = compose(value)

    assert isinstance(found, Undeliverable)
    assert found.reason.startswith(reason)
