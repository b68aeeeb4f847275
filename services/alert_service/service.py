"""Runs a worker for each alert file, restarts workers that fail, and picks up changed files."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bifrost.alerts import Alert, alert_files, read_alerts, write_problems
from bifrost.backoff import Backoff
from bifrost.errors import DeclarationError, SettingError
from bifrost.settings import Settings
from services.alert_service.worker import AlertWorker, known_shape, refuse_misfit

FOLDER = "alerts"
LOOK_EVERY_S = 1.0
CHECK_EVERY_S = 5.0
SETTLE_S = 45.0
"""The service counts as ready after so long, whatever an alert still waits for."""
BACKOFF = Backoff(first_s=1.0)
_log = logging.getLogger("alerts")


class Worker(Protocol):
    """What delivers one alert (`AlertWorker`)."""

    error: Exception | None

    @property
    def is_settled(self) -> bool:
        """Whether it misses no record from now on, or ended."""
        ...

    def start(self) -> None:
        """Begin."""
        ...

    def ask_to_stop(self) -> None:
        """Let it end after what it is doing."""
        ...

    def join(self) -> None:
        """Wait for its end."""
        ...


@dataclass(slots=True)
class _Told:
    """An alert and who delivers it; `again_at` is when it is tried again, of one that failed."""

    alert: Alert
    worker: Worker
    started_at: float
    failures: int = 0
    again_at: float | None = None

    @property
    def setting_error(self) -> SettingError | None:
        """Why it is told no more, where only another setting will help."""
        return self.worker.error if isinstance(self.worker.error, SettingError) else None


class AlertService:
    """Runs a worker for every alert of a folder, and begins anew when the folder's files change."""

    def __init__(
        self,
        folder: Path,
        problems: Path,
        open_worker: Callable[[Alert], Worker],
        check: Callable[[Alert], None],
        *,
        clock: Callable[[], float],
    ) -> None:
        """Wire the parts.

        Args:
            problems: a file that holds what is wrong now, for `status`; it is there once nothing is missed any more.
            open_worker: makes what delivers an alert, not yet started.
            check: raises `DeclarationError` for an alert that its topic's records do not fit.
            clock: gives seconds from any fixed moment.
        """
        self._folder = folder
        self._problems = problems
        self._open = open_worker
        self._check = check
        self._clock = clock
        self._told: dict[str, _Told] = {}
        self._seen: dict[Path, bytes] | None = None
        self._broken: dict[str, str] = {}
        self._check_again_at: float | None = None
        self._kept: dict[str, str] | None = None
        self._settle_by = clock() + SETTLE_S

    def run(self, stop: threading.Event) -> None:
        """Run until `stop` is set.

        Raises:
            SettingError: no alert at all can be told: why the first of them cannot.
        """
        try:
            while not stop.is_set():
                self.look()
                stop.wait(LOOK_EVERY_S)
        finally:
            self._end(list(self._told))

    def look(self) -> None:
        """Take up changed files, begin anew what failed, and tell what is wrong.

        Raises:
            SettingError: no alert at all can be told: why the first of them cannot.
        """
        now = {path: content for path in alert_files(self._folder) if (content := _content(path)) is not None}
        is_time = self._check_again_at is not None and self._clock() >= self._check_again_at
        if now != self._seen or is_time:
            self._seen = now
            self._take_up()
        for name, told in list(self._told.items()):
            self._mind(name, told)
        self._keep_problems()
        failed = [error for told in self._told.values() if (error := told.setting_error)]
        if failed and len(failed) == len(self._told):
            raise failed[0]

    def _take_up(self) -> None:
        """Start what is new or changed, stop what is gone. A broken file changes nothing."""
        broken: list[DeclarationError] = []
        alerts = {alert.name: alert for alert in read_alerts(self._folder, broken.append)}
        misfits = [error for name in alerts if (error := self._misfit(alerts[name]))]
        # A statement may be changed next, so that they fit.
        self._check_again_at = self._clock() + CHECK_EVERY_S if misfits else None
        self._tell_broken({error.path.stem: str(error) for error in (*broken, *misfits)})
        self._end(
            [name for name, told in self._told.items() if name not in self._broken and alerts.get(name) != told.alert]
        )
        for name, alert in alerts.items():
            if name not in self._told:
                self._begin(alert)

    def _misfit(self, alert: Alert) -> DeclarationError | None:
        """Why a changed alert cannot take the place of the one that is told; a new one finds out by itself."""
        if alert.name in self._told and self._told[alert.name].alert != alert:
            try:
                self._check(alert)
            except DeclarationError as error:
                return error
        return None

    def _tell_broken(self, found: dict[str, str]) -> None:
        for name, problem in found.items():
            if self._broken.get(name) != problem:
                _log.error("%s; %s", problem, "left as it was" if name in self._told else "it is not told")
        self._broken = found

    def _begin(self, alert: Alert, failures: int = 0) -> None:
        worker = self._open(alert)
        self._told[alert.name] = _Told(alert, worker, self._clock(), failures)
        worker.start()

    def _mind(self, name: str, told: _Told) -> None:
        """Look after one alert: a failure that may pass is followed by another try."""
        error = told.worker.error
        if error is None:
            return
        now = self._clock()
        if told.again_at is None:
            told.failures = 1 if now - told.started_at >= BACKOFF.steady_s else told.failures + 1
            pause_s = BACKOFF.delay(told.failures)
            told.again_at = now + pause_s
            then = "" if told.setting_error else f"; trying again in {pause_s:g} s"
            _log.error("%s stopped: %s%s", name, error, then)
        if told.setting_error is None and now >= told.again_at:
            told.worker.join()
            self._begin(told.alert, told.failures)

    def _end(self, names: list[str]) -> None:
        ending = [self._told.pop(name).worker for name in names]
        for worker in ending:
            worker.ask_to_stop()
        for worker in ending:
            worker.join()

    def _keep_problems(self) -> None:
        found = {name: str(told.worker.error) for name, told in self._told.items() if told.worker.error is not None}
        found |= self._broken
        is_settled = all(told.worker.is_settled for told in self._told.values())
        if found != self._kept and (is_settled or self._clock() >= self._settle_by):
            self._kept = found
            write_problems(self._problems, found)


def service_of(values: Settings, *, from_beginning: bool = False) -> AlertService:
    """The service over Kafka, ksqlDB and the channels of the settings."""

    def check(alert: Alert) -> None:
        shape = known_shape(alert, values)
        if shape is not None:
            refuse_misfit(alert, shape)

    return AlertService(
        values.project / FOLDER,
        values.alert_problems,
        lambda alert: AlertWorker(alert, values, from_beginning=from_beginning),
        check,
        clock=time.monotonic,
    )


def _content(path: Path) -> bytes | None:
    """What a file holds; `None` where it went away meanwhile or cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return None
