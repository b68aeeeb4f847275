"""Sends a Telegram message when a device probes for a network of the watch list, a ksqlDB table.

The service reads a topic as a consumer group, so it loses nothing while it is down. With `--live` it follows a push
query instead.
"""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime
from typing import Any

from bifrost.backoff import Backoff, RetryDelays
from bifrost.clients import exact_json
from bifrost.clients.ksqldb_query import QueryClient, query_client
from bifrost.errors import RemoteError, SettingError
from bifrost.settings import Settings
from services.delivery import service
from services.delivery.bursts import BurstLimiter, SubjectAlert
from services.delivery.channel import (
    AccountRefused,
    Delivered,
    HeldBack,
    RetryAfter,
    Suppressed,
    TemporaryFailure,
    Undeliverable,
)
from services.delivery.telegram import alert_chat, telegram_channel

TOPIC = "ssid_alerts"
GROUP = "wifi_telegram_alerts"
READS = ("ssid_alerts",)
"""For `graph`: what this service reads."""
QUERY = "SELECT TS, MAC, SSID, REASON FROM SSID_ALERTS EMIT CHANGES;"
TEXT = "📣 At %s MAC address %s probed for SSID `%s`"
REASON = "\n\nThis SSID is being tracked because: %s"
TIME = "%Y-%m-%d %H:%M:%S"
DEFAULT_WINDOW_S = 60
MAX_SILENCE_S = 120.0
"""A push query without a row or a keep-alive for this long is repeated."""
BACKOFF = Backoff()

_log = logging.getLogger("alerts")


def compose(value: bytes | None) -> SubjectAlert | Undeliverable | None:
    """Compose the message for `{"TS": ..., "MAC": ..., "SSID": ..., "REASON": ...}`; a null value needs none."""
    if value is None:
        return None
    try:
        columns = exact_json.loads(value)
    except ValueError as error:
        return Undeliverable(str(error))
    if not isinstance(columns, dict):
        return Undeliverable("the value is not a JSON object")
    return alert_from([columns.get(name) for name in ("TS", "MAC", "SSID", "REASON")])


def alert_from(columns: list[Any]) -> SubjectAlert | Undeliverable:
    """Compose the message for a row of time, MAC address, SSID and, if the list has one, the reason."""
    at, mac, ssid, *rest = [*columns, None, None, None][: max(len(columns), 3)]
    for name, value in (("TS", at), ("MAC", mac), ("SSID", ssid)):
        if not isinstance(value, str):
            return Undeliverable(f"{name} is {'missing' if value is None else 'not a string'}")
    reason = str(rest[0]) if rest and rest[0] is not None else ""
    text = TEXT % (at, mac, ssid) + (REASON % reason if reason else "")
    return SubjectAlert(text, (mac, ssid), _seconds(at))


def alert_channel(settings: Settings) -> BurstLimiter:
    """Return the Telegram channel with bursts limited by `TELEGRAM_ALERT_WINDOW_S`.

    Raises:
        SettingError: the window is not a number of seconds; or as `telegram_channel` and `alert_chat`.
    """
    window = settings.get("TELEGRAM_ALERT_WINDOW_S", str(DEFAULT_WINDOW_S))
    if not window.isdecimal() or len(window) > 7:
        raise SettingError("TELEGRAM_ALERT_WINDOW_S", f"{window!r} is not a number of seconds")
    return BurstLimiter(telegram_channel(settings), alert_chat(settings), int(window))


def follow(settings: Settings, stop: threading.Event) -> None:
    """Send the rows of a push query until stopped; repeat the query when it ends, without catching up.

    Raises:
        SettingError: a setting is missing, or Telegram refuses the account.
    """
    channel, queries = alert_channel(settings), query_client(settings)
    errors: list[SettingError] = []

    def repeat_query() -> None:
        try:
            _repeat_query(queries, channel, stop)
        except SettingError as error:
            errors.append(error)
            stop.set()

    # A daemon thread: a read that waits for the next row cannot be interrupted.
    threading.Thread(target=repeat_query, name="push query", daemon=True).start()
    stop.wait()
    channel.close()
    if errors:
        raise errors[0]


def _repeat_query(queries: QueryClient, channel: BurstLimiter, stop: threading.Event) -> None:
    delays = RetryDelays(BACKOFF)
    while not stop.is_set():
        try:
            for columns in queries.push(QUERY, idle_s=MAX_SILENCE_S):
                delays.reset()
                _send(alert_from(columns), channel, stop)
            problem = "the push query ended"
        except RemoteError as error:
            problem = str(error)
        delay_s = delays.next_s()
        _log.warning("%s; repeating the push query in %g s", problem, delay_s)
        stop.wait(delay_s)


def _send(alert: SubjectAlert | Undeliverable, channel: BurstLimiter, stop: threading.Event) -> None:
    """Send an alert, and retry until it is delivered or can never be; meanwhile ksqlDB buffers the next rows."""
    if isinstance(alert, Undeliverable):
        _log.warning("skipping a row: %s", alert.reason)
        return
    delays = RetryDelays(BACKOFF)
    while not stop.is_set():
        match channel.send(alert):
            case (Delivered() | Suppressed()) as outcome:
                _log.info("%s: %s", type(outcome).__name__, alert.text.replace("\n\n", " "))
                return
            case AccountRefused(setting, reason):
                raise SettingError(setting, reason)
            case Undeliverable(reason):
                _log.warning("not delivered: %s: %s", reason, alert.text.replace("\n\n", " "))
                return
            case RetryAfter(seconds) | HeldBack(seconds):
                delay_s, problem = seconds, "rate limit"
            case TemporaryFailure(problem):
                delay_s = delays.next_s()
        _log.warning("Telegram: %s; retrying in %g s", problem, delay_s)
        stop.wait(delay_s)


def _seconds(at: str) -> float | None:
    try:
        # Only differences of such times count, so any zone will do.
        return datetime.strptime(at, TIME).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def main() -> None:
    """Run the service."""
    service.main(service.Service("wifi_telegram_alerts", GROUP, TOPIC, compose, alert_channel, follow))


if __name__ == "__main__":
    main()
