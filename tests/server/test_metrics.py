"""GET /metrics: figures by query that a monitoring server may scrape."""

import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bifrost.server.app import create_app
from bifrost.server.auth import Credentials
from tests.server.conftest import IDENTITY
from tests.server.serving import served

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"
PROCESS = {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_threads"}


def families(api):
    answer = api.http.get("/metrics")
    assert answer.status_code == 200, answer.text
    return {family.name: family for family in text_string_to_metric_families(answer.text)}


def value(api, name, **labels):
    """The value of the one sample of this name and these labels; None if it is missing."""
    samples = [sample for family in families(api).values() for sample in family.samples if sample.name == name]
    found = [sample.value for sample in samples if labels.items() <= sample.labels.items()]
    assert len(found) <= 1
    return found[0] if found else None


def test_a_query_reports_what_it_read_and_wrote(orders):
    of_query = {"query_id": "CTAS_STATS_1"}
    orders.world.cluster.wait_for(lambda: value(orders, "ksqldb_query_lag_records", **of_query, topic="orders") == 0)
    written = {**of_query, "topic": "STATS"}
    orders.world.cluster.wait_for(lambda: value(orders, "ksqldb_query_produced_records_total", **written) == 2)
    assert value(orders, "ksqldb_query_consumed_records_total", **of_query, topic="orders") == 2
    sizes = [len("o1" + '{"N":1}'), len("o2" + '{"N":1}')]
    assert value(orders, "ksqldb_query_produced_bytes_total", **of_query, topic="STATS") == sum(sizes)
    assert value(orders, "ksqldb_query_consumed_bytes_total", **of_query, topic="orders") > 100
    assert value(orders, "ksqldb_store_rows", **of_query, store="Aggregate-Aggregate-Materialize") == 2
    assert value(orders, "ksqldb_query_state", **of_query, state="RUNNING") == 1
    assert value(orders, "ksqldb_query_state", **of_query, state="ERROR") == 0
    assert value(orders, "ksqldb_query_restarts_total", **of_query) == 0
    orders.world.cluster.wait_for(lambda: value(orders, "ksqldb_query_commit_seconds_count", **of_query) >= 1)
    assert value(orders, "ksqldb_query_commit_seconds_bucket", **of_query, le="+Inf") >= 1


def test_entries_of_the_processing_log_are_counted_by_kind(orders):
    orders.world.send("orders", b"no json", "o9")
    labels = {"query_id": "CTAS_STATS_1", "kind": "DESERIALIZATION"}
    orders.world.cluster.wait_for(lambda: value(orders, "ksqldb_query_processing_log_records_total", **labels) == 1)


def test_the_state_of_a_paused_query_is_shown(orders):
    orders.run("PAUSE ALL;")
    labels = {"query_id": "CTAS_STATS_1", "state": "PAUSED"}
    orders.world.cluster.wait_for(lambda: value(orders, "ksqldb_query_state", **labels) == 1)
    assert value(orders, "ksqldb_query_state", query_id="CTAS_STATS_1", state="RUNNING") == 0


def test_a_terminated_query_leaves_no_series(orders):
    assert "CTAS_STATS_1" in orders.http.get("/metrics").text
    orders.run("TERMINATE CTAS_STATS_1;")
    assert "CTAS_STATS_1" not in orders.http.get("/metrics").text


def test_push_queries_are_counted_but_not_named(orders):
    with orders.http.stream("POST", "/query-stream", json={"sql": "SELECT * FROM ORDERS EMIT CHANGES;"}):
        orders.world.cluster.wait_for(lambda: value(orders, "ksqldb_push_queries") == 1)
        assert "transient_" not in orders.http.get("/metrics").text


def test_descriptions_of_queries_report_the_same_figures(orders):
    def figures_of(query):
        found = {(entry["name"], *entry["labels"].values()): entry["value"] for entry in query["statistics"]}
        # A commit may end between two questions.
        return {key: value for key, value in found.items() if not key[0].startswith("ksqldb_query_commit_")}

    def shown():
        (query,) = orders.run("SHOW QUERIES EXTENDED;")[0]["queryDescriptions"]
        return figures_of(query)

    def explained():
        return figures_of(orders.run("EXPLAIN CTAS_STATS_1;")[0]["queryDescription"])

    written = {"query_id": "CTAS_STATS_1", "topic": "STATS"}
    orders.world.cluster.wait_for(lambda: value(orders, "ksqldb_query_produced_records_total", **written) == 2)
    # The query may still be at work between the two requests.
    orders.world.cluster.wait_for(lambda: shown() == explained())
    figures = shown()
    for name, topic in (("consumed", "orders"), ("produced", "STATS")):
        metric = f"ksqldb_query_{name}_records_total"
        assert figures[metric, topic] == value(orders, metric, query_id="CTAS_STATS_1") == 2
    described = orders.run("DESCRIBE ORDERS EXTENDED;")[0]["sourceDescription"]["clusterStatistics"]
    totals = {entry["name"]: entry["value"] for entry in described}
    assert totals["consumer-total-messages"] == figures["ksqldb_query_consumed_records_total", "orders"]
    assert totals["consumer-total-bytes"] == figures["ksqldb_query_consumed_bytes_total", "orders"]


def test_the_work_of_worker_processes_is_counted(api):
    before = value(api, "ksqldb_worker_processes")  # other tests may have child processes
    worker = subprocess.Popen(
        [sys.executable, "-c", "sum(range(10**6)); print(1, flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        worker.stdout.readline()
        assert value(api, "ksqldb_worker_processes") == before + 1
        assert value(api, "ksqldb_workers_cpu_seconds_total") > 0
        assert value(api, "ksqldb_workers_resident_memory_bytes") > 1_000_000
        assert value(api, "ksqldb_workers_threads") >= 1
    finally:
        worker.communicate(b"")
    assert value(api, "ksqldb_worker_processes") == before


def test_the_page_lists_exactly_the_metrics(orders):
    # The families `bifrost_` are those of all programs, `kafka_` and `debezium_` those of the JMX exporter.
    listed = set(re.findall(r"^\| `((?!bifrost_|kafka_|debezium_)\w+)`", PAGE.read_text(), re.MULTILINE))
    exposed = set(
        re.findall(r"^# TYPE ((?!bifrost_|kafka_|debezium_)\w+)", orders.http.get("/metrics").text, re.MULTILINE)
    )
    assert exposed >= PROCESS
    assert listed == exposed
    for family in families(orders).values():
        for sample in family.samples:
            for label in sample.labels:
                assert f"`{label}`" in PAGE.read_text()


def test_metrics_need_the_login_of_the_server_and_no_foreign_page_reads_them(world):
    app = create_app(world.engine(), IDENTITY, Credentials("alice", "secret"))
    with served(app) as url, httpx.Client(base_url=url, verify=False) as client:
        assert client.get("/metrics").status_code == 401
        assert client.get("/metrics", auth=("alice", "secret")).status_code == 200
        foreign = {"Origin": "https://evil.example"}
        assert client.get("/metrics", auth=("alice", "secret"), headers=foreign).status_code == 403


@pytest.mark.parametrize("accept", ["", "text/plain", "application/openmetrics-text; version=1.0.0"])
def test_the_format_follows_the_accept_header(api, accept):
    answer = api.http.get("/metrics", headers={"Accept": accept})
    wanted = "application/openmetrics-text" if "openmetrics" in accept else "text/plain"
    assert answer.headers["content-type"].startswith(wanted)
    assert answer.text.endswith("# EOF\n") is ("openmetrics" in accept)
