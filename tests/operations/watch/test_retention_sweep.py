"""What is older than its retention is deleted, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bifrost.clients import search
from bifrost.clients.search_retention import SearchRetention, own_patterns, retention_of
from bifrost.dashboards.declared import read_template
from bifrost.errors import DeclarationError, Refused, SettingError
from bifrost.operations.watch.retention_sweep import FIRST_S, INTERVAL_S, MOST_PER_SWEEP, RetentionSweep, sweep_of
from bifrost.settings import Settings
from tests.fakes.http_server import Answer, FakeServer, Request, running

NOW = datetime(2026, 11, 30, tzinfo=UTC)
RETENTION = {"retention": {"field": "EXTRACT_TS", "days": 90}}


class Engine:
    """Answers for templates and deletions; `deleted` are the counts of the next deletions."""

    def __init__(self) -> None:
        self.templates: dict[str, Any] = {}
        self.deleted: list[int] = []
        self.types = {"EXTRACT_TS": {"date": {}}}
        self.requests: list[Request] = []

    def respond(self, request: Request) -> Answer:
        if "/_field_caps" in request.path:
            return Answer(200, {"indices": ["an_index"], "fields": self.types})
        if request.method == "GET":
            entries = [{"name": name, "index_template": body} for name, body in self.templates.items()]
            return Answer(200, {"index_templates": entries})
        self.requests.append(request)
        return Answer(200, {"deleted": self.deleted.pop(0) if self.deleted else 0})


class Store:
    """Buckets with the ages of their objects in days."""

    def __init__(self, **ages: list[int]) -> None:
        self.ages = ages
        self.refuses = ""

    def buckets(self) -> frozenset[str]:
        return frozenset(self.ages)

    def delete_older(self, bucket: str, before: datetime, *, most: int) -> int:
        if bucket == self.refuses:
            raise Refused("S3", f"list bucket {bucket}", status=403, body="AccessDenied")
        old = [days for days in self.ages[bucket] if NOW - timedelta(days=days) < before][:most]
        self.ages[bucket] = [days for days in self.ages[bucket] if days not in old]
        return len(old)


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def client(engine) -> Iterator[search.SearchClient]:
    with ExitStack() as stack:
        server = stack.enter_context(running(FakeServer(engine.respond)))
        yield search.from_settings(Settings({"ELASTICSEARCH_URL": server.url}), patience_s=0)


class Clock:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def new_sweep(clock, client=None, store=None, days=0) -> RetentionSweep:
    return RetentionSweep(client, store, days, clock, lambda: NOW)


def test_documents_are_deleted_by_the_retention_of_their_template(engine, client, clock):
    engine.templates = {
        "ratings": {"index_patterns": ["ratings", "ratings-*"], "_meta": RETENTION},
        "orders": {"index_patterns": ["orders"]},
        "others": {"index_patterns": ["others"], "_meta": {"owner": "us"}},
    }
    sweep = new_sweep(clock, client)
    sweep.look()
    assert engine.requests == []

    clock.now += FIRST_S
    sweep.look()
    sweep.look()

    (request,) = engine.requests
    assert (request.method, request.path.partition("?")[0]) == ("POST", "/ratings-*,ratings/_delete_by_query")
    assert request.body == {"query": {"range": {"EXTRACT_TS": {"lt": "now-90d"}}}}
    clock.now += INTERVAL_S
    sweep.look()
    assert len(engine.requests) == 2


def test_a_large_sweep_continues_at_the_next_look(engine, client, clock):
    engine.templates = {"ratings": {"index_patterns": ["ratings"], "_meta": RETENTION}}
    engine.deleted = [MOST_PER_SWEEP, 5]
    sweep = new_sweep(clock, client)
    clock.now += FIRST_S
    for _ in range(4):
        sweep.look()
    assert len(engine.requests) == 2


def test_a_template_with_a_damaged_retention_deletes_nothing_and_stops_no_other(engine, client, clock, caplog):
    engine.templates = {
        "bad": {"index_patterns": ["bad"], "_meta": {"retention": "90 days"}},
        "good": {"index_patterns": ["good"], "_meta": RETENTION},
    }
    sweep = new_sweep(clock, client)
    clock.now += FIRST_S
    sweep.look()
    assert [request.path.partition("?")[0] for request in engine.requests] == ["/good/_delete_by_query"]
    assert "retention of index template bad: expected" in caplog.text


@pytest.mark.parametrize("types", [{"keyword": {}}, {"text": {}}, {"long": {}}, {"date": {}, "keyword": {}}])
def test_a_field_that_is_not_a_date_deletes_nothing(engine, client, clock, caplog, types):
    engine.templates = {"ratings": {"index_patterns": ["ratings"], "_meta": RETENTION}}
    engine.types = {"EXTRACT_TS": types}
    sweep = new_sweep(clock, client)
    clock.now += FIRST_S
    sweep.look()
    assert engine.requests == []
    assert "field EXTRACT_TS is of type" in caplog.text


def test_an_index_without_the_field_keeps_its_documents(engine, client, clock):
    engine.templates = {"ratings": {"index_patterns": ["ratings"], "_meta": RETENTION}}
    engine.types = {}
    sweep = new_sweep(clock, client)
    clock.now += FIRST_S
    sweep.look()
    assert engine.requests == []


def test_an_index_follows_the_template_with_the_highest_priority_alone(engine, client, clock):
    engine.templates = {
        "logs": {"index_patterns": ["logs*"], "priority": 10, "_meta": RETENTION},
        "audit": {"index_patterns": ["logs-audit*"], "priority": 20},
        "below": {"index_patterns": ["*"], "priority": 1},
    }
    sweep = new_sweep(clock, client)
    clock.now += FIRST_S
    sweep.look()
    (request,) = engine.requests
    assert request.path.partition("?")[0] == "/logs*,-logs-audit*/_delete_by_query"


@pytest.mark.parametrize(
    ("patterns", "other", "expected"),
    [
        (["a"], "b*", ("a",)),
        (["a"], "a", ()),
        (["audit", "b"], "a*", ("b",)),
        (["a", "b-*"], "b-1", ("b-*", "a", "-b-1")),
        ("a*", "a*", ()),
    ],
)
def test_patterns_exclude_what_another_template_has(patterns, other, expected):
    templates = {"own": {"index_patterns": patterns}, "other": {"index_patterns": [other], "priority": 1}}
    assert own_patterns("own", templates) == expected


def test_stores_of_others_are_not_swept(client, clock, caplog):
    local = sweep_of(Settings({"S3_RETENTION_DAYS": "30"}), client, clock)
    assert local.s3 is not None and local.search is client
    elsewhere = {"S3_ENDPOINT": "https://s3.example", "ELASTICSEARCH_URL": "https://search.example:9200"}
    found = sweep_of(Settings({"S3_RETENTION_DAYS": "30", **elsewhere}), client, clock)
    assert found.s3 is None and found.search is None
    assert "S3_RETENTION_DAYS has no effect" in caplog.text


def test_objects_are_deleted_by_the_setting(clock):
    store = Store(ratings=[1, 29, 31, 400], orders=[100])
    sweep = new_sweep(clock, store=store, days=30)
    clock.now += FIRST_S
    sweep.look()
    assert store.ages == {"ratings": [1, 29], "orders": []}


def test_objects_stay_by_default(clock):
    store = Store(ratings=[4000])
    sweep = new_sweep(clock, store=store)
    clock.now += FIRST_S
    sweep.look()
    assert store.ages == {"ratings": [4000]}


def test_a_bucket_that_refuses_stops_no_other(clock, caplog):
    store = Store(a=[400], b=[400])
    store.refuses = "a"
    sweep = new_sweep(clock, store=store, days=30)
    clock.now += FIRST_S
    sweep.look()
    assert store.ages == {"a": [400], "b": []}
    assert "retention of s3 a:" in caplog.text


@pytest.mark.parametrize(
    "retention",
    [
        "90",
        {},
        {"field": "AT"},
        {"field": "AT", "days": "90"},
        {"field": "AT", "days": 0},
        {"field": "AT", "days": True},
        {"field": "", "days": 9},
        {"field": "AT", "days": 9, "hours": 1},
    ],
)
def test_a_template_file_with_another_form_of_retention_is_refused(tmp_path, retention):
    path = tmp_path / "ratings" / "templates" / "ratings.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"index_patterns": ["r"], "template": {}, "_meta": {"retention": retention}}))
    with pytest.raises(DeclarationError, match="retention"):
        read_template(path)


def test_a_template_without_retention_keeps_its_documents():
    assert retention_of({"index_patterns": ["a"]}) is None
    assert retention_of({"index_patterns": "a", "_meta": RETENTION}) == SearchRetention(("a",), "EXTRACT_TS", 90)


@pytest.mark.parametrize("value", ["-1", "30 days", "1.5", "9" * 9])
def test_days_that_are_no_number_are_refused(value, clock):
    with pytest.raises(SettingError, match="S3_RETENTION_DAYS"):
        sweep_of(Settings({"S3_RETENTION_DAYS": value}), None, clock)
