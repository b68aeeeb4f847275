"""The supervisor's decisions: which component starts, stops or is tried again, and when. Touches no process itself."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from bifrost.clients.supervisor import ComponentState, ComponentStatus
from bifrost.errors import EX_CONFIG, ComponentError
from bifrost.supervisor.component import Component, Restart, starting_order
from bifrost.supervisor.events import Event, Exited, Finished, Prepared, Probed
from bifrost.supervisor.process import ending


class Child(Protocol):
    """A started process."""

    @property
    def pid(self) -> int:
        """Its process id."""
        ...

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to it and its children."""
        ...

    def last_words(self, *, literally: bool = False) -> str:
        """The line of its log that best says why it ended; with `literally` the last line."""
        ...


class Effects(Protocol):
    """What the supervisor lets happen. The answer to each comes back later as an event with the same `attempt`."""

    def prepare(self, component: Component, attempt: int) -> None:
        """Run the preparation; answered by `Prepared`."""
        ...

    def spawn(self, component: Component, attempt: int) -> Child:
        """Start the process; `Exited` follows when it ends. Raises `ComponentError`."""
        ...

    def probe(self, component: Component, attempt: int) -> None:
        """Look once, after a short pause, whether it is ready; answered by `Probed`."""
        ...

    def finish(self, component: Component, attempt: int) -> None:
        """Run the step that follows readiness; answered by `Finished`."""
        ...

    def log_of(self, component: Component) -> str:
        """The path of its log."""
        ...


class Phase(Enum):
    """Where a component is on its way; `ComponentState` is what is told of it outside."""

    STOPPED = auto()
    WAITING = auto()  # for what it depends on
    PREPARING = auto()
    PROBING = auto()
    FINISHING = auto()
    UP = auto()
    STOPPING = auto()
    BACKOFF = auto()
    FAILED = auto()


_STATES: dict[Phase, ComponentState] = {
    Phase.STOPPED: "stopped",
    Phase.WAITING: "starting",
    Phase.PREPARING: "starting",
    Phase.PROBING: "starting",
    Phase.FINISHING: "starting",
    Phase.UP: "ready",
    Phase.STOPPING: "stopping",
    Phase.BACKOFF: "backoff",
    Phase.FAILED: "failed",
}
_ALIVE = (Phase.PREPARING, Phase.PROBING, Phase.FINISHING, Phase.UP, Phase.STOPPING)


@dataclass(slots=True)
class Unit:
    """What the supervisor knows about one component."""

    component: Component
    since: float
    phase: Phase = Phase.STOPPED
    child: Child | None = None
    attempt: int = 0
    restarts: int = 0
    deaths: int = 0  # in a row
    was_up: bool = False  # once, since it was last started on command
    up_at: float | None = None
    due: float | None = None  # when the phase is over: not ready in time, not stopped in time, backed off enough
    after_stop: Phase = Phase.STOPPED
    cause: str = ""

    @property
    def state(self) -> ComponentState:
        """What is told of it outside."""
        return "running" if self.phase is Phase.UP and self.component.probe is None else _STATES[self.phase]


