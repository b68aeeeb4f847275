"""A world for the supervisor without processes: effects are noted, and tests play what comes back."""

import signal
from dataclasses import dataclass, field

from bifrost.errors import ComponentError
from bifrost.supervisor.component import Component
from bifrost.supervisor.processes.events import Exited, Finished, Prepared, Probed
from bifrost.supervisor.processes.supervisor import Supervisor


@dataclass
class FakeChild:
    name: str
    pid: int
    signals: list[signal.Signals] = field(default_factory=list)
    words: str = ""

    def signal(self, number: signal.Signals) -> None:
        self.signals.append(number)

    def failure_line(self, *, last_line_only: bool = False) -> str:
        return self.words


class FakeEffects:
    def __init__(self) -> None:
        self.done: list[tuple[str, str]] = []
        self.attempts: dict[str, int] = {}
        self.children: dict[str, FakeChild] = {}
        self.unstartable: set[str] = set()
        self.disk_is_full = False

    def prepare(self, component: Component, attempt: int) -> None:
        self.attempts[component.name] = attempt
        self.done.append(("prepare", component.name))

    def spawn(self, component: Component, attempt: int) -> FakeChild:
        if component.name in self.unstartable:
            raise ComponentError(component.name, "cannot run it")
        if self.disk_is_full:
            raise OSError(28, "No space left on device")
        self.done.append(("spawn", component.name))
        child = FakeChild(component.name, pid=100 + len(self.done))
        self.children[component.name] = child
        return child

    def probe(self, component: Component, attempt: int) -> None:
        self.done.append(("probe", component.name))

    def finish(self, component: Component, attempt: int) -> None:
        self.done.append(("finish", component.name))

    def log_of(self, component: Component) -> str:
        return f"/logs/{component.name}.log"


class Stage:
    """A supervisor on fake effects and a clock that the test sets."""

    def __init__(self, *components: Component) -> None:
        self.effects = FakeEffects()
        self.now = 1000.0
        self.supervisor = Supervisor(
            components, self.effects, clock=lambda: self.now, calendar=lambda: self.now + 1_000_000
        )

    def state(self, name: str) -> str:
        return self.status(name).state

    def status(self, name: str):
        return next(status for status in self.supervisor.statuses() if status.name == name)

    def did(self, what: str) -> list[str]:
        return [name for done, name in self.effects.done if done == what]

    def prepared(self, name: str, problem: str | None = None) -> None:
        self.supervisor.handle(Prepared(name, self.effects.attempts[name], problem))

    def probed(self, name: str, missing: str | None = None) -> None:
        self.supervisor.handle(Probed(name, self.effects.attempts[name], missing))

    def finished(self, name: str, problem: str | None = None) -> None:
        self.supervisor.handle(Finished(name, self.effects.attempts[name], problem))

    def exited(self, name: str, code: int, words: str = "") -> None:
        self.effects.children[name].words = words
        self.supervisor.handle(Exited(name, self.effects.attempts[name], code))

    def bring_up(self, *names: str) -> None:
        for name in names:
            self.prepared(name)
            if self.state(name) != "running":
                self.probed(name)

    def pass_time(self, seconds: float) -> None:
        """Let time pass as the running supervisor sees it: it ticks every second."""
        while seconds > 0:
            step = min(1.0, seconds)
            self.now += step
            seconds -= step
            self.supervisor.tick()

    def suspend(self, seconds: float) -> None:
        """Let time pass in which nothing runs, the supervisor neither."""
        self.now += seconds
        self.supervisor.tick()

    def signals(self, name: str) -> list[signal.Signals]:
        return self.effects.children[name].signals
