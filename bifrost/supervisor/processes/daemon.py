"""Runs a supervisor with real processes, real time and the control socket."""

from __future__ import annotations

import logging
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bifrost.errors import BifrostError, ComponentError
from bifrost.metrics.families import Gauge
from bifrost.redaction import redact_text, secrets_of
from bifrost.settings import Settings
from bifrost.supervisor.component import Component, Probe
from bifrost.supervisor.processes import child_process
from bifrost.supervisor.processes.component_logs import log_limits, log_path, rotate_while_running
from bifrost.supervisor.processes.control_socket import ControlServer
from bifrost.supervisor.processes.events import Event, Exited, Finished, Prepared, Probed
from bifrost.supervisor.processes.supervisor import Supervisor

PROBE_PAUSE_S = 0.1
REPLY_S = 300.0
"""Longer than any client waits; a client with less patience closes its connection."""
ROTATION_INTERVAL_S = 5.0

IS_UP = Gauge("bifrost_component_up", "1 if a component is ready or runs, else 0", "component")
FREE_DISK = Gauge("bifrost_disk_free_bytes", "Free space on the disk of BIFROST_HOME")
RESTARTS = Gauge("bifrost_component_restarts", "Restarts of a component after its process ended", "component")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ControlCommand:
    """A request from the control socket or a signal handler; the response is put into `reply`.

    The response is `None` if the supervisor ended before it could handle the request.
    """

    action: str
    name: str = ""
    reply: queue.SimpleQueue[dict[str, Any] | None] = field(default_factory=queue.SimpleQueue)


Inbox = queue.SimpleQueue[Event | ControlCommand]


class ProcessEffects:
    """The supervisor's effects on real processes. What takes time runs in a thread and ends with an event."""

    def __init__(self, settings: Settings, inbox: Inbox) -> None:
        self._settings = settings
        self._inbox = inbox
        self._log_limits = log_limits(settings)
        self._workers = ThreadPoolExecutor(max_workers=16, thread_name_prefix="component")
        self._rotation = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rotation")

    def prepare(self, component: Component, attempt: int) -> None:
        """Run the preparation; answered by `Prepared`."""
        step = component.prepare
        self._work(lambda: Prepared(component.name, attempt, self._problem_of(step)))

    def spawn(self, component: Component, attempt: int) -> child_process.ChildProcess:
        """Start the process in the calling thread; `Exited` follows when it ends."""
        log = log_path(self._settings, component.name)
        child = child_process.spawn(component, home=self._settings.home, log=log, limits=self._log_limits)
        pid_file = self._settings.run / f"{component.name}.pid"

        def watch() -> None:
            code = child.wait()
            with suppress(OSError):
                pid_file.unlink(missing_ok=True)
            self._inbox.put(Exited(component.name, attempt, code))

        try:
            threading.Thread(target=watch, name=f"watch-{component.name}", daemon=True).start()
        except RuntimeError as error:  # too many threads
            child.signal(signal.SIGKILL)
            raise ComponentError(component.name, f"cannot watch its process: {error}") from error
        try:
            pid_file.write_text(f"{child.pid}\n")
        except OSError as error:  # the file is for people; the component runs without it
            _log.warning("%s: cannot write %s: %s", component.name, pid_file, error)
        return child

    def probe(self, component: Component, attempt: int) -> None:
        """Probe once, after a short pause; answered by `Probed`."""
        probe = component.probe

        def probe_once() -> Event:
            time.sleep(PROBE_PAUSE_S)
            return Probed(component.name, attempt, self._missing_for(probe))

        self._work(probe_once)

    def finish(self, component: Component, attempt: int) -> None:
        """Run the step that follows readiness; answered by `Finished`."""
        step = component.after_ready
        self._work(lambda: Finished(component.name, attempt, self._problem_of(step)))

    def log_of(self, component: Component) -> str:
        """The path of its log."""
        return str(log_path(self._settings, component.name))

    def _work(self, task: Callable[[], Event]) -> None:
        self._workers.submit(lambda: self._inbox.put(task()))

    def rotate_logs(self, logs: Collection[Path]) -> None:
        """Rotate those logs that have become large, in a thread."""
        self._rotation.submit(self._rotate_logs, logs)

    def _rotate_logs(self, logs: Collection[Path]) -> None:
        for log in logs:
            try:
                if rotate_while_running(log, self._log_limits):
                    _log.info("%s was rotated", log)
            except OSError as error:
                _log.warning("%s cannot be rotated: %s", log, error)

    def _missing_for(self, probe: Probe | None) -> str | None:
        try:
            return probe() if probe else None
        except (BifrostError, OSError) as error:
            problem = str(error)
        except Exception as error:  # noqa: BLE001 - a thread's top: an exception here would leave the probe unanswered
            problem = f"{type(error).__name__}: {error}"
        return redact_text(f"its probe failed: {problem}", secrets_of(self._settings.secrets))

    def _problem_of(self, step: Callable[[], None] | None) -> str | None:
        try:
            if step is not None:
                step()
        except ComponentError as error:
            return redact_text(error.problem, secrets_of(self._settings.secrets))
        except (BifrostError, OSError) as error:
            return redact_text(str(error), secrets_of(self._settings.secrets))
        except Exception as error:  # noqa: BLE001 - a thread's top: the component fails, the platform continues
            _log.exception("a step of a component failed")
            return f"{type(error).__name__}: {error}"
        return None