class Supervisor:
    """Takes events and the passing of time, and drives its components by `Effects`.

    Call every method from one thread. `clock` gives seconds that only grow, `calendar` seconds since the epoch.
    """

    def __init__(
        self,
        components: Iterable[Component],
        effects: Effects,
        *,
        clock: Callable[[], float],
        calendar: Callable[[], float],
    ) -> None:
        ordered = starting_order(tuple(components))
        self._effects = effects
        self._clock = clock
        self._calendar = calendar
        self._units = {component.name: Unit(component, calendar()) for component in ordered}
        self._closing = False

    # --- commands

    def start_platform(self) -> None:
        """Start every component that belongs to the platform's own start."""
        for unit in self._units.values():
            if unit.component.with_platform:
                self._want(unit)
        self._advance()

    def start(self, name: str) -> None:
        """Start a component unless it is up or on its way; raises `KeyError` for an unknown name."""
        self._want(self._units[name])
        self._advance()

    def stop(self, name: str) -> None:
        """Stop a component and leave it stopped; raises `KeyError` for an unknown name."""
        unit = self._units[name]
        unit.cause = ""
        self._stop(unit, Phase.STOPPED)

    def restart(self, name: str) -> None:
        """Stop and start a component; raises `KeyError` for an unknown name."""
        unit = self._units[name]
        if unit.phase in _ALIVE:
            self._stop(unit, Phase.WAITING)
            unit.was_up, unit.deaths = False, 0
        else:
            self._want(unit)
        self._advance()

    def shutdown(self) -> None:
        """Stop everything, dependents first; `done` tells when."""
        self._closing = True
        self._advance()

    # --- what is going on

    @property
    def done(self) -> bool:
        """Whether the shutdown is complete."""
        return self._closing and not any(unit.phase in _ALIVE for unit in self._units.values())

    @property
    def next_due(self) -> float | None:
        """When `tick` has something to do, on the supervisor's clock."""
        return min((unit.due for unit in self._units.values() if unit.due is not None), default=None)

    def statuses(self) -> list[ComponentStatus]:
        """Every component, in starting order."""
        return [self._status(unit) for unit in self._units.values()]

    def _status(self, unit: Unit) -> ComponentStatus:
        return ComponentStatus(
            name=unit.component.name,
            state=unit.state,
            pid=unit.child.pid if unit.child else None,
            restarts=unit.restarts,
            since=unit.since,
            log=self._effects.log_of(unit.component),
            cause=unit.cause,
        )

    # --- events

    def handle(self, event: Event) -> None:
        """Take in what happened; an answer to an attempt that is over is dropped."""
        unit = self._units[event.name]
        if event.attempt != unit.attempt:
            return
        match event:
            case Prepared(problem=problem):
                self._on_prepared(unit, problem)
            case Probed(missing=missing):
                self._on_probed(unit, missing)
            case Finished(problem=problem):
                self._on_finished(unit, problem)
            case Exited(code=code):
                self._on_exited(unit, code)
        self._advance()

    def tick(self) -> None:
        """Do what is due by the clock."""
        now = self._clock()
        for unit in self._units.values():
            if unit.due is not None and unit.due <= now:
                self._on_due(unit)
        self._advance()

    def _on_prepared(self, unit: Unit, problem: str | None) -> None:
        if unit.phase is Phase.STOPPING:
            self._enter(unit, unit.after_stop)
        elif problem is not None:
            self._fail(unit, problem)
        else:
            self._spawn(unit)

    def _spawn(self, unit: Unit) -> None:
        try:
            unit.child = self._effects.spawn(unit.component, unit.attempt)
        except ComponentError as error:
            self._fail(unit, error.problem)
            return
        self._enter(unit, Phase.PROBING, due_in=unit.component.ready_within_s)
        if unit.component.probe is None:
            self._on_probed(unit, None)
        else:
            self._effects.probe(unit.component, unit.attempt)

    def _on_probed(self, unit: Unit, missing: str | None) -> None:
        if unit.phase is not Phase.PROBING:
            return
        if missing is not None:
            unit.cause = missing
            self._effects.probe(unit.component, unit.attempt)
        elif unit.component.after_ready is None:
            self._come_up(unit)
        else:
            self._enter(unit, Phase.FINISHING)
            self._effects.finish(unit.component, unit.attempt)

    def _on_finished(self, unit: Unit, problem: str | None) -> None:
        if unit.phase is not Phase.FINISHING:
            return
        if problem is None:
            self._come_up(unit)
        else:
            self._give_up(unit, problem)

    def _come_up(self, unit: Unit) -> None:
        unit.was_up = True
        unit.up_at = self._clock()
        unit.cause = ""
        self._enter(unit, Phase.UP)

    def _on_exited(self, unit: Unit, code: int) -> None:
        child, unit.child = unit.child, None
        if unit.phase is Phase.STOPPING:
            self._enter(unit, unit.after_stop, due_in=self._backoff(unit) if unit.after_stop is Phase.BACKOFF else None)
            return
        cause = _cause(child, code)
        policy = unit.component.restart
        if code == 0 and policy is not Restart.ALWAYS and unit.was_up:
            self._enter(unit, Phase.STOPPED)
        elif code == EX_CONFIG or policy is Restart.NEVER or not unit.was_up:
            self._fail(unit, cause)
        else:
            unit.cause = cause
            self._enter(unit, Phase.BACKOFF, due_in=self._backoff(unit))

    def _backoff(self, unit: Unit) -> float:
        steady = unit.up_at is not None and self._clock() - unit.up_at >= unit.component.backoff.steady_s
        unit.deaths = 1 if steady else unit.deaths + 1
        unit.up_at = None
        return unit.component.backoff.delay(unit.deaths)

    def _on_due(self, unit: Unit) -> None:
        match unit.phase:
            case Phase.PROBING:
                missing = unit.cause or "its probe got no answer"
                self._give_up(unit, f"not ready after {unit.component.ready_within_s:.0f} s: {missing}")
            case Phase.STOPPING:
                unit.due = None
                if unit.child:
                    unit.child.signal(signal.SIGKILL)
            case Phase.BACKOFF:
                unit.restarts += 1
                self._enter(unit, Phase.WAITING)
            case _:
                unit.due = None

    # --- steps

    def _want(self, unit: Unit) -> None:
        if unit.phase in (Phase.STOPPED, Phase.FAILED, Phase.BACKOFF):
            unit.was_up, unit.deaths, unit.cause = False, 0, ""
            self._enter(unit, Phase.WAITING)
        elif unit.phase is Phase.STOPPING:
            unit.after_stop = Phase.WAITING

    def _give_up(self, unit: Unit, problem: str) -> None:
        """End a process that did not become ready: for good if it never was, else to try again."""
        unit.cause = problem
        self._stop(unit, Phase.BACKOFF if unit.was_up and unit.component.restart is not Restart.NEVER else Phase.FAILED)

    def _fail(self, unit: Unit, cause: str) -> None:
        unit.cause = cause
        self._enter(unit, Phase.FAILED)

    def _stop(self, unit: Unit, then: Phase) -> None:
        match unit.phase:
            case Phase.PREPARING:
                unit.after_stop = then
                self._enter(unit, Phase.STOPPING)
            case Phase.PROBING | Phase.FINISHING | Phase.UP:
                unit.after_stop = then
                self._enter(unit, Phase.STOPPING, due_in=unit.component.grace_s)
                if unit.child:
                    unit.child.signal(unit.component.stop_signal)
            case Phase.STOPPING:
                unit.after_stop = then
            case _:
                self._enter(unit, then)

    def _enter(self, unit: Unit, phase: Phase, *, due_in: float | None = None) -> None:
        unit.phase = phase
        unit.since = self._calendar()
        unit.due = None if due_in is None else self._clock() + due_in

    def _advance(self) -> None:
        if self._closing:
            self._stop_next()
            return
        for unit in self._units.values():
            if unit.phase is Phase.WAITING and self._dependencies_up(unit):
                unit.attempt += 1
                self._enter(unit, Phase.PREPARING)
                self._effects.prepare(unit.component, unit.attempt)

    def _dependencies_up(self, unit: Unit) -> bool:
        found = (self._units.get(name) for name in unit.component.depends_on)
        return all(dependency is None or dependency.phase is Phase.UP or _is_spared(dependency) for dependency in found)

    def _stop_next(self) -> None:
        needed = {name for unit in self._units.values() if unit.phase in _ALIVE for name in unit.component.depends_on}
        for unit in self._units.values():
            if unit.phase is Phase.STOPPING:
                unit.after_stop = Phase.STOPPED
            elif unit.phase not in _ALIVE or unit.component.name not in needed:
                self._stop(unit, Phase.STOPPED)


def _is_spared(unit: Unit) -> bool:
    """Whether it is started on command only, and was not: nothing waits for it then."""
    return not unit.component.with_platform and unit.phase is Phase.STOPPED


def _cause(child: Child | None, code: int) -> str:
    """Why a process ended, in a line; the log says nothing of a SIGKILL."""
    words = child.last_words(literally=code == EX_CONFIG) if child and code != -signal.SIGKILL else ""
    if code == EX_CONFIG and words:
        return words
    return f"ended with {ending(code)}: {words}" if words else f"ended with {ending(code)}"
