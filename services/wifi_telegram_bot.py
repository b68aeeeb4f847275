"""The Telegram bot: answers which networks a device has probed for, and keeps the watch list of networks.

python -m services.wifi_telegram_bot                   poll Telegram for messages (needs no public address)
python -m services.wifi_telegram_bot --webhook         receive them on `POST /` instead
python -m services.wifi_telegram_bot set-webhook URL   let Telegram post updates to this URL
python -m services.wifi_telegram_bot delete-webhook    let Telegram keep updates for polling
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from urllib.parse import urlsplit

from bifrost import settings as project_settings
from bifrost.backoff import Backoff, RetryDelays
from bifrost.clients import ksqldb
from bifrost.clients.ksqldb_query import query_client
from bifrost.clients.telegram import TelegramRefused, TextMessage
from bifrost.clients.tombstone_writer import TombstoneWriter
from bifrost.default_settings import LOOPBACK
from bifrost.errors import EX_CONFIG, BifrostError, RemoteError, SettingError
from bifrost.metrics.endpoint import serve_metrics
from bifrost.program_log import set_up_logging
from bifrost.settings import Settings
from services.delivery.telegram import TOKEN_REFUSALS, TelegramChannel, telegram_api
from services.wifi_bot.alert_list import AlertList
from services.wifi_bot.chat_queues import ChatQueues
from services.wifi_bot.dialogue import Dialogue
from services.wifi_bot.probe_lookup import ProbeLookup
from services.wifi_bot.reply_sender import ReplySender
from services.wifi_bot.update_intake import Intake, Polling, webhook_secret, webhook_server

NAME = "wifi_telegram_bot"
READS = ("PCAP_STATS_01", "PCAP_STATS_ENRICHED_01", "QUERYABLE_SSID_ALERT_LIST")
"""For `graph`: what this service reads."""
WRITES = ("SSID_ALERT_LIST",)
"""What it writes without ksqlDB, for its rights on a secured platform."""
STATEMENT_PATIENCE_S = 5.0
BACKOFF = Backoff()

_log = logging.getLogger("bot")


class Bot:
    """The running bot. It ends when `stop` is set: by a signal, or because Telegram refuses the account."""

    def __init__(self, settings: Settings, stop: threading.Event) -> None:
        """Wire the parts.

        Raises:
            SettingError: a setting is missing or invalid.
        """
        self._settings = settings
        self._stop = stop
        self._failure: SettingError | None = None
        self._api = telegram_api(settings)
        self._replies = ReplySender(TelegramChannel(self._api), stop, self._fail)
        self._allowed = allowed_chats(settings)

    def run(self, *, webhook: bool) -> None:
        """Answer until stopped, then answer the queued messages.

        Raises:
            SettingError: Telegram refuses the account, or a setting is invalid.
        """
        serve_metrics(self._settings)
        username = self._username()
        if username is None:
            return
        queries, ksql = query_client(self._settings), _ksql(self._settings)
        alerts = AlertList(ksql, TombstoneWriter(self._settings.kafka_client()))
        dialogue = Dialogue(ProbeLookup(queries), alerts, username)
        queues = ChatQueues(lambda message: self._answer(message, dialogue))
        intake = self._intake(queues.add, webhook=webhook)
        intake.start()
        _log.info("@%s is ready, by %s", username, "webhook" if webhook else "long polling")
        self._stop.wait()
        # In this order: no message may arrive after the queues close, and their last replies need the clients.
        intake.close()
        queues.close()
        for client in (queries, ksql, self._api):
            client.close()
        if self._failure:
            raise self._failure

    def _intake(self, take: Callable[[TextMessage], bool], *, webhook: bool) -> Intake:
        return webhook_server(self._settings, take) if webhook else Polling(self._api, take, self._fail)

    def _answer(self, message: TextMessage, dialogue: Dialogue) -> None:
        if self._allowed and message.chat_id not in self._allowed:
            _log.info("chat %d is not one of TELEGRAM_ALLOWED_CHATS", message.chat_id)
            return
        reply = dialogue.reply(message.text)
        if reply is not None:
            self._replies.send(message.chat_id, reply)

    def _username(self) -> str | None:
        """Return the bot's name, retrying until Telegram answers; `None` if stopped first."""
        delays = RetryDelays(BACKOFF)
        while not self._stop.is_set():
            try:
                return self._api.username()
            except TelegramRefused as error:
                if error.status in TOKEN_REFUSALS:
                    raise SettingError("TELEGRAM_BOT_TOKEN", f"Telegram refuses it: {error.problem}") from None
                wait_s, problem = error.retry_after or delays.next_s(), error.problem
            except RemoteError as error:
                wait_s, problem = delays.next_s(), error.problem
            _log.warning("Telegram: %s; retrying in %g s", problem, wait_s)
            self._stop.wait(wait_s)
        return None

    def _fail(self, error: SettingError) -> None:
        self._failure = error
        self._stop.set()


