"""A deployer that is killed at any request: the next run finishes its work and does nothing twice."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bifrost.clients.http import HttpClient
from bifrost.deployer.plan.actions import ActionKind
from tests.deployer.conftest import RATINGS, Fakes, Project
from tests.examples import sampled

INSERT = "INSERT INTO ALERTS SELECT USER_ID, STARS, 'x' AS EMAIL FROM RATINGS;\n"
ROWS = """CREATE TABLE WATCHED (SSID STRING PRIMARY KEY) WITH (KAFKA_TOPIC='watched', FORMAT='JSON', PARTITIONS=1);
INSERT INTO WATCHED VALUES ('RNM0');
"""
WATCHED = {"watched": {"partitions": 1, "cleanup.policy": "compact", "key": "SSID"}}


class Killed(BaseException):
    """No handler of errors sees the end of a process, and nothing of it runs afterwards."""


@contextmanager
def killed_at(moment: int, *, after: bool, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """From the given request on, none is sent any more; with `after`, that one is, but its answer is lost."""
    attempt, seen, mutex = HttpClient._attempt, Counter[str](), threading.Lock()

    def counted(self: HttpClient, *arguments: object) -> object:
        with mutex:
            seen["requests"] += 1
            number = seen["requests"]
        if number > moment or (number == moment and not after):
            raise Killed
        found = attempt(self, *arguments)  # type: ignore[arg-type]
        if number == moment:
            raise Killed
        return found

    with monkeypatch.context() as patch:
        patch.setattr(HttpClient, "_attempt", counted)
        yield seen


@pytest.mark.parametrize("after", [False, True], ids=["before it arrives", "before its answer"])
@pytest.mark.parametrize("part", range(4))
def test_the_next_run_finishes_and_doubles_nothing(
    project: Project, fakes: Fakes, monkeypatch: pytest.MonkeyPatch, part: int, after: bool
) -> None:
    project.write("ksql/ratings.sql", RATINGS + INSERT)
    project.write("ksql/wifi.sql", ROWS)
    project.write("topics/wifi.json", WATCHED)
    declared = project.declared()
    with killed_at(10_000, after=False, monkeypatch=monkeypatch) as seen:
        fakes.up(declared)
    assert seen["requests"] > 30

    for moment in sampled(range(part + 1, seen["requests"] + 1, 4), every=3):
        forget_all(fakes)
        with killed_at(moment, after=after, monkeypatch=monkeypatch), pytest.raises(Killed):
            fakes.up(declared)
        fakes.up(declared)

        sinks = Counter(sink for query in fakes.ksqldb.queries.values() for sink in query["sinks"])
        assert sinks == {"CUSTOMERS_SRC_REKEY": 1, "ALERTS": 2}, moment
        assert set(fakes.connect.configs) == {"mysql-demo-customers"}
        assert len(fakes.registry.versions["ratings-value"]) == 1
        fakes.forget_writes()
        plan, writes = fakes.up(declared)
        assert {action.kind for action in plan.actions} == {ActionKind.KEEP}, moment
        assert (writes, fakes.writes()) == (0, [])


def forget_all(fakes: Fakes) -> None:
    """The platform is empty again."""
    for found in (fakes.connect.configs, fakes.connect.states, fakes.ksqldb.sources, fakes.ksqldb.queries):
        found.clear()
    for contents in (fakes.registry.versions, fakes.kafka.there, fakes.kafka.records, fakes.owned.content):
        contents.clear()
    fakes.services.add("ratings_bot")
