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
from services.alert_service.worker import AlertWorker, check_alert_fits, current_layout

FOLDER = "alerts"
FOLDER_CHECK_INTERVAL_S = 1.0
MISFIT_CHECK_INTERVAL_S = 5.0
MAX_SETTLE_S = 45.0
"""The service counts as ready after this time even if an alert still waits."""
BACKOFF = Backoff(first_s=1.0)
_log = logging.getLogger("alerts")


class Worker(Protocol):
    """Delivers one alert (`AlertWorker`)."""

    error: Exception | None
    reads_from_beginning: bool

    @property
    def is_settled(self) -> bool:
        """Whether the worker will miss no record from now on, or has ended."""
        ...

    def start(self) -> None:
        """Begin to deliver."""
        ...

    def request_stop(self) -> None:
        """Ask the worker to end after its current message."""
        ...

    def join(self) -> None:
        """Wait for its end."""
        ...


@dataclass(slots=True)
class _RunningAlert:
    """An alert and its worker; `restart_at` is set for a worker that failed."""

    alert: Alert
    worker: Worker
    started_at: float
    failures: int = 0
    restart_at: float | None = None

    @property
    def setting_error(self) -> SettingError | None:
        """The error that ended the worker, if only a changed setting can help."""
        return self.worker.error if isinstance(self.worker.error, SettingError) else None


