"""Alerts as messages of their channels, and the channel that suppresses repeats and waits during quiet hours."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bifrost.alert_template import value_at
from bifrost.alerts import CHANNELS, Alert, Once, QuietHours
from bifrost.clients.consumer_group import Record
from bifrost.errors import Refused, SettingError
from bifrost.settings import Settings
from services.delivery import slack, telegram
from services.delivery.channel import Channel, ComposeRecord, Delivered, HeldBack, Outcome, Suppressed, Undeliverable
from services.delivery.slack import SlackMessage
from services.delivery.telegram import TelegramMessage
from services.delivery.threaded_channel import batch_channel

NOT_FOUND = 404
QUIET_RECHECK_S = 60.0
"""Longest wait of quiet hours before the clock is read again: someone may set it."""
MAX_IN_FLIGHT = 8
"""Requests of one partition at the same time; after a crash, up to as many messages more are repeated."""
MAX_IDENTITIES = 100_000
"""Delivered alerts that are remembered to recognise repeats; the oldest are forgotten first."""


@dataclass(frozen=True, slots=True)
class AlertMessage:
    """A message, and the values that make a later message a repeat of it (`None`: never a repeat)."""

    message: SlackMessage | TelegramMessage
    identity: tuple[str, ...] | None = None

    @property
    def destination(self) -> str:
        """The recipient."""
        return self.message.destination


def order_marks(record: Record, message: AlertMessage) -> list[tuple[str, ...] | bytes]:
    """Return what keeps an alert behind earlier ones: its record's key, and its identity as a possible repeat."""
    return [mark for mark in (record.key, message.identity) if mark is not None]


ReadColumns = Callable[[Record], dict[str, Any] | None]
"""Returns a record's columns by name, `None` for a tombstone; raises `ValueError` if the record cannot be read."""


def message_composer(alert: Alert, read_columns: ReadColumns, chat: int | str) -> ComposeRecord[AlertMessage]:
    """Return the function that builds an alert's messages; `chat` is the Telegram chat of the alert."""

    def compose(record: Record) -> AlertMessage | Undeliverable | None:
        try:
            columns = read_columns(record)
            return None if columns is None else AlertMessage(_message(alert, columns, chat), _identity(alert, columns))
        except ValueError as error:
            return Undeliverable(str(error))
        except Refused as error:
            if error.status != NOT_FOUND:
                raise
            return Undeliverable(f"its schema is not in the registry: {error.body}")

    return compose


def _message(alert: Alert, columns: dict[str, Any], chat: int | str) -> SlackMessage | TelegramMessage:
    if alert.channel == "slack":
        text = alert.template.render(
            columns, escape=slack.escape, shorten=slack.shorten, length=len, limit=slack.TEXT_LIMIT
        )
        return SlackMessage(alert.to, text, alert.username, alert.icon)
    text = alert.template.render(
        columns, escape=str, shorten=telegram.shorten, length=telegram.length, limit=telegram.TEXT_LIMIT
    )
    return TelegramMessage(chat, text)


def _identity(alert: Alert, columns: dict[str, Any]) -> tuple[str, ...] | None:
    if alert.once is None:
        return None
    return tuple(str(value_at(tuple(name.split(".")), columns)) for name in alert.once.by)


class SuppressingChannel:
    """A channel that suppresses repeats of a message and sends nothing during quiet hours. Call it from one thread."""

    def __init__(
        self,
        inner: Channel[Any],
        once: Once | None,
        quiet: QuietHours | None,
        *,
        clock: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        """Wrap a channel.

        Args:
            clock: returns seconds since any fixed moment.
            now: returns the aware time of day.
        """
        self._inner = batch_channel(inner, MAX_IN_FLIGHT)
        self._once = once
        self._quiet = quiet
        self._clock = clock
        self._now = now
        self._delivered_at: dict[tuple[str, ...], float] = {}

    def send(self, notification: AlertMessage) -> Outcome:
        """Send, unless a rule suppresses it."""
        return self.send_together([notification])[0]

    def send_together(self, notifications: Sequence[AlertMessage]) -> list[Outcome]:
        """Send those that no rule suppresses, all at the same time."""
        ruled = [self._ruled_outcome(notification) for notification in notifications]
        unruled = [each for each, outcome in zip(notifications, ruled, strict=True) if outcome is None]
        sent = iter(self._send_all(unruled))
        return [next(sent) if outcome is None else outcome for outcome in ruled]

    def close(self) -> None:
        """Close the channel."""
        self._inner.close()

    def _ruled_outcome(self, notification: AlertMessage) -> Outcome | None:
        """Return what a rule makes of a message; `None` if it is to be sent."""
        # Before quiet hours: a repeat must not block the alerts behind it until morning.
        if self._is_repeat(notification.identity):
            return Suppressed()
        if self._quiet and (end := self._quiet.end(now := self._now())):
            until = f"{end:%H:%M} {end.tzname()}"
            return HeldBack(min(max((end - now).total_seconds(), 0.001), QUIET_RECHECK_S), until)
        return None

    def _send_all(self, notifications: Sequence[AlertMessage]) -> Sequence[Outcome]:
        match notifications:
            case []:
                return []
            case [notification]:
                outcomes: Sequence[Outcome] = [self._inner.send(notification.message)]
            case _:
                outcomes = self._inner.send_together([notification.message for notification in notifications])
        for notification, outcome in zip(notifications, outcomes, strict=True):
            if isinstance(outcome, Delivered):
                self._remember(notification.identity)
        return outcomes

    def _is_repeat(self, identity: tuple[str, ...] | None) -> bool:
        if identity is None or self._once is None:
            return False
        delivered_at = self._delivered_at.get(identity)
        return delivered_at is not None and self._clock() - delivered_at < self._once.within_s

    def _remember(self, identity: tuple[str, ...] | None) -> None:
        if identity is None or self._once is None:
            return
        now = self._clock()
        self._delivered_at.pop(identity, None)
        self._delivered_at[identity] = now  # dictionaries keep their order: the oldest entry comes first
        while self._delivered_at:
            oldest = next(iter(self._delivered_at))
            if len(self._delivered_at) <= MAX_IDENTITIES and now - self._delivered_at[oldest] < self._once.within_s:
                return
            del self._delivered_at[oldest]


def with_configured_channel(alert: Alert, settings: Settings) -> Alert:
    """Return the alert on the channel that its setting selects; without such a setting, the alert itself.

    Raises:
        SettingError: the setting's value is not a channel.
    """
    if not alert.channel_setting:
        return alert
    name = settings.get(alert.channel_setting, alert.channel)
    for channel in CHANNELS:
        if channel == name:
            return alert.on(channel)
    raise SettingError(alert.channel_setting, f"{name!r} is not a channel; use one of {', '.join(CHANNELS)}")


def channel_for(alert: Alert, settings: Settings) -> Channel[Any]:
    """Return the channel of an alert.

    Raises:
        SettingError: its token is missing, or its URL is invalid.
    """
    return slack.slack_channel(settings) if alert.channel == "slack" else telegram.telegram_channel(settings)


def chat_for(alert: Alert, settings: Settings) -> int | str:
    """Return the Telegram chat of an alert; `""` for an alert on Slack.

    Raises:
        SettingError: neither the alert nor the settings name a chat.
    """
    if alert.channel == "slack":
        return ""
    if not alert.to:
        return telegram.alert_chat(settings)
    return int(alert.to) if re.fullmatch("-?[0-9]{1,18}", alert.to) else alert.to
