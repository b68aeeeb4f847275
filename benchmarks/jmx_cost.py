"""What the JMX exporter costs the broker and the Connect worker at their start, and in memory.

    python -m benchmarks.jmx_cost --rounds 5

It starts its own broker and worker, without the rest of the platform, in turn without and with `BIFROST_JMX=1`.
Prints the seconds from the start of each process until it is ready, its processor time until then, and its resident
memory after a few requests for its figures; then both medians and their ratio. `up` must have installed the programs.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import sample
from statistics import median

import requests

from benchmarks.platform import wait_for
from benchmarks.process_usage import usage_of
from bifrost import settings as project_settings
from bifrost.errors import BifrostError, ComponentError
from bifrost.settings import Settings
from bifrost.supervisor.component import Component
from bifrost.supervisor.components import broker, connect
from bifrost.supervisor.install import connect_plugins, jmx_exporter, jvm_stack
from bifrost.supervisor.install.java import find_java
from bifrost.supervisor.ports import is_free
from bifrost.supervisor.processes.component_logs import failure_line

PARTS = ("kafka", "kafka_controller", "connect", "jmx_broker", "jmx_connect")
PORTS = range(20_000, 32_000)
READY_S = 300.0
REQUESTS = 10
TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds until a process was ready, its processor time until then, and its resident bytes some time later."""

    ready_s: float
    cpu_s: float
    resident: int


FIGURES: Mapping[str, Callable[[Cost], float]] = {
    "s until ready": lambda cost: cost.ready_s,
    "s of CPU until ready": lambda cost: cost.cpu_s,
    "MB": lambda cost: cost.resident / 2**20,
}


def main() -> int:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="starts of each kind (default 5)")
    args = parser.parse_args()
    found: dict[tuple[str, bool], list[Cost]] = {}
    _costs(jmx=False)  # fills the caches; the broker archives its classes at its end
    for number in range(1, args.rounds + 1):
        for jmx in (False, True):
            for name, cost in _costs(jmx=jmx).items():
                found.setdefault((name, jmx), []).append(cost)
                figures = ", ".join(f"{figure(cost):.1f} {unit}" for unit, figure in FIGURES.items())
                print(f"round {number}: {name} {'with' if jmx else 'without'}: {figures}", flush=True)
    print("         without    with  ratio")
    for name in (broker.NAME, connect.NAME):
        for unit, figure in FIGURES.items():
            before, after = (median(map(figure, found[name, jmx])) for jmx in (False, True))
            print(f"{name:8} {before:7.1f} {after:7.1f}  {after / before:5.2f}  {unit}")
    return 0


def _costs(*, jmx: bool) -> dict[str, Cost]:
    """The costs of one start of both programs."""
    with tempfile.TemporaryDirectory(prefix="bifrost-jmx-") as home, ExitStack() as stack:
        settings = _settings(Path(home), jmx=jmx)
        found: dict[str, Cost] = {}
        for component in _components(settings):
            process, took_s = stack.enter_context(_running(component, settings.logs / f"{component.name}.log"))
            cpu_s = usage_of(process.pid).cpu_s
            for _ in range(REQUESTS if jmx else 0):
                url = f"http://127.0.0.1:{settings.port(f'jmx_{component.name}')}/metrics"
                requests.get(url, timeout=TIMEOUT_S).raise_for_status()
            found[component.name] = Cost(took_s, cpu_s, usage_of(process.pid).resident)
        return found


def _settings(home: Path, *, jmx: bool) -> Settings:
    ours = project_settings.load()
    free = [port for port in sample(PORTS, 100) if is_free(port)]
    ports = {f"BIFROST_PORT_{part.upper()}": str(port) for part, port in zip(PARTS, free, strict=False)}
    own = {"BIFROST_HOME": str(home), "BIFROST_CACHE": str(ours.cache), "BIFROST_JMX": str(int(jmx)), **ports}
    settings = Settings({**ours.values, **own}, ours.project)
    settings.logs.mkdir(parents=True)
    return settings


def _components(settings: Settings) -> tuple[Component, ...]:
    java = find_java(settings)
    if java is None:
        raise ComponentError("JMX exporter", "no Java is installed; `up` installs it")
    stack = jvm_stack.install(settings, java, print)
    connect_plugins.install(settings, print)
    jmx_exporter.install(settings, print)
    return broker.component(settings, java, stack), connect.component(settings, java, stack)


@contextmanager
def _running(component: Component, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    """A component's process, and the seconds until it was ready; it is stopped in the end."""
    if component.prepare is not None:
        component.prepare()
    began = time.monotonic()
    with log.open("ab") as output:
        process = subprocess.Popen(component.command, env=dict(component.env), stdout=output, stderr=output)

    def is_ready() -> bool:
        if process.poll() is not None:
            raise ComponentError(component.name, f"ended with exit code {process.returncode}: {failure_line(log)}")
        return component.probe is None or component.probe() is None

    try:
        wait_for(component.name, is_ready, READY_S, pause_s=0.05)
        took_s = time.monotonic() - began
        if component.after_ready is not None:
            component.after_ready()
        yield process, took_s
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BifrostError as error:
        raise SystemExit(str(error)) from error
