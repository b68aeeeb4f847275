"""Tells people what the files of `alerts/` say: `python -m services.alerts`. A changed file is taken up at once."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bifrost import settings
from bifrost.alerts import KEY_FORMATS, VALUE_FORMATS, Alert, read_alerts
from bifrost.clients import ksqldb, schema_registry
from bifrost.clients.avro import AvroReader
from bifrost.clients.consumer_group import ConsumerGroup
from bifrost.clients.dead_letters import DeadLetterTopic
from bifrost.errors import EX_CONFIG, BifrostError, DeclarationError, RemoteError, SettingError
from bifrost.settings import Settings
from services.alert_messages import AlertMessage, RuledChannel, channel_of, chat_of, composer
from services.alert_records import Shape, reader_of, shape_of
from services.delivery import Delivery

FOLDER = "alerts"
LOOK_EVERY_S = 1.0
RETRY_EVERY_S = 2.0
PATIENCE_S = 1.0
_log = logging.getLogger("alerts")


class AlertThread(threading.Thread):
    """Delivers one alert until stopped; `error` is what ended it before."""

    def __init__(self, alert: Alert, values: Settings, *, from_beginning: bool) -> None:
        super().__init__(name=f"alert-{alert.name}")
        self.alert = alert
        self.error: BifrostError | None = None
        self._values = values
        self._from_beginning = from_beginning
        self._stop_asked = threading.Event()

    def ask_to_stop(self) -> None:
        """Let it end after what it is doing."""
        self._stop_asked.set()

    def run(self) -> None:
        """Deliver."""
        try:
            self._deliver()
        except BifrostError as error:
            self.error = error

    def _deliver(self) -> None:
        alert, client = self.alert, self._values.kafka_client()
        chat = chat_of(alert, self._values)
        inner = channel_of(alert, self._values)
        channel = RuledChannel(inner, alert.once, alert.quiet, clock=time.monotonic, now=lambda: datetime.now(tz=UTC))
        shape, waited = self._awaited_shape()
        if shape is None:
            inner.close()
            return
        with schema_registry.from_settings(self._values) as registry:
            # What was not there when we looked is new: all of it.
            begin = self._from_beginning or waited
            source = ConsumerGroup(client, alert.group, alert.topic, from_beginning=begin)
            delivery: Delivery[AlertMessage] = Delivery(
                source,
                channel,
                composer(alert, reader_of(shape, AvroReader(registry)), chat),
                DeadLetterTopic(client, alert.dead_letter_topic),
                clock=time.monotonic,
                is_stopping=self._stop_asked.is_set,
            )
            _log.info("%s reads %s as group %s", alert.name, alert.topic, alert.group)
            delivery.run()

    def _awaited_shape(self) -> tuple[Shape | None, bool]:
        """How the topic's records look, as soon as ksqlDB knows; whether that took waiting. `None`: asked to stop."""
        said = ""
        with ksqldb.from_settings(self._values, patience_s=PATIENCE_S) as server:
            while True:
                problem = f"ksqlDB knows no stream or table of topic {self.alert.topic} yet"
                try:
                    shape = shape_of(server, self.alert.topic)
                    if shape is not None:
                        return _readable(self.alert, shape), bool(said)
                except RemoteError as error:
                    problem = str(error)
                if problem != said:
                    said = problem
                    _log.info("%s waits: %s", self.alert.name, problem)
                if self._stop_asked.wait(RETRY_EVERY_S):
                    return None, True


def _readable(alert: Alert, shape: Shape) -> Shape:
    if shape.value_format not in VALUE_FORMATS or shape.key_format not in KEY_FORMATS:
        formats = f"{shape.key_format} and {shape.value_format}"
        raise DeclarationError(alert.path, f"topic {alert.topic} is written in {formats}, which alerts cannot read")
    return shape


class AlertService:
    """Runs a thread for every alert of a folder, and begins anew when the folder's files change."""

    def __init__(self, folder: Path, values: Settings, *, from_beginning: bool = False) -> None:
        self._folder = folder
        self._values = values
        self._from_beginning = from_beginning
        self._threads: dict[str, AlertThread] = {}

    def run(self, stop: threading.Event) -> None:
        """Run until `stop` is set.

        Raises:
            BifrostError: what ended an alert; the others are stopped.
        """
        seen: dict[Path, bytes] | None = None
        try:
            while not stop.is_set():
                now = self._files()
                if now != seen:
                    seen = now
                    self._take_up()
                self._raise_first_error()
                stop.wait(LOOK_EVERY_S)
        finally:
            self._end(list(self._threads))

    def _files(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in sorted(self._folder.glob("*.toml"))}

    def _take_up(self) -> None:
        """Start what is new or changed, stop what is gone. A broken file changes nothing."""
        broken: list[DeclarationError] = []
        alerts = {alert.name: alert for alert in read_alerts(self._folder, broken.append)}
        for error in broken:
            _log.error("%s; left as it was", error)
        kept = {error.path.stem for error in broken}
        running = {name: thread.alert for name, thread in self._threads.items()}
        self._end([name for name, alert in running.items() if name not in kept and alerts.get(name) != alert])
        for name, alert in alerts.items():
            if name not in self._threads:
                thread = AlertThread(alert, self._values, from_beginning=self._from_beginning)
                self._threads[name] = thread
                thread.start()

    def _end(self, names: list[str]) -> None:
        ending = [self._threads.pop(name) for name in names]
        for thread in ending:
            thread.ask_to_stop()
        for thread in ending:
            thread.join()

    def _raise_first_error(self) -> None:
        for thread in self._threads.values():
            if thread.error is not None:
                raise thread.error


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; exit code 1 on failure, 78 when a setting is wrong."""
    parser = argparse.ArgumentParser(prog="python -m services.alerts", description=__doc__)
    parser.add_argument(
        "--from-beginning", action="store_true", help="new groups start at the oldest record of their topic"
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    try:
        values = settings.load()
        AlertService(values.project / FOLDER, values, from_beginning=options.from_beginning).run(stop)
    except BifrostError as error:
        # The last line: whoever restarts services shows it as the reason.
        _log.error("alerts stopped: %s", error)
        return EX_CONFIG if isinstance(error, SettingError | DeclarationError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
