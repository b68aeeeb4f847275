"""Alerts as messages of their channels, and the rules that keep some of them back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bifrost.alert_template import value_of
from bifrost.alerts import CHANNELS, Alert, Once, Quiet
from bifrost.clients.consumer_group import Record
from bifrost.errors import Refused, SettingError
from bifrost.settings import Settings
from services.delivery import slack, telegram
from services.delivery.channel import Channel, ComposeRecord, Delivered, LeftOut, Outcome, RetryAfter, Undeliverable
from services.delivery.slack import SlackMessage
from services.delivery.telegram import TelegramMessage

NOT_FOUND = 404
LOOK_AGAIN_S = 60.0
"""Quiet hours are looked at anew after so long: a clock may be set."""
REMEMBERED = 100_000
"""Most different alerts that are remembered as told."""


@dataclass(frozen=True, slots=True)
class AlertMessage:
    """A message, and what makes it the same as another one (`None`: nothing does)."""

    message: SlackMessage | TelegramMessage
    identity: tuple[str, ...] | None = None

    @property
    def destination(self) -> str:
        """Where it goes."""
        return self.message.destination


Reader = Callable[[Record], dict[str, Any] | None]


def composer(alert: Alert, read: Reader, chat: int | str) -> ComposeRecord[AlertMessage]:
    """What makes an alert's messages; `chat` is the Telegram chat where the alert names none."""

    def compose(record: Record) -> AlertMessage | Undeliverable | None:
        try:
            values = read(record)
            return None if values is None else AlertMessage(_message(alert, values, chat), _identity(alert, values))
        except ValueError as error:
            return Undeliverable(str(error))
        except Refused as error:
            if error.status != NOT_FOUND:
                raise
            return Undeliverable(f"its schema is not in the registry: {error.body}")

    return compose


def _message(alert: Alert, values: dict[str, Any], chat: int | str) -> SlackMessage | TelegramMessage:
    if alert.channel == "slack":
        text = alert.template.render(
            values, escape=slack.escaped, cut=slack.fitting, length=len, limit=slack.TEXT_LIMIT
        )
        return SlackMessage(alert.to, text, alert.username, alert.icon)
    text = alert.template.render(
        values, escape=str, cut=telegram.fitting, length=telegram.length, limit=telegram.TEXT_LIMIT
    )
    return TelegramMessage(chat, text)


def _identity(alert: Alert, values: dict[str, Any]) -> tuple[str, ...] | None:
    if alert.once is None:
        return None
    return tuple(str(value_of(tuple(name.split(".")), values)) for name in alert.once.by)


class SuppressingChannel:
    """A channel that says nothing in quiet hours, and nothing twice within a while."""

    def __init__(
        self,
        inner: Channel[Any],
        once: Once | None,
        quiet: Quiet | None,
        *,
        clock: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        """Wire the parts; `clock` gives seconds from any fixed moment, `now` the (aware) time of day."""
        self._inner = inner
        self._once = once
        self._quiet = quiet
        self._clock = clock
        self._now = now
        self._told: dict[tuple[str, ...], float] = {}

    def send(self, notification: AlertMessage) -> Outcome:
        """Send, unless a rule speaks against it."""
        if self._is_told(notification.identity):
            return LeftOut()
        quiet_s = self._quiet.remaining_s(self._now()) if self._quiet else 0.0
        if quiet_s > 0:
            return RetryAfter(min(quiet_s, LOOK_AGAIN_S), "quiet hours")
        outcome = self._inner.send(notification.message)
        if isinstance(outcome, Delivered):
            self._remember(notification.identity)
        return outcome

    def close(self) -> None:
        """Give the connection back."""
        self._inner.close()

    def _is_told(self, identity: tuple[str, ...] | None) -> bool:
        if identity is None or self._once is None:
            return False
        told_at = self._told.get(identity)
        return told_at is not None and self._clock() - told_at < self._once.within_s

    def _remember(self, identity: tuple[str, ...] | None) -> None:
        if identity is None or self._once is None:
            return
        now = self._clock()
        self._told.pop(identity, None)
        self._told[identity] = now  # the oldest stay in front
        while self._told:
            oldest = next(iter(self._told))
            if len(self._told) <= REMEMBERED and now - self._told[oldest] < self._once.within_s:
                return
            del self._told[oldest]


def chosen(alert: Alert, settings: Settings) -> Alert:
    """The alert on the channel that its setting chooses, where it leaves that to one.

    Raises:
        SettingError: it is no channel.
    """
    if not alert.choice:
        return alert
    name = settings.get(alert.choice, alert.channel)
    for channel in CHANNELS:
        if channel == name:
            return alert.on(channel)
    raise SettingError(alert.choice, f"{name!r} is neither of {', '.join(CHANNELS)}")


def channel_of(alert: Alert, settings: Settings) -> Channel[Any]:
    """The channel that an alert goes to.

    Raises:
        SettingError: there is no token for it, or no chat.
    """
    return slack.slack_channel(settings) if alert.channel == "slack" else telegram.telegram_channel(settings)


def chat_of(alert: Alert, settings: Settings) -> int | str:
    """The Telegram chat that an alert goes to; an alert for Slack has none.

    Raises:
        SettingError: neither the alert nor the settings name one.
    """
    if alert.channel == "slack":
        return ""
    if not alert.to:
        return telegram.alert_chat(settings)
    return int(alert.to) if alert.to.lstrip("-").isdigit() else alert.to
