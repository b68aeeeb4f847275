"""Feeds inputs to an area; a finding is an input that ends in an undocumented error, hangs or loses something."""

from __future__ import annotations

import random
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field

from benchmarks.fuzz.corpus import Input, as_line
from benchmarks.fuzz.reduction import smallest
from bifrost.errors import BifrostError

SLOW_S = 10.0
"""CPU seconds of one input after which it is a finding too."""
REDUCTION_S = 20.0
_MOST_SHOWN = 4000
ENOUGH = 200
"""Inputs of which at least one must be accepted."""
_REFUSED = "refused"
_STALE = "every input is refused: the area's samples are no longer valid"


class Finding(AssertionError):
    """An answer that no documented error explains, such as HTTP status 500."""


@dataclass(frozen=True, slots=True)
class Fuzzer:
    """Makes inputs of an area and feeds them to what takes them; `feed` raises what must not happen."""

    make: Callable[[random.Random], Input]
    feed: Callable[[Input], object]


Area = Callable[[], AbstractContextManager[Fuzzer]]
"""Opens what an area needs."""


@dataclass(slots=True)
class Outcome:
    """The inputs of an area: their number, the documented errors, and each kind of finding with its first input."""

    area: str
    skipped: str = ""
    inputs: int = 0
    refused: int = 0
    findings: dict[str, str] = field(default_factory=dict)


def run_area(name: str, area: Area, seed: str, seconds: float) -> Outcome:
    """Make and feed inputs until the time is over; skip an area whose needs are missing.

    A finding is printed with an input that is as small as it could be made, and with its seed. That all inputs are
    refused is a finding, too: then the samples are at fault, and nothing behind the first check was tried.
    """

    def feed_all(fuzzer: Fuzzer, outcome: Outcome) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            input_seed = f"{seed}:{name}:{outcome.inputs}"
            _feed(fuzzer, fuzzer.make(random.Random(input_seed)), outcome, input_seed)
        if outcome.inputs >= ENOUGH and outcome.refused == outcome.inputs:
            outcome.findings[_STALE] = f"all {outcome.inputs} inputs"
            print(f"FINDING {_STALE}", file=sys.stderr, flush=True)

    return _outcome(name, area, feed_all)


def replay(name: str, area: Area, inputs: Iterable[Input]) -> Outcome:
    """Feed these inputs; skip an area whose needs are missing."""

    def feed_all(fuzzer: Fuzzer, outcome: Outcome) -> None:
        for given in inputs:
            _feed(fuzzer, given, outcome, "")

    return _outcome(name, area, feed_all)


def _outcome(name: str, area: Area, feed_all: Callable[[Fuzzer, Outcome], None]) -> Outcome:
    outcome = Outcome(name)
    with ExitStack() as stack:
        try:
            fuzzer = stack.enter_context(area())
        except BifrostError as error:
            outcome.skipped = str(error)
        else:
            feed_all(fuzzer, outcome)
    return outcome


def _feed(fuzzer: Fuzzer, given: Input, outcome: Outcome, seed: str) -> None:
    outcome.inputs += 1
    kind, problem = _fed(fuzzer, given)
    if kind == _REFUSED:
        outcome.refused += 1
    elif kind and kind not in outcome.findings:
        if seed:
            given = smallest(given, lambda smaller: _fed(fuzzer, smaller)[0] == kind, seconds=REDUCTION_S)
        line = as_line(given)
        shown = line if len(line) <= _MOST_SHOWN else f"{line[:_MOST_SHOWN]}... ({len(line)} characters)"
        outcome.findings[kind] = f"{problem}\n  seed   {seed or 'none: it is in the corpus'}\n  input  {shown}"
        print(f"FINDING {kind}\n  {outcome.findings[kind]}", file=sys.stderr, flush=True)


def _fed(fuzzer: Fuzzer, given: Input) -> tuple[str, str]:
    """The kind of a finding and its details; an empty kind if the input was accepted."""
    started = time.thread_time()
    kind, problem = "", ""
    try:
        fuzzer.feed(given)
    except BifrostError:
        kind = _REFUSED
    except Exception as error:  # noqa: BLE001 - whatever else comes out is what this program looks for
        kind, problem = f"{given.target}: {type(error).__name__} {_place(error)}", f"{error}"[:500]
    if time.thread_time() - started > SLOW_S:
        return f"{given.target}: slow", f"{time.thread_time() - started:.1f} s"
    return kind, problem


def _place(error: Exception) -> str:
    if isinstance(error, Finding):
        return str(error)[:60]
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "site-packages" not in frame.filename]
    return f"at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