class AlertService:
    """Runs a worker for each alert of a folder, and restarts workers when their files change."""

    def __init__(
        self,
        folder: Path,
        problems: Path,
        make_worker: Callable[[Alert, bool], Worker],
        check: Callable[[Alert], None],
        *,
        clock: Callable[[], float],
    ) -> None:
        """Wire the parts.

        Args:
            problems: the file for the current problems, read by `status`; it appears once no alert can miss a record.
            make_worker: returns an unstarted worker; its flag lets a new group start at the oldest record.
            check: raises `DeclarationError` for an alert that does not fit the records of its topic.
            clock: returns seconds since any fixed moment.
        """
        self._folder = folder
        self._problems_file = problems
        self._make_worker = make_worker
        self._check = check
        self._clock = clock
        self._running: dict[str, _RunningAlert] = {}
        self._contents: dict[Path, bytes] | None = None
        self._file_problems: dict[str, str] = {}
        self._check_again_at: float | None = None
        self._written_problems: dict[str, str] | None = None
        self._write_error = ""
        self._settle_by = clock() + MAX_SETTLE_S

    def run(self, stop: threading.Event) -> None:
        """Run until `stop` is set.

        Raises:
            SettingError: wrong settings prevent every alert from being delivered; the first alert's error.
        """
        try:
            while not stop.is_set():
                self.update()
                stop.wait(FOLDER_CHECK_INTERVAL_S)
        finally:
            self._stop_workers(list(self._running))

    def update(self) -> None:
        """Pick up changed files, restart failed workers when they are due, and write the problems file.

        Raises:
            SettingError: wrong settings prevent every alert from being delivered; the first alert's error.
        """
        now = {path: content for path in alert_files(self._folder) if (content := _content(path)) is not None}
        is_check_due = self._check_again_at is not None and self._clock() >= self._check_again_at
        if now != self._contents or is_check_due:
            self._contents = now
            self._apply_files()
        for name, running in list(self._running.items()):
            self._restart_if_failed(name, running)
        self._write_problems()
        errors = [error for running in self._running.values() if (error := running.setting_error)]
        if errors and len(errors) == len(self._running):
            raise errors[0]

    def _apply_files(self) -> None:
        """Start new and changed alerts and stop removed ones; a faulty file leaves its running alert as it is."""
        faulty: list[DeclarationError] = []
        alerts = {alert.name: alert for alert in read_alerts(self._folder, faulty.append)}
        misfits = [error for alert in alerts.values() if (error := self._misfit(alert))]
        # Check again later: the next change may be to the statement, so that the alert fits.
        self._check_again_at = self._clock() + MISFIT_CHECK_INTERVAL_S if misfits else None
        self._log_file_problems({error.path.stem: str(error) for error in (*faulty, *misfits)})
        outdated = {
            name: running
            for name, running in self._running.items()
            if name not in self._file_problems and alerts.get(name) != running.alert
        }
        self._stop_workers(list(outdated))
        for name, alert in alerts.items():
            if name not in self._running:
                self._start_worker(alert, from_beginning=_continues_from_beginning(outdated.get(name), alert))

    def _misfit(self, alert: Alert) -> DeclarationError | None:
        """Return why a changed alert cannot replace the running one; a new alert's worker checks for itself."""
        if alert.name in self._running and self._running[alert.name].alert != alert:
            try:
                self._check(alert)
            except DeclarationError as error:
                return error
        return None

    def _log_file_problems(self, found: dict[str, str]) -> None:
        for name, problem in found.items():
            if self._file_problems.get(name) != problem:
                consequence = "its previous version keeps running" if name in self._running else "the alert is not sent"
                _log.error("%s; %s", problem, consequence)
        self._file_problems = found

    def _start_worker(self, alert: Alert, *, failures: int = 0, from_beginning: bool = False) -> None:
        worker = self._make_worker(alert, from_beginning)
        self._running[alert.name] = _RunningAlert(alert, worker, self._clock(), failures)
        worker.start()

    def _restart_if_failed(self, name: str, running: _RunningAlert) -> None:
        error = running.worker.error
        if error is None:
            return
        now = self._clock()
        if running.restart_at is None:
            running.failures = 1 if now - running.started_at >= BACKOFF.steady_s else running.failures + 1
            delay_s = BACKOFF.delay(running.failures)
            running.restart_at = now + delay_s
            consequence = "" if running.setting_error else f"; restarting in {delay_s:g} s"
            _log.error("%s stopped: %s%s", name, error, consequence)
        if running.setting_error is None and now >= running.restart_at:
            running.worker.join()
            # The next attempt must not forget that the topic was new: its first records are waiting.
            self._start_worker(
                running.alert, failures=running.failures, from_beginning=running.worker.reads_from_beginning
            )

    def _stop_workers(self, names: list[str]) -> None:
        stopping = [self._running.pop(name).worker for name in names]
        # Two loops, so that the workers finish their current messages in parallel.
        for worker in stopping:
            worker.request_stop()
        for worker in stopping:
            worker.join()

    def _write_problems(self) -> None:
        problems = {
            name: str(running.worker.error)
            for name, running in self._running.items()
            if running.worker.error is not None
        } | self._file_problems
        is_settled = all(running.worker.is_settled for running in self._running.values())
        if problems != self._written_problems and (is_settled or self._clock() >= self._settle_by):
            try:
                write_problems(self._problems_file, problems)
            except OSError as error:
                # A full disk must not end the alerts: the file is written again with the next check.
                self._log_write_error(f"{self._problems_file}: {error.strerror}")
            else:
                self._written_problems, self._write_error = problems, ""

    def _log_write_error(self, problem: str) -> None:
        if problem != self._write_error:
            self._write_error = problem
            _log.error("cannot write the problems of the alerts: %s", problem)


def service_from(values: Settings, *, from_beginning: bool = False) -> AlertService:
    """Return the service over Kafka, ksqlDB and the channels of the settings."""

    def check(alert: Alert) -> None:
        layout = current_layout(alert, values)
        if layout is not None:
            check_alert_fits(alert, layout)

    return AlertService(
        values.project / FOLDER,
        values.alert_problems,
        lambda alert, is_new: AlertWorker(alert, values, from_beginning=from_beginning or is_new),
        check,
        clock=time.monotonic,
    )


def _continues_from_beginning(previous: _RunningAlert | None, alert: Alert) -> bool:
    """Return whether a changed alert still has to read the first records of a new topic."""
    if previous is None or (previous.alert.topic, previous.alert.group) != (alert.topic, alert.group):
        return False
    return previous.worker.reads_from_beginning


def _content(path: Path) -> bytes | None:
    """Return the content of a file; `None` if it was removed or cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return None