class Daemon:
    """Runs a supervisor until it is shut down."""

    def __init__(
        self, settings: Settings, components: tuple[Component, ...], port_claims: Collection[int] = ()
    ) -> None:
        """Wire the parts; `port_claims` are file descriptors to close when the platform has stopped."""
        self._port_claims = port_claims
        self._inbox: Inbox = queue.SimpleQueue()
        self._ended = threading.Event()
        self._secrets = secrets_of(settings.secrets)
        self._files_of_run = (settings.scrape_targets_file, settings.endpoints_file)
        self._effects = ProcessEffects(settings, self._inbox)
        self._logs = tuple(log_path(settings, name) for name in (*(each.name for each in components), "supervisor"))
        self._rotation_due = time.monotonic()
        self._supervisor = Supervisor(components, self._effects, clock=time.monotonic, calendar=time.time)
        self._control = ControlServer(settings.control_socket, self._answer)

    def run(self) -> None:
        """Start the platform and block until it has been shut down, by the control socket or by `shut_down`."""
        with self._control:
            self._supervisor.start_platform()
            while not self._supervisor.done:
                self._step()
            # Before the socket disappears: until then no other platform of this home can start.
            for file in self._files_of_run:
                with suppress(OSError):
                    file.unlink(missing_ok=True)
            for claim in self._port_claims:
                os.close(claim)
            self._close()

    def shut_down(self) -> None:
        """Request the shutdown; may be called from a signal handler."""
        self._inbox.put(ControlCommand("shutdown"))

    def _step(self) -> None:
        statuses = self._supervisor.statuses()
        IS_UP.replace({(status.name,): status.is_up for status in statuses})
        RESTARTS.replace({(status.name,): status.restarts for status in statuses})
        if time.monotonic() >= self._rotation_due:
            self._rotation_due = time.monotonic() + ROTATION_INTERVAL_S
            self._effects.rotate_logs(self._logs)
        try:
            item = self._inbox.get(timeout=self._wait_limit_s())
        except queue.Empty:
            self._supervisor.tick()
            return
        if isinstance(item, ControlCommand):
            item.reply.put(self._execute(item))
        else:
            if not (isinstance(item, Probed) and item.missing):
                _log.info("%s", item)
            self._supervisor.handle(item)
        self._supervisor.tick()

    def _wait_limit_s(self) -> float:
        due = self._supervisor.next_due
        # Bounded, so that signals are handled while nothing is due.
        return 1.0 if due is None else min(1.0, max(0.0, due - time.monotonic()))

    def _execute(self, command: ControlCommand) -> dict[str, Any]:
        if command.action != "status":
            _log.info("%s %s", command.action, command.name)
        try:
            match command.action:
                case "start":
                    self._supervisor.start(command.name)
                case "stop":
                    self._supervisor.stop(command.name)
                case "restart":
                    self._supervisor.restart(command.name)
                case "shutdown":
                    self._supervisor.shutdown()
                case "status":
                    pass
                case other:
                    return {"error": f"unknown action {other!r}"}
        except KeyError:
            known = ", ".join(status.name for status in self._supervisor.statuses())
            return {"error": f"unknown component {command.name!r}; known are {known}"}
        return {"components": [self._redacted(status.as_json()) for status in self._supervisor.statuses()]}

    def _redacted(self, status: dict[str, Any]) -> dict[str, Any]:
        return {**status, "cause": redact_text(status["cause"], self._secrets)}

    def _close(self) -> None:
        """Release the clients whose requests came too late."""
        self._ended.set()
        while not self._inbox.empty():
            item = self._inbox.get()
            if isinstance(item, ControlCommand):
                item.reply.put(None)

    def _answer(self, action: str, name: str) -> dict[str, Any]:
        command = ControlCommand(action, name)
        self._inbox.put(command)
        try:
            # After the end nothing will answer.
            answer = command.reply.get(timeout=0 if self._ended.is_set() else REPLY_S)
        except queue.Empty:
            answer = None if self._ended.is_set() else {"error": f"no answer to {action} within {REPLY_S:.0f} s"}
        if answer is None:
            raise ConnectionAbortedError("the supervisor has ended")
        return answer
