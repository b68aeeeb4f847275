"""Measures how fast a dashboard with many documents is, in Chromium on the running platform.

    python -m benchmarks.dashboards --documents 1000000

Fills the index of the ratings with documents of the last 15 minutes, the time range of the page. Then it measures

- the time from the start of the navigation until all panels are drawn, searches included, with an empty browser cache
  (a new browser each time) and with a warm one,
- one request for the data of all panels (`/api/dashboards/ratings/data`), without the browser,
- the time from sending a rating to Kafka until its message appears on the open page: through ksqlDB, the sink, the
  index and the page's next request.

Removes the documents at the end. Needs Chromium, its driver and selenium: `scripts/test` installs them.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
import uuid
from collections.abc import Callable, Iterator

import requests
from selenium.webdriver import Chrome

from benchmarks.platform import RatingsProducer, percentile, status, wait_for
from bifrost import settings as project_settings
from bifrost.clients import search
from bifrost.clients.search import Document, SearchClient
from tests.fakes.browser import CHROMIUM, DRIVER, running_browser

INDEX = "ratings-with-customer-data"
LAST_S = 900
BATCH = 5_000
CUSTOMER = 13
BENCHMARK_ONLY = {"query": {"term": {"CHANNEL": "benchmark"}}}
RUNS = 5
_DRAWN = "return performance.getEntriesByName('drawn').map((mark) => mark.startTime)[0] ?? null"
_IS_SHOWN = "return document.getElementById('panels').textContent.includes(arguments[0])"


def main() -> int:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--ratings", type=int, default=20, help="number of ratings to wait for on the open page")
    args = parser.parse_args()
    if not (CHROMIUM and DRIVER):
        print("error: needs Chromium and its driver (apt-get install chromium chromium-driver)", file=sys.stderr)
        return 1
    endpoints = status()["endpoints"]
    page = f"{endpoints['console']}/dashboards/ratings?last={LAST_S}"
    with search.from_settings(project_settings.load()) as engine:
        before = engine.count(INDEX)
        fill(engine, args.documents)
        wait_for("all documents", lambda: engine.count(INDEX) >= before + args.documents)
        print(f"{engine.count(INDEX):,} documents; load average {os.getloadavg()[0]:.1f}")
        print_summary("drawn, empty cache", [drawn_s(page) for _ in range(RUNS)])
        with running_browser() as browser:
            load_s(browser, page)
            print_summary("drawn, warm cache", [load_s(browser, page) for _ in range(RUNS)])
            print_summary("one request", list(request_seconds(endpoints["console"])))
            print_summary("rating on the page", list(ratings_shown(browser, RatingsProducer(endpoints), args.ratings)))
        print(f"load average {os.getloadavg()[0]:.1f}")
        engine.http.call("POST", f"/{INDEX}/_delete_by_query", body=BENCHMARK_ONLY, timeout_s=300)
    return 0


def fill(engine: SearchClient, count: int) -> None:
    """Write `count` documents with times of the last minutes, newest last."""
    started = time.monotonic()
    for batch in batches(count):
        engine.index_all(INDEX, batch)
    engine.http.call("POST", f"/{INDEX}/_refresh")
    print(f"documents written in {time.monotonic() - started:.0f} s")


def batches(count: int) -> Iterator[list[Document]]:
    """The documents in batches, all well within the time range, so that each search finds all of them."""
    choose = random.Random(1)
    now = int(time.time() * 1000)
    first, step = now - 240_000, 239_000 / count
    for start in range(0, count, BATCH):
        yield [
            {
                "EXTRACT_TS": int(first + number * step),
                "RATING_ID": number,
                "USER_ID": number % 1000,
                "ID": number % 1000,
                "STARS": choose.randint(1, 5),
                "CHANNEL": "benchmark",
                "MESSAGE": "worst. flight. ever. #neveragain",
                "CLUB_STATUS": choose.choice(("bronze", "silver", "gold", "platinum")),
                "FIRST_NAME": "Ada",
                "LAST_NAME": f"Number {number % 1000}",
                "EMAIL": f"{number % 1000}@example.com",
            }
            for number in range(start, min(start + BATCH, count))
        ]


def drawn_s(page: str) -> float:
    """Seconds until a new browser has drawn all panels."""
    with running_browser() as browser:
        browser.get("about:blank")
        return load_s(browser, page)


def load_s(browser: Chrome, page: str) -> float:
    """Seconds from the start of the navigation until all panels are drawn."""
    browser.get(page)
    wait_for("the panels", lambda: browser.execute_script(_DRAWN) is not None)
    return float(browser.execute_script(_DRAWN)) / 1000


def request_seconds(console: str) -> Iterator[float]:
    """Seconds of each of several requests for all panels."""
    for _ in range(RUNS):
        time.sleep(0.5)  # the console caches an answer for a moment
        started = time.monotonic()
        answer = requests.get(f"{console}/api/dashboards/ratings/data?last={LAST_S}", timeout=60)
        answer.raise_for_status()
        yield time.monotonic() - started


def ratings_shown(browser: Chrome, producer: RatingsProducer, count: int) -> Iterator[float]:
    """Seconds from sending each rating until its message appears on the open page."""
    pace = random.Random(2)
    for number in range(count):
        time.sleep(pace.uniform(0, 1))  # do not send in step with the page's requests
        message = f"bench {uuid.uuid4().hex[:12]}"
        started = time.monotonic()
        producer.send(number, CUSTOMER, 5, message)
        producer.flush()
        yield seconds_until(lambda text=message: bool(browser.execute_script(_IS_SHOWN, text)), started)


def seconds_until(condition: Callable[[], bool], started: float) -> float:
    """Seconds from `started` until the condition holds, checked every 10 ms."""
    while not condition():
        if time.monotonic() - started > 60:
            raise TimeoutError("a rating did not come to the page within 60 s")
        time.sleep(0.01)
    return time.monotonic() - started


def print_summary(what: str, seconds: list[float]) -> None:
    """Print the median and the maximum."""
    print(f"{what}: median {percentile(seconds, 0.5):.2f} s, slowest {max(seconds):.2f} s of {len(seconds)}")


if __name__ == "__main__":
    sys.exit(main())
