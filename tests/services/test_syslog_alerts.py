"""What the people on duty are told about break-in attempts."""

from __future__ import annotations

import json

import pytest

from bifrost.errors import SettingError
from bifrost.settings import Settings
from services import slack, telegram
from services.channel import Delivered, Undeliverable
from services.syslog_alerts import Attack, SlackAlerts, TelegramAlerts, alert_channel, compose, slack_message

LINE = "rpi-03 sshd[24150]: Invalid user mini from 114.130.4.16"
ATTACK = {
    "HOST_NAME": "rpi-03",
    "FROM_ADDRESS": "114.130.4.16",
    "ATTEMPTS": 3,
    "USERS": ["mini", "admin"],
    "MESSAGE": LINE,
    "SINCE": "2018-03-04 15:20:00",
}


def attack(**fields: object) -> Attack:
    found = compose(json.dumps(fields).encode())
    assert isinstance(found, Attack)
    return found


class Sent:
    """A channel that keeps what it is given."""

    def __init__(self) -> None:
        self.messages: list[slack.SlackMessage | telegram.TelegramMessage] = []

    def send(self, notification: slack.SlackMessage | telegram.TelegramMessage) -> Delivered:
        self.messages.append(notification)
        return Delivered()

    def close(self) -> None:
        pass


def test_an_attack_is_told_with_who_where_and_since_when():
    sent = Sent()
    SlackAlerts(sent).send(attack(**ATTACK))

    assert sent.messages == [
        slack.SlackMessage(
            "security",
            "*3 login attempts on rpi-03 from 114.130.4.16 as mini, admin since 2018-03-04 15:20:00 UTC*\n> " + LINE,
            "Syslog",
            ":rotating_light:",
        )
    ]


def test_telegram_is_told_the_same():
    sent = Sent()
    TelegramAlerts(sent, 7).send(attack(**ATTACK))

    (message,) = sent.messages
    assert isinstance(message, telegram.TelegramMessage)
    assert (message.chat, message.text.splitlines()[-1]) == (7, LINE)


def test_a_single_login_is_told_too():
    text = slack_message(attack(DATE=1520176464000, HOST="rpi-03", MESSAGE=LINE, HOSTNAME="rpi-03.moffatt.me")).text

    assert all(part in text for part in ("rpi-03", "Invalid user mini", "114.130.4.16"))


def test_an_attacker_cannot_call_the_channel():
    text = slack_message(attack(**{**ATTACK, "USERS": ["<!channel>"], "MESSAGE": "a\n> b & <@U1>"})).text

    assert "<!" not in text and "<@" not in text
    assert text.count("\n") == 1


@pytest.mark.parametrize("value", [b"{", b"[]", b"null", b'{"HOST": 1, "MESSAGE": "m"}', b'{"HOST_NAME": "h"}'])
def test_what_says_nothing_is_undeliverable(value):
    assert isinstance(compose(value), Undeliverable)


def test_a_row_that_left_the_table_says_nothing():
    assert compose(None) is None


def test_the_channel_is_a_setting():
    values = {"BIFROST_TARGET": "embedded", "BIFROST_HOME": "/nonexistent"}

    for name, kind in (("", SlackAlerts), ("slack", SlackAlerts), ("telegram", TelegramAlerts)):
        channel = alert_channel(Settings({**values, "SYSLOG_ALERTS_CHANNEL": name}))
        assert isinstance(channel, kind)
        channel.close()
    with pytest.raises(SettingError, match="neither slack nor telegram"):
        alert_channel(Settings({**values, "SYSLOG_ALERTS_CHANNEL": "pigeon"}))