def allowed_chats(settings: Settings) -> frozenset[int]:
    """Return the chats that may talk to the bot (`TELEGRAM_ALLOWED_CHATS`); an empty set allows all.

    Raises:
        SettingError: an entry is not a chat id.
    """
    names = [name.strip() for name in settings.get("TELEGRAM_ALLOWED_CHATS").split(",") if name.strip()]
    try:
        return frozenset(map(int, names))
    except ValueError as error:
        raise SettingError("TELEGRAM_ALLOWED_CHATS", "must be a list of chat ids like 4242,-100123") from error


def set_webhook(settings: Settings, url: str) -> None:
    """Let Telegram post updates to `url`.

    Raises:
        SettingError: Telegram does not post to such a URL.
        RemoteError: Telegram does not answer, or refuses the URL.
    """
    parts = urlsplit(url)
    if not parts.hostname or (parts.scheme != "https" and parts.hostname not in (LOOPBACK, "localhost")):
        raise SettingError("TELEGRAM_WEBHOOK_URL", f"{url!r} is not an https URL, which Telegram requires")
    secret = webhook_secret(settings)
    with closing(telegram_api(settings)) as api:
        api.set_webhook(url, secret)
    _log.info("Telegram now posts updates to %s; run with --webhook to receive them", url)
    if not secret:
        _log.warning("TELEGRAM_WEBHOOK_SECRET is not set: anyone who knows that URL can send messages to the bot")


def delete_webhook(settings: Settings) -> None:
    """Let Telegram keep updates for polling; raises `RemoteError` on failure."""
    with closing(telegram_api(settings)) as api:
        api.delete_webhook()
    _log.info("Telegram now keeps updates for polling")


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return 0 when done or stopped, 1 on failure, 78 for a wrong setting."""
    options = _parser().parse_args(arguments)
    try:
        values = project_settings.load()
        set_up_logging(NAME, values)
        _execute(options, values)
    except BifrostError as error:
        # The last line of the log: the supervisor shows it as the cause.
        _log.error("%s stopped: %s", NAME, error)
        return EX_CONFIG if isinstance(error, SettingError) else 1
    return 0


def _execute(options: argparse.Namespace, settings: Settings) -> None:
    match options.command:
        case "set-webhook":
            why = "pass the URL for Telegram's updates as an argument"
            set_webhook(settings, options.url or settings.require("TELEGRAM_WEBHOOK_URL", why))
        case "delete-webhook":
            delete_webhook(settings)
        case _:
            stop = threading.Event()
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda _number, _frame: stop.set())
            Bot(settings, stop).run(webhook=options.webhook or bool(settings.get("TELEGRAM_WEBHOOK_URL")))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m services.{NAME}")
    parser.add_argument("command", nargs="?", choices=("run", "set-webhook", "delete-webhook"), default="run")
    parser.add_argument("url", nargs="?", help="URL for set-webhook (default: TELEGRAM_WEBHOOK_URL)")
    parser.add_argument("--webhook", action="store_true", help="receive updates on POST / instead of polling")
    return parser


def _ksql(settings: Settings) -> ksqldb.KsqlClient:
    return ksqldb.from_settings(settings, patience_s=STATEMENT_PATIENCE_S)


def main() -> None:
    """Run the service as this process."""
    sys.exit(run())


if __name__ == "__main__":
    main()
