"""Looks at everything that runs, restarts what failed, and publishes what happened."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from bifrost.deployer.apply.await_running import query_causes
from bifrost.deployer.live.state import Platform
from bifrost.deployer.plan.ksql_commands import pause, resume
from bifrost.errors import BifrostError, OperationRefused, RemoteError
from bifrost.metrics.families import Counter, Gauge, Histogram
from bifrost.operations.action_log import ActionLog, Outcome
from bifrost.operations.live_things import LiveThing, ThingKind, live_things
from bifrost.operations.watch.answer_checks import AnswerChecks
from bifrost.operations.watch.connection_checks import ConnectionChecks
from bifrost.operations.watch.dead_letter_checks import DeadLetterChecks
from bifrost.operations.watch.disk_guard import NAME as DISK_SPACE
from bifrost.operations.watch.disk_guard import DiskGuard
from bifrost.operations.watch.platform_event import DEAD_LETTERS, DISK, PlatformEvent
from bifrost.operations.watch.reported_problems import (
    SILENT_LOOKS,
    ReportedProblem,
    ReportedProblems,
    ThingKey,
)
from bifrost.operations.watch.restart_policy import MAX_RESTARTS, Decision, Happening, Restarts, decide
from bifrost.operations.watch.retention_sweep import RetentionSweep
from bifrost.operations.watch.watch_state import write_state

ACTOR = "watch"
"""Who restarts and pauses, in the log of actions."""
_UP = frozenset({"RUNNING"})
_HANGING = "HANGING"
_FAILED = frozenset({"FAILED", "ERROR", "BACKOFF", _HANGING})
_RETRYING_LOOKS = 2
"""So many looks in a row must find a query in ERROR or a process in `backoff`: both are retried without help, too."""
_WAITING = frozenset({"UNASSIGNED", "RESTARTING"})
_WAITING_LOOKS = 4
"""So many looks in a row must find a connector without a worker: after each change, Connect distributes them again."""
_PROCESSES = (ThingKind.SERVICE, ThingKind.COMPONENT)
_SERVERS = {ThingKind.CONNECTOR: "connect", ThingKind.QUERY: "ksqldb"}
"""The components that know the things of a kind."""
_PART = "part"
"""The kind of a server that does not answer: it is reported, not restarted, as others may run it."""
STOPPED = "is stopped, and whatever needs it fails until it is resumed"

EVENTS = Counter("bifrost_watch_events_total", "Events of the watcher", "kind", "happening")
RESTARTS = Counter("bifrost_watch_restarts_total", "Restarts by the watcher", "kind")
FAILED = Gauge("bifrost_watch_failed", "What has failed and has not recovered yet: 1 for each", "kind", "name")
LOOKS = Histogram("bifrost_watch_look_seconds", "Duration of a look at everything")

_log = logging.getLogger("watch")


class EventSink(Protocol):
    """Where events go (`EventTopic`)."""

    def publish(self, *events: PlatformEvent) -> bool:
        """Publish events, or keep them for the next call."""
        ...


class WallClock(Protocol):
    """Steady seconds, and seconds of the epoch."""

    def monotonic(self) -> float:
        """Return seconds since a fixed moment."""
        ...

    def time(self) -> float:
        """Return seconds since the epoch."""
        ...


@dataclass(slots=True)
class Watcher:
    """One watcher of a platform.

    `services` are the names of the project's services, and `own` is never restarted. `needed` returns the components
    that must run, given the names of the live connectors: one that a person has stopped is reported.
    """

    platform: Platform
    services: Collection[str]
    events: EventSink
    clock: WallClock
    clean: Callable[[str], str] = str
    needed: Callable[[Collection[str]], Collection[str]] = lambda _connectors: frozenset()
    max_restarts: int = MAX_RESTARTS
    own: str = ""
    state_file: Path | None = None
    disk: DiskGuard | None = None
    sweep: RetentionSweep | None = None
    connections: ConnectionChecks | None = None
    answers: AnswerChecks | None = None
    dead_letters: DeadLetterChecks | None = None
    actions: ActionLog | None = None
    _known: dict[ThingKey, Restarts] = field(default_factory=dict)
    _causes: dict[ThingKey, str] = field(default_factory=dict)
    _reported: ReportedProblems = field(default_factory=ReportedProblems)
    _retrying: dict[ThingKey, int] = field(default_factory=dict)

    def look(self) -> tuple[PlatformEvent, ...]:
        """Look at everything once: publish what is new, then restart what is due. Returns what was new."""
        began = self.clock.monotonic()
        found, problems, read = self._read()
        problems |= self._stopped(found) | _waiting(found) | self._of_connectors(found)
        self._forget_others(found, read)
        events: list[PlatformEvent] = []
        due: list[LiveThing] = []
        for thing in found:
            decision = self._decide(thing, failed=self._is_failed(thing))
            events += self._events(thing, decision)
            due += [thing] if decision.restart else []
        for thing in found:
            if thing.state in _FAILED:
                self._reported.forget((str(thing.kind), thing.name))  # that it has failed says more
        events += self._reports(problems)
        events += self._disk_events(found)
        # Somebody must know even if the restart takes long or fails.
        self.events.publish(*events)
        for thing in due:
            self._restart(thing)
        self._write_state()
        if self.sweep is not None:
            self.sweep.look()
        FAILED.replace({(kind, name): 1 for kind, _, name in (key.partition(" ") for key in self.summary())})
        LOOKS.observe(self.clock.monotonic() - began)
        return tuple(events)

    def _read(self) -> tuple[list[LiveThing], dict[ThingKey, ReportedProblem], set[str]]:
        """All things, the problems of the parts that do not answer, and the kinds that were read."""
        found: list[LiveThing] = []
        problems: dict[ThingKey, ReportedProblem] = {}
        read: set[str] = set()
        for kind in (ThingKind.SERVICE, ThingKind.COMPONENT, ThingKind.CONNECTOR, ThingKind.QUERY):
            if (str(ThingKind.COMPONENT), _SERVERS.get(kind, "")) in problems:
                continue  # it would take long to fail
            try:
                things = [thing for thing in live_things(self.platform, self.services, kind) if thing.name != self.own]
            except RemoteError as error:
                problems[_PART, error.system] = ReportedProblem(str(error), "does not answer")
                continue
            read.add(str(kind))
            hanging = self._hanging(things)
            if kind is ThingKind.COMPONENT:
                problems |= {(str(kind), name): ReportedProblem(cause, cause) for name, cause in hanging.items()}
            else:
                things = [_as_hanging(thing, hanging) for thing in things]
            found += (self._with_cause(thing) for thing in things)
        return found, problems, read

    def _hanging(self, things: Sequence[LiveThing]) -> Mapping[str, str]:
        """The processes that run but do not answer, each with a line that says so."""
        processes = [thing.name for thing in things if thing.kind in _PROCESSES and thing.state in _UP]
        return self.answers.silent(processes) if self.answers is not None and processes else {}

    def _stopped(self, found: Sequence[LiveThing]) -> dict[ThingKey, ReportedProblem]:
        """The components that a person has stopped although something that runs needs them.

        Debezium, for example, reconnects without end, and its task stays RUNNING.
        """
        needed = self.needed([thing.name for thing in found if thing.kind is ThingKind.CONNECTOR])
        stopped = (thing for thing in found if thing.kind is ThingKind.COMPONENT and thing.state == "STOPPED")
        problem = ReportedProblem(f"it {STOPPED}", STOPPED)
        return {(str(thing.kind), thing.name): problem for thing in stopped if thing.name in needed}

    def _of_connectors(self, found: Sequence[LiveThing]) -> dict[ThingKey, ReportedProblem]:
        """The connectors that run but do not capture all changes, and the dead-letter topics that grow."""
        running = {thing.name for thing in found if thing.kind is ThingKind.CONNECTOR and thing.state in _UP}
        if not running:
            return {}
        try:
            configs = self.platform.connect.configs()
        except RemoteError:
            return {}
        problems: dict[ThingKey, ReportedProblem] = {}
        if self.connections is not None:
            causes = self.connections.look({name: config for name, config in configs.items() if name in running})
            problems |= {(str(ThingKind.CONNECTOR), name): _incomplete(causes[name]) for name in causes}
        if self.dead_letters is not None:
            lines = self.dead_letters.look(configs)
            problems |= {
                (DEAD_LETTERS, topic): ReportedProblem(line, f"grow: {line}", 1) for topic, line in lines.items()
            }
        return problems

    def _forget_others(self, found: Sequence[LiveThing], read: Collection[str]) -> None:
        """Forgets what no longer exists."""
        existing = {(str(thing.kind), thing.name) for thing in found}
        for key in [key for key in {*self._known, *self._retrying} if key[0] in read and key not in existing]:
            for memory in (self._known, self._causes, self._retrying):
                memory.pop(key, None)

    def _with_cause(self, thing: LiveThing) -> LiveThing:
        if thing.kind is not ThingKind.QUERY or thing.state not in _FAILED:
            return thing
        try:
            causes = query_causes(self.platform.ksqldb, thing.name)
        except RemoteError:
            causes = ()
        return LiveThing(thing.kind, thing.name, thing.state, "; ".join(causes), thing.sinks)

    def _is_failed(self, thing: LiveThing) -> bool:
        key = (str(thing.kind), thing.name)
        if thing.state not in _FAILED:
            self._retrying.pop(key, None)
            return False
        if thing.kind is not ThingKind.QUERY and thing.state not in ("BACKOFF", _HANGING):
            return True
        self._retrying[key] = self._retrying.get(key, 0) + 1
        return self._retrying[key] >= (SILENT_LOOKS if thing.state == _HANGING else _RETRYING_LOOKS)

    def _decide(self, thing: LiveThing, *, failed: bool) -> Decision:
        key = (str(thing.kind), thing.name)
        before = self._known.get(key, Restarts())
        decision = decide(before, self.clock.monotonic(), failed=failed, max_restarts=self.max_restarts)
        self._known[key] = decision.restarts
        if failed:
            self._causes[key] = self.clean(thing.cause)
        if decision.restarts.is_forgettable:
            self._known.pop(key)
            self._causes.pop(key, None)
        return decision

    def _events(self, thing: LiveThing, decision: Decision) -> Iterator[PlatformEvent]:
        if decision.happening is None:
            return
        # A restart that begins now is already counted.
        count = decision.restarts.count - (1 if decision.restart else 0)
        wait_s = 0.0 if decision.restart else decision.restarts.next_at() - self.clock.monotonic()
        is_failure = decision.happening is Happening.FAILED
        yield self._event(
            decision.happening, str(thing.kind), thing.name, thing.cause, count, wait_s if is_failure else None
        )

    def _event(
        self, happening: Happening, kind: str, name: str, cause: str, count: int = 0, wait_s: float | None = None
    ) -> PlatformEvent:
        at_ms = round(self.clock.time() * 1000)
        cause = "" if happening is Happening.RECOVERED else self.clean(cause)
        event = PlatformEvent(happening, kind, name, at_ms, cause, count, wait_s, self.max_restarts)
        EVENTS.add(kind, happening.name.lower())
        _log.log(logging.INFO if happening is Happening.RECOVERED else logging.WARNING, "%s", event.text)
        return event

    def _disk_events(self, found: Sequence[LiveThing]) -> Iterator[PlatformEvent]:
        """Pauses or resumes what the free space requires; an event of a change."""
        change = self.disk.look(self.platform, found) if self.disk is not None else None
        if change is not None:
            yield self._event(change.happening, DISK, DISK_SPACE, change.cause)
            action = "resume" if change.happening is Happening.RECOVERED else "pause"
            self._log_action(action, "connectors and generators", Outcome.DONE, change.cause)

    def _reports(self, problems: Mapping[ThingKey, ReportedProblem]) -> Iterator[PlatformEvent]:
        """Events of what is only reported: problems that begin to count, and those that have ended."""
        for change in self._reported.update(problems):
            yield self._event(change.happening, change.kind, change.name, change.cause)

    def _restart(self, thing: LiveThing) -> None:
        """Begins the restart of a failed thing; the next look shows what became of it."""
        RESTARTS.add(str(thing.kind))
        outcome, result = Outcome.DONE, "Restart began."
        try:
            match thing.kind:
                case ThingKind.CONNECTOR:
                    self.platform.connect.restart(thing.name, only_failed=True)
                case ThingKind.QUERY:
                    self.platform.ksqldb.execute(pause(thing.name))
                    self.platform.ksqldb.execute(resume(thing.name))
                case _:
                    if self.platform.services is not None:
                        self.platform.services.restart(thing.name, wait_s=0)
        except BifrostError as error:
            outcome, result = Outcome.FAILED, str(error)
            _log.warning("restart of %s failed: %s", thing, self.clean(str(error)))
        self._log_action("restart", str(thing), outcome, result, [f"{thing} is {thing.state}: {thing.cause}"])

    def _log_action(self, action: str, thing: str, outcome: Outcome, result: str, lines: Collection[str] = ()) -> None:
        if self.actions is None:
            return
        try:
            self.actions.end(self.actions.begin(ACTOR, action, thing, lines), outcome, result)
        except OperationRefused as error:  # a full disk must not prevent a restart
            _log.warning("cannot log an action: %s", error.__cause__)

    def _write_state(self) -> None:
        """Writes what is failed or was restarted, for `status`."""
        if self.state_file is None:
            return
        try:
            write_state(self.state_file, self.summary(), self.clock.monotonic())
        except OSError as error:  # a full disk must not end the watcher, which reports it
            _log.warning("cannot write %s: %s", self.state_file, error.strerror or error)

    def summary(self) -> dict[str, str]:
        """What has failed and has not recovered yet, with what happens next, by `kind name`."""
        now = self.clock.monotonic()
        lines = {
            f"{kind} {name}": self._line(kind, name, found, now)
            for (kind, name), found in self._known.items()
            if found.is_recovery_due
        }
        disk = (
            {f"{DISK} {DISK_SPACE}": f"is low: {text}"} if self.disk is not None and (text := self.disk.summary) else {}
        )
        return {**self._reported.summary(), **lines, **disk}

    def _line(self, kind: str, name: str, found: Restarts, now: float) -> str:
        cause = self._causes.get((kind, name), "")
        ending = f": {cause}" if cause else ""
        times = f"{found.count} {'time' if found.count == 1 else 'times'}"
        if found.is_given_up:
            return f"was restarted {times} and stays failed{ending}"
        if found.is_failed:
            return f"was restarted {times}, next in {max(0, round(found.next_at() - now))} s{ending}"
        return f"was restarted {times}{ending}"


def _as_hanging(thing: LiveThing, hanging: Mapping[str, str]) -> LiveThing:
    cause = hanging.get(thing.name)
    return thing if cause is None else replace(thing, state=_HANGING, cause=cause)


def _waiting(found: Sequence[LiveThing]) -> dict[ThingKey, ReportedProblem]:
    """The connectors that no worker has started."""
    return {
        (str(thing.kind), thing.name): ReportedProblem(f"it {line}", line, _WAITING_LOOKS)
        for thing in found
        if thing.kind is ThingKind.CONNECTOR and thing.state in _WAITING
        for line in (f"is {thing.state}: no worker has started it; `logs connect` may say why",)
    }


def _incomplete(cause: str) -> ReportedProblem:
    line = f"runs, but {cause}"
    return ReportedProblem(f"it {line}", line, looks=2)
