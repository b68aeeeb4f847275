"""Generates ratings like those of the web application: `python -m bifrost.generators.ratings --rate 2`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from random import Random

from bifrost.generators import program
from bifrost.generators.program import Generator, Workload
from bifrost.generators.sending import DemoRecord
from bifrost.settings import Settings

TOPIC = "ratings"
USERS = 20
ROUTES = 10_000

CHANNELS = ("android", "web", "iOS", "ios", "iOS-test")
MESSAGES = (
    "(expletive deleted)",
    "Surprisingly good, maybe you are getting your mojo back at long last!",
    "airport refurb looks great, will fly outta here more!",
    "meh",
    "more peanuts please",
    "thank you for the most friendly, helpful experience today at your new lounge",
    "worst. flight. ever. #neveragain",
    "your team here rocks!",
)

Rating = dict[str, int | str]


def rating(n: int, random: Random, now_ms: int) -> Rating:
    """Return the nth rating at `now_ms`: user 0 to 19 (0 is not a customer), 1 to 5 stars, any text with any stars."""
    return {
        "rating_id": n,
        "user_id": random.randrange(USERS),
        "stars": random.randrange(1, 6),
        "route_id": random.randrange(ROUTES),
        "rating_time": now_ms,
        "channel": random.choice(CHANNELS),
        "message": random.choice(MESSAGES),
    }


def ratings(workload: Workload, encode: Callable[[object], bytes], clock: Callable[[], float]) -> Iterator[DemoRecord]:
    """Yield ratings without end; `clock` returns seconds since the epoch."""
    random = Random(workload.seed)
    for number in count(workload.first_id):
        now_ms = int(clock() * 1000)
        yield DemoRecord(TOPIC, encode(rating(number, random, now_ms)), now_ms)


def _declared(workload: Workload, values: Settings) -> Iterator[DemoRecord]:
    return ratings(workload, program.declared_encoders(values, (TOPIC,))[TOPIC], time.time)


GENERATOR = Generator("ratings", "ratings", __doc__, rate=2.0, records=_declared)


def main(arguments: Sequence[str] | None = None, values: Settings | None = None) -> int:
    """Generate; returns the exit codes of `program.main`."""
    return program.main(GENERATOR, arguments, values)


if __name__ == "__main__":
    sys.exit(main())
