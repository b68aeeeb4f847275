"""Measures the time from sending a rating to the request to Slack for its alert, at a given rate.

    python -m benchmarks.alert_latency --rate 100 --seconds 20
    python -m benchmarks.alert_latency --rate 1000 --share 0.1             # one rating in ten causes an alert
    python -m benchmarks.alert_latency --rate 1000 --seconds 10 --alone    # the alert service without the statements

A rating that causes an alert has one star and is of a platinum customer; the others have five stars. With `--alone`,
the record of the alert topic is sent instead of the rating. The time of the request is the inbox's `ts`; both clocks
are this machine's. Prints p50, p90, p99 and the maximum in ms, and the CPU time of each part per record: under full
load, the part with the most of it falls behind first.
"""

from __future__ import annotations

import argparse
import re
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.engine_server import cpu_seconds
from benchmarks.platform import AlertProducer, Inbox, RatingsProducer, paced, percentile, status, wait_for

PLATINUM_USER = 13
LEAST_SHOWN_MS = 0.01
_POLL_S = 1.0


@contextmanager
def _followed(inbox: Inbox) -> Iterator[None]:
    """Read the inbox once a second, because it drops the oldest messages beyond 10,000."""
    ended = threading.Event()

    def follow() -> None:
        while not ended.wait(_POLL_S):
            inbox.messages()

    reader = threading.Thread(target=follow)
    reader.start()
    try:
        yield
    finally:
        ended.set()
        reader.join()


def main() -> None:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=100)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument(
        "--share", type=float, default=1.0, help="share of the ratings that cause an alert (default: all)"
    )
    parser.add_argument("--alone", action="store_true", help="send records of the alert topic, not ratings")
    args = parser.parse_args()
    running = status()
    endpoints, parts = (
        running["endpoints"],
        {part["name"]: int(part["pid"]) for part in running["components"] if part["pid"]},
    )
    inbox = Inbox(endpoints)
    producer = AlertProducer(endpoints) if args.alone else RatingsProducer(endpoints)
    run, count = uuid.uuid4().hex[:8], int(args.rate * args.seconds)
    pattern = re.compile(rf"lat-{run}-(\d+)-(\d+)-")
    inbox.messages()
    alerts = 0
    before = {name: cpu_seconds(pid) for name, pid in parts.items()}
    with _followed(inbox):
        for index in paced(args.rate, count):
            is_alert = int((index + 1) * args.share) > alerts
            producer.send(index, PLATINUM_USER, 1 if is_alert else 5, f"lat-{run}-{index}-{time.time_ns()}-")
            alerts += is_alert
        left = producer.flush()

    def arrived() -> dict[int, float]:
        latencies: dict[int, float] = {}
        for message in inbox.messages():
            found = pattern.search(message["text"])
            if found:
                sent_s = int(found[2]) / 1e9
                latencies.setdefault(int(found[1]), (float(message["ts"]) - sent_s) * 1000)
        return latencies

    wait_for("all alerts in the inbox", lambda: len(arrived()) >= alerts - left)
    used_ms = {name: (cpu_seconds(pid) - before[name]) * 1000 / count for name, pid in parts.items()}
    values = list(arrived().values())
    shares = ", ".join(f"p{int(share * 100)} {percentile(values, share):.0f} ms" for share in (0.5, 0.9, 0.99))
    print(f"{alerts} alerts of {count} records at {args.rate:g}/s: {shares}, slowest {max(values):.0f} ms")
    most = sorted(used_ms.items(), key=lambda part: -part[1])
    print("CPU ms per record:", ", ".join(f"{name} {used:.3f}" for name, used in most if used >= LEAST_SHOWN_MS))


if __name__ == "__main__":
    main()
