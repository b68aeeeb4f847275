"""Faults of the sinks of the search engine and of S3."""

from __future__ import annotations

from collections.abc import Iterator

import requests

from benchmarks.own_platform import OwnPlatform
from benchmarks.watch_faults.fault import Fault, stopped, suspended

SEARCH_SINK, INDEX = "es_sink_ratings-with-customer-data", "ratings-with-customer-data"
OTHER_SINK, OTHER_INDEX = "es_sink_unhappy_platinum_customers", "unhappy_platinum_customers"
"""New letters of a topic that grows already are not reported again."""
S3_SINK, BUCKET = "s3-sink-ratings", "rmoff-demo-ratings"
_TIMEOUT_S = 30


def search_faults(platform: OwnPlatform) -> Iterator[Fault]:
    """Four ways to break the sink of the search engine."""
    url, lane = platform.settings.endpoints.search, "search sink"

    def call(method: str, path: str, body: object = None) -> None:
        requests.request(method, f"{url}/{path}", json=body, timeout=_TIMEOUT_S).raise_for_status()

    def refuse_documents() -> None:
        call("DELETE", INDEX)
        call("PUT", INDEX, {"mappings": {"dynamic": "strict", "properties": {"nothing": {"type": "long"}}}})

    yield stopped(platform, lane, "search")
    yield suspended(platform, lane, "search", "component search")
    yield Fault(
        lane,
        "mapping refuses documents",
        f"dead letters {SEARCH_SINK}.dlq",
        SEARCH_SINK,
        refuse_documents,
        lambda: call("DELETE", INDEX),
    )
    yield Fault(
        lane,
        "index read-only",
        f"dead letters {OTHER_SINK}.dlq",
        OTHER_SINK,
        lambda: call("PUT", f"{OTHER_INDEX}/_settings", {"index.blocks.write": True}),
        lambda: call("PUT", f"{OTHER_INDEX}/_settings", {"index.blocks.write": False}),
    )


def s3_faults(platform: OwnPlatform) -> Iterator[Fault]:
    """Three ways to break the sink of S3."""
    lane = "s3 sink"
    bucket = platform.settings.data / "s3" / BUCKET
    yield stopped(platform, lane, "s3")
    yield suspended(platform, lane, "s3", "component s3")
    yield Fault(
        lane,
        "bucket missing",
        f"connector {S3_SINK}",
        S3_SINK,
        lambda: bucket.rename(bucket.with_name("moved")),
        lambda: bucket.with_name("moved").rename(bucket),
    )
