"""The programs' metrics, summed up."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bifrost.clients.access import BasicAuth
from bifrost.console.metrics_reader import KEY_FIGURES, MetricsReader, connection_of, metrics_reader, series_of
from bifrost.default_settings import JMX_PROGRAMS, METRICS_PROGRAMS
from bifrost.errors import Refused, Unreachable
from bifrost.security.roles import CONSOLE
from bifrost.security.secure_folder import secure_folder
from bifrost.settings import Settings
from tests.metrics.test_prometheus_files import served

QUERIES = """\
# TYPE ksqldb_query_state gauge
ksqldb_query_state{query_id="A",state="RUNNING"} 1.0
ksqldb_query_state{query_id="A",state="ERROR"} 0.0
ksqldb_query_state{query_id="B",state="RUNNING"} 0.0
ksqldb_query_state{query_id="B",state="ERROR"} 1.0
# TYPE process_cpu_seconds counter
process_cpu_seconds_total 12.5
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 1e+08
# TYPE process_threads gauge
process_threads 21.0
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1.79e+09
"""
SUPERVISOR = """\
# TYPE bifrost_component_up gauge
bifrost_component_up{component="ksqldb"} 1.0
bifrost_component_up{component="alerts"} 0.0
"""


def failing(error):
    def scrape():
        raise error

    return scrape


def test_the_figures_are_sums_over_programs_and_labels():
    found = MetricsReader({"ksqldb": lambda: QUERIES, "supervisor": lambda: SUPERVISOR}).read()
    values = {(each["group"], each["title"]): each["value"] for each in found["figures"]}
    assert values == {
        ("Platform", "Components that run"): 1,
        ("Queries", "Running"): 1,
        ("Queries", "In error"): 1,
    }


def test_programs_are_shown_with_their_processes_and_states():
    reader = MetricsReader(
        {
            "ksqldb": lambda: QUERIES,
            "supervisor": lambda: SUPERVISOR,
            "alerts": failing(Unreachable("alerts", "GET /metrics", "connection refused")),
            "console": failing(Refused("console", "GET /metrics", status=403, body="no")),
            "generator": lambda: "<html>not metrics</html>",
        }
    )
    programs = {each.pop("name"): each for each in reader.read()["programs"]}
    process = {"cpu_s": 12.5, "memory_bytes": 1e8, "threads": 21.0, "started_s": 1.79e9}
    assert programs["ksqldb"] == {"state": "answers", **process}
    assert programs["alerts"] == {"state": "stopped"}
    assert programs["console"] == {"state": "no answer"}
    assert programs["generator"] == {"state": "answers", **dict.fromkeys(process)}


@pytest.mark.parametrize("text", ["", "\x00", "a b c d", "x{", '{"error": 1}'])
def test_a_text_that_is_no_metrics_has_no_series(text):
    assert series_of("x", text) == []


def test_every_figure_is_one_that_a_program_serves():
    for figure in KEY_FIGURES:
        assert figure.name in served(), figure.title
        assert set(figure.labels) <= served()[figure.name], figure.title
        assert figure.is_count == figure.name.endswith("_total"), figure.title
    assert len({(figure.group, figure.title) for figure in KEY_FIGURES}) == len(KEY_FIGURES)


def test_all_programs_of_the_platform_are_read(tmp_path):
    closed = {f"BIFROST_PORT_METRICS_{name.upper()}": "1" for name in METRICS_PROGRAMS}
    closed |= {"BIFROST_PORT_REST_PROXY": "1", "BIFROST_PORT_KSQLDB": "1", "BIFROST_HOME": str(tmp_path)}
    found = metrics_reader(Settings(closed)).read()["programs"]
    assert {each["name"] for each in found} == {"ksqldb", "console", "rest_proxy", *METRICS_PROGRAMS}
    assert {each["name"] for each in found if each["state"] == "answers"} == {"console"}


def test_on_a_secured_platform_the_agents_are_read_with_tls_and_the_consoles_login(tmp_path):
    secured = Settings({"BIFROST_HOME": str(tmp_path), "BIFROST_SECURE": "1", "BIFROST_JMX": "1"})
    folder = secure_folder(secured)
    folder.prepare(datetime.now(UTC))
    settings = Settings({**secured.values, "BIFROST_ROLE": CONSOLE})
    for name in JMX_PROGRAMS:
        connection = connection_of(settings, f"jmx_{name}")
        assert connection.url.startswith("https://")
        assert connection.auth == BasicAuth(CONSOLE, folder.password(CONSOLE))
        assert connection.tls.verify == str(folder.authority_certificate)
