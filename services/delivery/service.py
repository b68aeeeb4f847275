"""The shared program of the notification services: arguments, signals, logging and exit codes."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic

from bifrost import settings
from bifrost.clients.consumer_group import ConsumerGroup
from bifrost.clients.dead_letters import DeadLetterTopic
from bifrost.errors import EX_CONFIG, BifrostError, SettingError
from bifrost.metrics.endpoint import serve_metrics
from bifrost.program_log import set_up_logging
from bifrost.settings import Settings
from services.delivery.channel import Channel, Compose, N, compose_from_value
from services.delivery.loop import LAG, DeliveryLoop

_log = logging.getLogger("service")


@dataclass(frozen=True, slots=True)
class Service(Generic[N]):
    """A notification service: its topic, consumer group, messages and channel.

    `live` is an alternative for people who watch, offered as `--live`: it does not catch up after an interruption.
    """

    name: str
    group: str
    topic: str
    compose: Compose[N]
    channel: Callable[[Settings], Channel[N]]
    live: Callable[[Settings, threading.Event], None] | None = None

    @property
    def dead_letter_topic(self) -> str:
        """The topic for records that can never be delivered."""
        return f"{self.name}.dlq"


def run(service: Service[N], arguments: Sequence[str] | None = None) -> int:
    """Run a service until SIGTERM or SIGINT; return 0 when stopped, 1 on failure, 78 for a wrong setting."""
    options = _parser(service).parse_args(arguments)
    stop = threading.Event()
    # The handlers only set an event: the current message is finished, and what was delivered is committed.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    try:
        values = settings.load()
        set_up_logging(service.name, values)
        serve_metrics(values)
        if service.live is not None and options.live:
            service.live(values, stop)
        else:
            deliver(service, values, stop, from_beginning=options.from_beginning)
    except BifrostError as error:
        # The last line of the log: the supervisor shows it as the cause.
        _log.error("%s stopped: %s", service.name, error)
        return EX_CONFIG if isinstance(error, SettingError) else 1
    return 0


def deliver(service: Service[N], values: Settings, stop: threading.Event, *, from_beginning: bool = False) -> None:
    """Deliver until `stop` is set.

    Raises:
        SettingError: a setting is missing, or the account is refused.
        RemoteError: the alert topic cannot be read.
    """
    client = values.kafka_client()
    channel = service.channel(values)
    source = ConsumerGroup(client, service.group, service.topic, from_beginning=from_beginning)
    dead_letters = DeadLetterTopic(client, service.dead_letter_topic)
    compose = compose_from_value(service.compose)
    loop = DeliveryLoop(
        source, channel, compose, dead_letters, clock=time.monotonic, is_stopping=stop.is_set, alert=service.name
    )
    _log.info("%s reads %s as group %s", service.name, service.topic, service.group)
    stop_computing = LAG.compute(lambda: {(service.name,): source.lag_records()})
    try:
        loop.run()
    finally:
        stop_computing()
    _log.info("%s stopped", service.name)


def _parser(service: Service[N]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m services.{service.name}")
    parser.add_argument(
        "--from-beginning",
        action="store_true",
        help=f"let a new group start at the oldest record of {service.topic} instead of the newest",
    )
    if service.live is not None:
        parser.add_argument(
            "--live",
            action="store_true",
            help="follow a push query instead: new rows only, without catching up",
        )
    return parser


def main(service: Service[N]) -> None:
    """Run a service as this process."""
    sys.exit(run(service))
