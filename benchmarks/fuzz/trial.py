"""A trial is one input and what takes it; a finding is one that ends in an undocumented error."""

from __future__ import annotations

import random
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field

from bifrost.errors import BifrostError

SLOW_S = 10.0
"""CPU seconds of one trial after which it is a finding too."""
_MOST_SHOWN = 4000


class Finding(AssertionError):
    """An answer that no documented error explains, such as HTTP status 500."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One input: `target` names what takes it, `run` feeds it in and raises what must not happen."""

    target: str
    given: object
    run: Callable[[], object]


NextTrial = Callable[[random.Random], Trial]
Area = Callable[[], AbstractContextManager[NextTrial]]
"""Opens what an area needs, and then makes one trial after the other."""


@dataclass(slots=True)
class Outcome:
    """The trials of an area: their number, the documented errors, and each kind of finding with its first input."""

    area: str
    skipped: str = ""
    trials: int = 0
    refused: int = 0
    findings: dict[str, str] = field(default_factory=dict)


def run_area(name: str, area: Area, seed: str, seconds: float) -> Outcome:
    """Run trials until the time is over; skip an area whose needs are missing. A finding is printed with its seed."""
    outcome = Outcome(name)
    with ExitStack() as stack:
        try:
            next_trial = stack.enter_context(area())
        except BifrostError as error:
            outcome.skipped = str(error)
            return outcome
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            trial_seed = f"{seed}:{name}:{outcome.trials}"
            outcome.trials += 1
            _run(next_trial(random.Random(trial_seed)), trial_seed, outcome)
    return outcome


def _run(trial: Trial, seed: str, outcome: Outcome) -> None:
    started = time.thread_time()
    try:
        trial.run()
    except BifrostError:
        outcome.refused += 1
    except Exception as error:  # noqa: BLE001 - whatever else comes out is what this program looks for
        place = _place(error)
        _note(outcome, f"{trial.target}: {type(error).__name__} {place}", f"{error}"[:500], seed, trial)
    if time.thread_time() - started > SLOW_S:
        _note(outcome, f"{trial.target}: slow", f"{time.thread_time() - started:.1f} s", seed, trial)


def _place(error: Exception) -> str:
    if isinstance(error, Finding):
        return str(error)[:60]
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "site-packages" not in frame.filename]
    return f"at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""


def _note(outcome: Outcome, kind: str, problem: str, seed: str, trial: Trial) -> None:
    if kind in outcome.findings:
        return
    given = repr(trial.given)
    shown = given if len(given) <= _MOST_SHOWN else f"{given[:_MOST_SHOWN]}... ({len(given)} characters)"
    outcome.findings[kind] = f"{problem}\n  seed   {seed}\n  input  {shown}"
    print(f"FINDING {kind}\n  {outcome.findings[kind]}", file=sys.stderr, flush=True)
