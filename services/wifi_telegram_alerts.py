"""Tells on Telegram when a device looks for a network that is on the list; which are, ksqlDB's table says.

It reads a topic as a consumer group, so nothing is lost while it is away. `--live` follows a push query instead.
"""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime
from typing import Any

import orjson

from bifrost.backoff import Backoff, RetryDelays
from bifrost.clients.ksqldb_query import QueryClient, query_client
from bifrost.errors import RemoteError, SettingError
from bifrost.settings import Settings
from services.delivery import service
from services.delivery.bursts import Alert, Collapsing
from services.delivery.channel import AccountRefused, Undeliverable
from services.delivery.telegram import alert_chat, telegram_channel

TOPIC = "ssid_alerts"
GROUP = "wifi_telegram_alerts"
QUERY = "SELECT TS, MAC, SSID, REASON FROM SSID_ALERTS EMIT CHANGES;"
TEXT = "📣 At %s MAC address %s probed for SSID `%s`"
REASON = "\n\nThis SSID is being tracked because: %s"
TIME = "%Y-%m-%d %H:%M:%S"
WINDOW_S = 60
SILENCE_S = 120.0
"""A push query that says nothing for so long, not even that it is alive, is asked again."""
BACKOFF = Backoff()

_log = logging.getLogger("alerts")


def compose(value: bytes | None) -> Alert | Undeliverable | None:
    """The message about one alert, like `{"TS": ..., "MAC": ..., "SSID": ..., "REASON": ...}`; a null says nothing."""
    if value is None:
        return None
    try:
        found = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        return Undeliverable(f"not JSON: {error}")
    if not isinstance(found, dict):
        return Undeliverable("not a JSON object")
    return alert_of([found.get(name) for name in ("TS", "MAC", "SSID", "REASON")])


def alert_of(columns: list[Any]) -> Alert | Undeliverable:
    """The message about a row of time, MAC address, SSID and, where the list has one, the reason."""
    for name, value in zip(("TS", "MAC", "SSID"), columns, strict=False):
        if not isinstance(value, str):
            return Undeliverable(f"{name} is {'missing' if value is None else 'not a text'}")
    at, mac, ssid, *rest = columns
    reason = str(rest[0]) if rest and rest[0] is not None else ""
    text = TEXT % (at, mac, ssid) + (REASON % reason if reason else "")
    return Alert(text, (mac, ssid), _seconds(at))


def alert_channel(settings: Settings) -> Collapsing:
    """Telegram, with the bursts of a device collapsed as `TELEGRAM_ALERT_WINDOW_S` says.

    Raises:
        SettingError: that is no number of seconds; or as `telegram_channel` and `alert_chat`.
    """
    window = settings.get("TELEGRAM_ALERT_WINDOW_S", str(WINDOW_S))
    if not window.isdecimal() or len(window) > 7:
        raise SettingError("TELEGRAM_ALERT_WINDOW_S", f"{window!r} is not a number of seconds")
    return Collapsing(telegram_channel(settings), alert_chat(settings), int(window))


def follow(settings: Settings, stop: threading.Event) -> None:
    """Tell what a push query answers, until stopped; the query is asked again when it ends. A break is not caught up.

    Raises:
        SettingError: a setting is missing, or Telegram refuses the account.
    """
    channel, queries = alert_channel(settings), query_client(settings)
    refused: list[SettingError] = []

    def keep_following() -> None:
        try:
            _keep_following(queries, channel, stop)
        except SettingError as error:
            refused.append(error)
            stop.set()

    # A read that waits for a row does not hear of the stop.
    threading.Thread(target=keep_following, name="push query", daemon=True).start()
    stop.wait()
    if refused:
        raise refused[0]


def _keep_following(queries: QueryClient, channel: Collapsing, stop: threading.Event) -> None:
    delays = RetryDelays(BACKOFF)
    while not stop.is_set():
        try:
            for columns in queries.push(QUERY, idle_s=SILENCE_S):
                delays.reset()
                _tell(alert_of(columns), channel)
            problem = "the push query ended"
        except RemoteError as error:
            problem = str(error)
        delay_s = delays.next_s()
        _log.warning("%s; repeating the push query in %g s", problem, delay_s)
        stop.wait(delay_s)


def _tell(alert: Alert | Undeliverable, channel: Collapsing) -> None:
    if isinstance(alert, Undeliverable):
        _log.warning("a row is left out: %s", alert.reason)
        return
    outcome = channel.send(alert)
    if isinstance(outcome, AccountRefused):
        raise SettingError(outcome.setting, outcome.reason)
    _log.info("%s: %s", type(outcome).__name__, alert.text.replace("\n\n", " "))


def _seconds(at: str) -> float | None:
    try:
        return datetime.strptime(at, TIME).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def main() -> None:
    """Run the service."""
    service.main(service.Service("wifi_telegram_alerts", GROUP, TOPIC, compose, alert_channel, follow))


if __name__ == "__main__":
    main()
