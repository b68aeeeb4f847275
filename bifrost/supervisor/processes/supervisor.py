"""Decides which component starts, stops or restarts, and when. Touches no process itself."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable
from typing import Protocol

from bifrost.clients.supervisor import ComponentStatus
from bifrost.errors import EX_CONFIG, ComponentError
from bifrost.supervisor.component import Component, Restart, starting_order
from bifrost.supervisor.processes.child_process import describe_exit
from bifrost.supervisor.processes.events import Event, Exited, Finished, Prepared, Probed
from bifrost.supervisor.processes.managed_component import Child, ManagedComponent, Phase

SUSPENDED_S = 10.0
"""Without a tick for this long, the supervisor did not run: `tick` is called every second."""


class Effects(Protocol):
    """What the supervisor causes. Each effect is answered later by an event with the same `attempt`."""

    def prepare(self, component: Component, attempt: int) -> None:
        """Run the preparation; answered by `Prepared`."""
        ...

    def spawn(self, component: Component, attempt: int) -> Child:
        """Start the process; `Exited` follows when it ends. Raises `ComponentError`."""
        ...

    def probe(self, component: Component, attempt: int) -> None:
        """Probe once, after a short pause; answered by `Probed`."""
        ...

    def finish(self, component: Component, attempt: int) -> None:
        """Run the step that follows readiness; answered by `Finished`."""
        ...

    def log_of(self, component: Component) -> str:
        """The path of its log."""
        ...


class Supervisor:
    """Handles events and timeouts, and drives its components through `Effects`.

    Call every method from one thread. `clock` returns monotonic seconds, `calendar` seconds since the epoch.
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
        self._managed = {component.name: ManagedComponent(component, calendar()) for component in ordered}
        self._closing = False
        self._ticked_at = clock()

    def start_platform(self) -> None:
        """Start every component that starts with the platform."""
        for managed in self._managed.values():
            if managed.component.with_platform:
                self._request_start(managed)
        self._advance()

    def start(self, name: str) -> None:
        """Start a component unless it is up or starting; raises `KeyError` for an unknown name."""
        self._request_start(self._managed[name])
        self._advance()

    def stop(self, name: str) -> None:
        """Stop a component and leave it stopped; raises `KeyError` for an unknown name."""
        managed = self._managed[name]
        managed.cause = ""
        self._stop(managed, Phase.STOPPED)

    def restart(self, name: str) -> None:
        """Stop and start a component; raises `KeyError` for an unknown name.

        One that is being tried again, as on a full disk, is tried again after this, too. Any other fails if it does not
        become ready.
        """
        managed = self._managed[name]
        if managed.is_alive:
            is_retried = managed.was_up and managed.phase is not Phase.UP
            self._stop(managed, Phase.WAITING)
            managed.was_up, managed.deaths = is_retried, 0
        else:
            self._request_start(managed)
        self._advance()

    def shutdown(self) -> None:
        """Stop everything, dependents first; `done` becomes true at the end."""
        self._closing = True
        self._advance()

    @property
    def done(self) -> bool:
        """Whether the shutdown is complete."""
        return self._closing and not any(managed.is_alive for managed in self._managed.values())

    @property
    def next_due(self) -> float | None:
        """When `tick` must be called next, on the supervisor's clock; `None` if nothing is due."""
        return min((managed.due for managed in self._managed.values() if managed.due is not None), default=None)

    def statuses(self) -> list[ComponentStatus]:
        """The status of every component, in starting order."""
        return [self._status(managed) for managed in self._managed.values()]

    def _status(self, managed: ManagedComponent) -> ComponentStatus:
        return ComponentStatus(
            name=managed.component.name,
            state=managed.state,
            pid=managed.child.pid if managed.child else None,
            restarts=managed.restarts,
            since=managed.since,
            log=self._effects.log_of(managed.component),
            cause=managed.cause,
        )

    def handle(self, event: Event) -> None:
        """Handle an event; events of an earlier attempt are ignored."""
        managed = self._managed[event.name]
        if event.attempt != managed.attempt:
            return
        match event:
            case Prepared(problem=problem):
                self._on_prepared(managed, problem)
            case Probed(missing=missing):
                self._on_probed(managed, missing)
            case Finished(problem=problem):
                self._on_finished(managed, problem)
            case Exited(code=code):
                self._on_exited(managed, code)
        self._advance()

    def tick(self) -> None:
        """Handle the timeouts that are due.

        The time in which the supervisor did not run, because the machine was suspended or had no time for it, does not
        count: its components did not run either.
        """
        now = self._clock()
        gap, self._ticked_at = now - self._ticked_at, now
        if gap > SUSPENDED_S:
            self._postpone(gap)
        for managed in self._managed.values():
            if managed.due is not None and managed.due <= now:
                self._on_due(managed)
        self._advance()

    def _postpone(self, seconds: float) -> None:
        for managed in self._managed.values():
            if managed.due is not None:
                managed.due += seconds

    def _on_prepared(self, managed: ManagedComponent, problem: str | None) -> None:
        if managed.phase is Phase.STOPPING:
            self._enter(managed, managed.after_stop)
        elif problem is not None:
            self._fail_start(managed, problem)
        else:
            self._spawn(managed)

    def _spawn(self, managed: ManagedComponent) -> None:
        try:
            managed.child = self._effects.spawn(managed.component, managed.attempt)
        except (ComponentError, OSError) as error:
            self._fail_start(managed, error.problem if isinstance(error, ComponentError) else str(error))
            return
        self._enter(managed, Phase.PROBING, due_in=managed.component.ready_within_s)
        if managed.component.probe is None:
            self._on_probed(managed, None)
        else:
            self._effects.probe(managed.component, managed.attempt)

    def _on_probed(self, managed: ManagedComponent, missing: str | None) -> None:
        if managed.phase is not Phase.PROBING:
            return
        if missing is not None:
            managed.cause = missing
            self._effects.probe(managed.component, managed.attempt)
        elif managed.component.after_ready is None:
            self._come_up(managed)
        else:
            self._enter(managed, Phase.FINISHING)
            self._effects.finish(managed.component, managed.attempt)

    def _on_finished(self, managed: ManagedComponent, problem: str | None) -> None:
        if managed.phase is not Phase.FINISHING:
            return
        if problem is None:
            self._come_up(managed)
        else:
            self._stop_unready(managed, problem)

    def _come_up(self, managed: ManagedComponent) -> None:
        managed.was_up = True
        managed.up_at = self._clock()
        managed.cause = ""
        self._enter(managed, Phase.UP)

    def _on_exited(self, managed: ManagedComponent, code: int) -> None:
        child, managed.child = managed.child, None
        if managed.phase is Phase.STOPPING:
            self._enter(
                managed,
                managed.after_stop,
                due_in=self._backoff(managed) if managed.after_stop is Phase.BACKOFF else None,
            )
            return
        cause = _cause(child, code)
        policy = managed.component.restart
        if code == 0 and policy is not Restart.ALWAYS and managed.was_up:
            self._enter(managed, Phase.STOPPED)
        elif code == EX_CONFIG or policy is Restart.NEVER or not managed.was_up:
            self._fail(managed, cause)
        else:
            managed.cause = cause
            self._enter(managed, Phase.BACKOFF, due_in=self._backoff(managed))

    def _backoff(self, managed: ManagedComponent) -> float:
        steady = managed.up_at is not None and self._clock() - managed.up_at >= managed.component.backoff.steady_s
        managed.deaths = 1 if steady else managed.deaths + 1
        managed.up_at = None
        return managed.component.backoff.delay(managed.deaths)

    def _on_due(self, managed: ManagedComponent) -> None:
        match managed.phase:
            case Phase.PROBING:
                missing = managed.cause or "the probe got no answer"
                self._stop_unready(managed, f"not ready after {managed.component.ready_within_s:.0f} s: {missing}")
            case Phase.STOPPING:
                managed.due = None
                if managed.child:
                    managed.child.signal(signal.SIGKILL)
            case Phase.BACKOFF:
                managed.restarts += 1
                self._enter(managed, Phase.WAITING)
            case _:
                managed.due = None

    def _request_start(self, managed: ManagedComponent) -> None:
        if managed.phase in (Phase.STOPPED, Phase.FAILED, Phase.BACKOFF):
            managed.was_up, managed.deaths, managed.cause = managed.phase is Phase.BACKOFF, 0, ""
            self._enter(managed, Phase.WAITING)
        elif managed.phase is Phase.STOPPING:
            managed.after_stop = Phase.WAITING

    def _stop_unready(self, managed: ManagedComponent, problem: str) -> None:
        """Stop a process that did not become ready. It is restarted only if it was ready before."""
        managed.cause = problem
        self._stop(
            managed,
            Phase.BACKOFF if managed.was_up and managed.component.restart is not Restart.NEVER else Phase.FAILED,
        )

    def _fail_start(self, managed: ManagedComponent, cause: str) -> None:
        """Give up a start that failed before the process ran, unless the component was up before: then retry."""
        managed.cause = cause
        if managed.was_up and managed.component.restart is not Restart.NEVER:
            self._enter(managed, Phase.BACKOFF, due_in=self._backoff(managed))
        else:
            self._enter(managed, Phase.FAILED)

    def _fail(self, managed: ManagedComponent, cause: str) -> None:
        managed.cause = cause
        self._enter(managed, Phase.FAILED)

    def _stop(self, managed: ManagedComponent, then: Phase) -> None:
        match managed.phase:
            case Phase.PREPARING:
                managed.after_stop = then
                self._enter(managed, Phase.STOPPING)
            case Phase.PROBING | Phase.FINISHING | Phase.UP:
                managed.after_stop = then
                self._enter(managed, Phase.STOPPING, due_in=managed.component.grace_s)
                if managed.child:
                    managed.child.signal(managed.component.stop_signal)
            case Phase.STOPPING:
                managed.after_stop = then
            case _:
                self._enter(managed, then)

    def _enter(self, managed: ManagedComponent, phase: Phase, *, due_in: float | None = None) -> None:
        managed.phase = phase
        managed.since = self._calendar()
        managed.due = None if due_in is None else self._clock() + due_in

    def _advance(self) -> None:
        if self._closing:
            self._stop_next()
            return
        for managed in self._managed.values():
            if managed.phase is Phase.WAITING and self._dependencies_up(managed):
                managed.attempt += 1
                self._enter(managed, Phase.PREPARING)
                self._effects.prepare(managed.component, managed.attempt)

    def _dependencies_up(self, managed: ManagedComponent) -> bool:
        component = managed.component
        is_first = managed.attempt == 0 and component.first_start_needs is not None
        names = component.first_start_needs if is_first else component.depends_on
        found = (self._managed.get(name) for name in names or ())
        return all(
            dependency is None or dependency.phase is Phase.UP or _is_idle_on_command(dependency)
            for dependency in found
        )

    def _stop_next(self) -> None:
        needed = {
            name for managed in self._managed.values() if managed.is_alive for name in managed.component.depends_on
        }
        for managed in self._managed.values():
            if managed.phase is Phase.STOPPING:
                managed.after_stop = Phase.STOPPED
            elif not managed.is_alive or managed.component.name not in needed:
                self._stop(managed, Phase.STOPPED)


def _is_idle_on_command(managed: ManagedComponent) -> bool:
    """Whether it starts on request only and was not requested: nothing waits for it then."""
    return not managed.component.with_platform and managed.phase is Phase.STOPPED


def _cause(child: Child | None, code: int) -> str:
    """Why a process ended, in one line. A log never explains a SIGKILL."""
    words = child.failure_line(last_line_only=code == EX_CONFIG) if child and code != -signal.SIGKILL else ""
    if code == EX_CONFIG and words:
        return words
    return f"ended with {describe_exit(code)}: {words}" if words else f"ended with {describe_exit(code)}"
