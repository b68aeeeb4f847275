"""Tells about break-in attempts in the logs, on Slack or Telegram; what is one, the statements decide.

`SYSLOG_ALERTS_CHANNEL` says where: `slack` (the default) or `telegram`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from bifrost.errors import SettingError
from bifrost.settings import Settings
from services import program, slack, telegram
from services.channel import Channel, Outcome, Undeliverable

TOPIC = "SYSLOG_LOGIN_ATTACKS"
GROUP = "syslog_alerts"
SLACK_CHANNEL = "security"
USERNAME = "Syslog"
ICON = ":rotating_light:"


@dataclass(frozen=True, slots=True)
class Attack:
    """A break-in attempt on a host. `attempts` is 0 where a single login is told of; texts are as the log has them."""

    host: str
    message: str
    address: str = ""
    attempts: int = 0
    users: tuple[str, ...] = ()
    since: str = ""

    @property
    def destination(self) -> str:
        """All attacks go to one place."""
        return "the people on duty"

    @property
    def headline(self) -> str:
        """What happened, in one line."""
        if not self.attempts:
            return f"Login of an unknown user on {self.host}"
        who = f" as {', '.join(self.users)}" if self.users else ""
        when = f" since {self.since} UTC" if self.since else ""
        return f"{self.attempts} login attempts on {self.host} from {self.address}{who}{when}"


def compose(value: bytes | None) -> Attack | Undeliverable | None:
    """The attack of a record like `{"HOST_NAME": "rpi-03", "FROM_ADDRESS": "1.2.3.4", "ATTEMPTS": 3, "MESSAGE": ...}`.

    A single line, like `{"HOST": "rpi-03", "MESSAGE": ...}`, is told too. A null value says nothing.
    """
    if value is None:
        return None
    try:
        found = orjson.loads(value)
        host = _text(found, "HOST_NAME" if "HOST_NAME" in found else "HOST")
        message = _text(found, "MESSAGE")
    except orjson.JSONDecodeError as error:
        return Undeliverable(f"not JSON: {error}")
    except (TypeError, ValueError) as error:
        return Undeliverable(str(error))
    attempts = found.get("ATTEMPTS")
    return Attack(
        host,
        message.strip(),
        str(found.get("FROM_ADDRESS") or ""),
        attempts if isinstance(attempts, int) else 0,
        tuple(str(user) for user in found.get("USERS") or ()),
        str(found.get("SINCE") or ""),
    )


def slack_message(attack: Attack) -> slack.SlackMessage:
    """The attack as Slack shows it, the line of the log as a quotation."""
    headline = slack.fitting(slack.escaped(attack.headline), 2_000)
    line = slack.fitting(slack.escaped(attack.message).replace("\n", " "), slack.TEXT_LIMIT - len(headline) - 10)
    return slack.SlackMessage(SLACK_CHANNEL, f"*{headline}*\n> {line}", USERNAME, ICON)


class SlackAlerts:
    """Slack for attacks."""

    def __init__(self, channel: Channel[slack.SlackMessage]) -> None:
        self._channel = channel

    def send(self, notification: Attack) -> Outcome:
        """Post once."""
        return self._channel.send(slack_message(notification))

    def close(self) -> None:
        """Give the connection back."""
        self._channel.close()


class TelegramAlerts:
    """One chat of Telegram for attacks."""

    def __init__(self, channel: Channel[telegram.TelegramMessage], chat: int | str) -> None:
        self._channel = channel
        self._chat = chat

    def send(self, notification: Attack) -> Outcome:
        """Send once."""
        text = telegram.fitting(f"🚨 {notification.headline}\n\n{notification.message}", telegram.TEXT_LIMIT)
        return self._channel.send(telegram.TelegramMessage(self._chat, text))

    def close(self) -> None:
        """Give the connection back."""
        self._channel.close()


def alert_channel(settings: Settings) -> Channel[Attack]:
    """The channel that is set.

    Raises:
        SettingError: it is neither of the two, or one of its own settings is missing.
    """
    match settings.get("SYSLOG_ALERTS_CHANNEL", "slack"):
        case "slack":
            return SlackAlerts(slack.slack_channel(settings))
        case "telegram":
            return TelegramAlerts(telegram.telegram_channel(settings), telegram.alert_chat(settings))
        case other:
            raise SettingError("SYSLOG_ALERTS_CHANNEL", f"{other!r} is neither slack nor telegram")


def main() -> None:
    """Run the service."""
    program.main(program.Service("syslog_alerts", GROUP, TOPIC, compose, alert_channel))


def _text(found: dict[str, Any], name: str) -> str:
    value = found.get(name) if isinstance(found, dict) else None
    if not isinstance(value, str):
        raise ValueError(f"{name} is {'missing' if value is None else 'not a text'}")
    return value


if __name__ == "__main__":
    main()
