"""Checks that the connectors that capture changes can connect to their databases, and miss no changes.

A Debezium connector that has lost its connection reconnects without end, and its task stays RUNNING: with a changed
password, for example. Connect validates its live configuration, for which Debezium connects as the connector does.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from bifrost.clients.connect import ConnectClient, ValidationReport
from bifrost.errors import RemoteError

EVERY_S = 15.0
SILENT_S = 20.0
"""How long a database may take to accept a connection."""
_CLASS = "connector.class"
_CAPTURING = ("io.debezium.connector.",)
_WRITING = "SinkConnector"


@dataclass(slots=True)
class _Check:
    """One validation; `cause` is `None` until it has ended, and empty if the database accepted the connection."""

    began: float
    cause: str | None = None


@dataclass(slots=True)
class ConnectionChecks:
    """Validates in threads, one at a time for each connector, so that a database that hangs delays nothing."""

    open_connect: Callable[[], AbstractContextManager[ConnectClient]]
    misses: Callable[[ConnectClient, str, Mapping[str, str]], str] = lambda _client, _name, _config: ""
    """Why a connector that can connect misses changes (`LogPositions.problem_of`)."""
    now: Callable[[], float] = time.monotonic
    _checks: dict[str, _Check] = field(default_factory=dict)
    _causes: dict[str, str] = field(default_factory=dict)

    def look(self, configs: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
        """Begin the checks that are due; return why a connector cannot connect, or misses changes, by its name.

        Args:
            configs: the live configurations of the connectors that run.
        """
        capturing = {name: config for name, config in configs.items() if captures_changes(config)}
        for memory in (self._checks, self._causes):
            for name in [name for name in memory if name not in capturing]:
                del memory[name]
        for name, config in capturing.items():
            self._look_at(name, config)
        return {name: cause for name, cause in self._causes.items() if cause}

    def _look_at(self, name: str, config: Mapping[str, str]) -> None:
        check = self._checks.get(name)
        if check is not None and check.cause is None:
            waited_s = self.now() - check.began
            if waited_s >= SILENT_S:
                self._causes[name] = unconnected(f"its database has not answered for {SILENT_S:.0f} s")
            return
        if check is not None:
            self._causes[name] = check.cause or ""
        if check is None or self.now() - check.began >= EVERY_S:
            check = self._checks[name] = _Check(self.now())
            threading.Thread(
                target=self._validate, args=(name, dict(config), check), name=f"check {name}", daemon=True
            ).start()

    def _validate(self, name: str, config: Mapping[str, str], check: _Check) -> None:
        cause = ""
        try:
            with self.open_connect() as client:
                errors = cause_in(client.validate(config[_CLASS], {"name": name, **config}))
                cause = unconnected(errors) if errors else self.misses(client, name, config)
        except RemoteError:
            # Connect itself does not answer, which is reported as such; or it gave up waiting for the database.
            is_silent = self.now() - check.began >= SILENT_S
            cause = unconnected("its database does not answer") if is_silent else ""
        finally:
            check.cause = cause


def unconnected(reason: str) -> str:
    """What a connector that runs without its database does."""
    return f"cannot connect to its database: {reason}"


def captures_changes(config: Mapping[str, str]) -> bool:
    """Whether a configuration is that of a connector that captures the changes of a database."""
    name = config.get(_CLASS, "")
    return name.startswith(_CAPTURING) and not name.endswith(_WRITING)


def cause_in(report: ValidationReport) -> str:
    """The errors of a validation in one line; empty if there are none."""
    return "; ".join(" ".join(error.split()) for key in report.keys for error in key.errors)
