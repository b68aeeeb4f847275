"""Deployments through a proxy that answers every API with errors, drops, delays and half answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from benchmarks.fault_proxy import FaultProxy, proxies
from bifrost.clients.connect import ConnectClient
from bifrost.clients.http import Connection
from bifrost.clients.ksqldb import KsqlClient
from bifrost.clients.schema_registry import SchemaRegistryClient
from bifrost.clients.search import SearchClient
from bifrost.deployer.plan.actions import ActionKind
from bifrost.errors import BifrostError
from tests.deployer.conftest import RATINGS, Fakes, Project
from tests.examples import sampled
from tests.fakes.http_server import running
from tests.fakes.search import FakeSearch

INSERT = "INSERT INTO ALERTS SELECT USER_ID, STARS, 'x' AS EMAIL FROM RATINGS;\n"
TEMPLATE = {"index_patterns": ["ratings"], "template": {"mappings": {"properties": {"TS": {"type": "date"}}}}}
MOST_RUNS = 40


@pytest.fixture
def faulty(fakes: Fakes, project: Project) -> Iterator[dict[str, FaultProxy]]:
    """Every API of the fakes behind a proxy, and a project that uses all of them."""
    project.write("ksql/ratings.sql", RATINGS + INSERT)
    project.write("dashboards/ratings/templates/ratings.json", TEMPLATE)
    search = FakeSearch()
    with running(search.server()) as server:
        urls = {"search": server.url, **{part: fake.url for part, fake in fakes.servers.items()}}
        with proxies(urls, seed=0, rate=0.0) as made:
            assert fakes.platform is not None
            own = {name: Connection(name, proxy.address, clock=fakes.clock) for name, proxy in made.items()}
            fakes.platform = replace(
                fakes.platform,
                connect=ConnectClient(own["connect"]),
                ksqldb=KsqlClient(replace(own["ksqldb"], system="ksqlDB", busy=frozenset({503}))),
                registry=SchemaRegistryClient(replace(own["registry"], busy=frozenset({503}))),
                search=SearchClient(replace(own["search"], busy=frozenset({429, 503}))),
            )
            with fakes.platform:
                yield made


@pytest.mark.parametrize("seed", sampled(range(6), every=3))
def test_runs_under_faults_end_with_an_error_or_converge_and_double_nothing(
    project: Project, fakes: Fakes, faulty: dict[str, FaultProxy], seed: int
) -> None:
    declared = project.declared()
    for number, proxy in enumerate(faulty.values()):
        proxy.seed, proxy.rate = seed * 10 + number, 0.3
        proxy.restart_chance()
    failures = 0
    for _ in range(MOST_RUNS):
        try:
            fakes.up(declared)
            break
        except BifrostError as error:
            failures += 1
            assert "hunter22" not in str(error)
    for proxy in faulty.values():
        proxy.rate = 0.0

    fakes.up(declared)

    assert failures < MOST_RUNS
    sinks = Counter(sink for query in fakes.ksqldb.queries.values() for sink in query["sinks"])
    assert sinks == {"CUSTOMERS_SRC_REKEY": 1, "ALERTS": 2}
    assert set(fakes.connect.configs) == {"mysql-demo-customers"}
    assert len(fakes.registry.versions["ratings-value"]) == 1
    plan = fakes.plan(declared)
    assert {action.kind for action in plan.actions} == {ActionKind.KEEP}
    assert sum(sum(proxy.counts.values()) for proxy in faulty.values()) > 5


def test_a_proxy_without_faults_changes_nothing(project: Project, fakes: Fakes, faulty: dict[str, FaultProxy]) -> None:
    fakes.up(project.declared())

    assert {action.kind for action in fakes.plan(project.declared()).actions} == {ActionKind.KEEP}
    assert [proxy.counts.total() for proxy in faulty.values()] == [0] * 4
