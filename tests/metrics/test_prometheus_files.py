"""The files for Prometheus and Grafana ask for what the programs serve."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import promql_parser
import pytest
import yaml

from bifrost.default_settings import JMX_PROGRAMS, METRICS_PROGRAMS, PORTS
from bifrost.engine.statements.figures import FAMILIES, FigureKind
from bifrost.security.secure_folder import secure_folder
from bifrost.settings import PROJECT, Settings
from bifrost.supervisor.platform_components import COMPONENTS
from bifrost.supervisor.scrape_targets import scrape_targets, write_scrape_targets
from tests.metrics.declared import declared

FOLDER = PROJECT / "dashboards" / "platform"
DASHBOARDS = sorted((FOLDER / "grafana").glob("*.json"))
PROCESS = {"cpu_seconds_total", "resident_memory_bytes", "virtual_memory_bytes", "threads", "open_fds", "max_fds"}
WORKERS = {
    "ksqldb_worker_processes",
    *(f"ksqldb_workers_{name}" for name in ("cpu_seconds_total", "resident_memory_bytes")),
}
BY_PROMETHEUS = {"job", "instance", "program"}


@cache
def served() -> dict[str, set[str]]:
    """The labels of every series by its name."""
    found: dict[str, set[str]] = {"up": set(), **{f"process_{name}": set() for name in PROCESS}}
    found |= {name: set() for name in WORKERS}
    found |= {rule["name"]: set(rule.get("labels", ())) for rule in jmx_rules()}
    families = [(name, kind == "Histogram", set(labels)) for name, (kind, *labels) in declared().items()]
    families += [(each.name, each.kind is FigureKind.HISTOGRAM, set(each.labels)) for each in FAMILIES]
    for name, is_histogram, labels in families:
        if is_histogram:
            found |= {f"{name}_bucket": {*labels, "le"}, f"{name}_sum": labels, f"{name}_count": labels}
        else:
            found[name] = labels
    return found


def jmx_rules() -> list[dict]:
    """What the agents in the broker and the Connect worker serve."""
    return [
        rule for name in JMX_PROGRAMS for rule in yaml.safe_load((FOLDER / "jmx" / f"{name}.yml").read_text())["rules"]
    ]


def rules() -> list[dict]:
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> Iterator[tuple[str, str]]:
    """Every expression, with where it is."""
    for rule in rules():
        yield rule["alert"], rule["expr"]
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            yield from ((f"{path.stem}: {panel['title']}", target["expr"]) for target in panel["targets"])


def selectors(expression: object) -> Iterator[promql_parser.VectorSelector]:
    """The selections of series in an expression."""
    match expression:
        case promql_parser.VectorSelector():
            yield expression
        case promql_parser.MatrixSelector():
            yield expression.vector_selector
        case promql_parser.BinaryExpr():
            yield from selectors(expression.lhs)
            yield from selectors(expression.rhs)
        case promql_parser.Call():
            for argument in expression.args:
                yield from selectors(argument)
        case promql_parser.AggregateExpr() | promql_parser.ParenExpr() | promql_parser.SubqueryExpr():
            yield from selectors(expression.expr)
        case promql_parser.UnaryExpr():
            yield from selectors(expression.expr)


@pytest.mark.parametrize(("place", "text"), list(expressions()))
def test_each_expression_parses_and_selects_series_that_exist(place, text):
    # Grafana replaces its variable by a duration.
    found = list(selectors(promql_parser.parse(text.replace("$__rate_interval", "1m"))))
    assert found or "vector(0)" in text, place
    for selector in found:
        assert selector.name in served(), f"{place}: no program serves {selector.name}"
        labels = {matcher.name for matcher in selector.matchers.matchers}
        assert labels <= served()[selector.name] | BY_PROMETHEUS, f"{place}: {selector.name} has no such label"


def test_a_name_that_no_program_serves_is_found():
    with pytest.raises(AssertionError, match="no program serves bifrost_sent"):
        test_each_expression_parses_and_selects_series_that_exist("test", "rate(bifrost_sent[5m])")
    with pytest.raises(ValueError, match="unclosed left parenthesis"):
        promql_parser.parse("rate(bifrost_sent[5m]")


def test_rules_have_a_severity_and_a_summary_of_labels_that_exist():
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)
    for rule in rules():
        assert rule["labels"]["severity"] in {"warning", "critical"}
        labels = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
        known = set.union(*(served()[each.name] for each in selectors(promql_parser.parse(rule["expr"]))))
        assert labels <= known | BY_PROMETHEUS, rule["alert"]


def test_rules_name_components_and_programs_that_exist():
    text = (FOLDER / "alerts.yml").read_text()
    for names in re.findall(r'(?:component|program)=~"([^"]+)"', text):
        assert set(names.split("|")) <= {"supervisor", *COMPONENTS}


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_panels_of_a_dashboard_do_not_overlap(path):
    board = json.loads(path.read_text())
    cells = [
        (column, row)
        for panel in board["panels"]
        for column in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for row in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(column for column, _ in cells) < 24
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def test_the_targets_of_prometheus_are_the_ports_of_the_platform(tmp_path):
    settings = Settings({"BIFROST_HOME": str(tmp_path)})
    settings.run.mkdir(parents=True)
    write_scrape_targets(settings, {**PORTS, "metrics_alerts": 23456})
    written = json.loads(settings.scrape_targets_file.read_text())
    assert {"targets": ["127.0.0.1:23456"], "labels": {"program": "alerts"}} in written
    assert {each["labels"]["program"] for each in written} == {"ksqldb", "console", "rest_proxy", *METRICS_PROGRAMS}
    assert len({each["targets"][0] for each in scrape_targets(PORTS)}) == len(written)


def test_the_targets_of_a_secured_platform_with_tls_and_a_login_say_so(tmp_path):
    settings = Settings({"BIFROST_HOME": str(tmp_path), "BIFROST_SECURE": "1", "BIFROST_JMX": "1"})
    settings.run.mkdir(parents=True)
    write_scrape_targets(settings, PORTS)
    written = json.loads(settings.scrape_targets_file.read_text())
    secured = {each["labels"]["program"] for each in written if each["labels"].get("__scheme__") == "https"}
    assert secured == {"ksqldb", "console", "rest_proxy", *METRICS_PROGRAMS, *JMX_PROGRAMS}


def test_broker_and_connect_are_targets_where_their_agents_serve():
    found = {each["labels"]["program"]: each["targets"] for each in scrape_targets(PORTS, has_jmx=True)}
    assert found["broker"] == ["127.0.0.1:9420"] and found["connect"] == ["127.0.0.1:9421"]


def test_the_rules_of_the_agents_have_names_labels_and_groups_that_fit():
    for rule in jmx_rules():
        assert rule["name"].endswith("_total") == (rule["type"] == "COUNTER"), rule["name"]
        used = {int(number) for value in rule.get("labels", {}).values() for number in re.findall(r"\$(\d)", value)}
        assert used == set(range(1, re.compile(rule["pattern"]).groups + 1)), rule["name"]


def test_prometheus_reads_the_targets_of_the_default_home_and_the_rules():
    configuration = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    job, secured = configuration["scrape_configs"]
    for each in (job, secured):
        ((file,),) = (config["files"] for config in each["file_sd_configs"])
        assert (FOLDER / file).resolve() == Settings({}, PROJECT).scrape_targets_file
    folder = secure_folder(Settings({}, PROJECT))
    login = secured["basic_auth"]
    assert (FOLDER / secured["tls_config"]["ca_file"]).resolve() == folder.authority_certificate
    assert (FOLDER / login["password_file"]).resolve() == folder.password_file(login["username"])
    assert {"target_label": "job", "replacement": job["job_name"]} in secured["relabel_configs"]
    assert [(FOLDER / name).exists() for name in configuration["rule_files"]] == [True]
    assert all(f'job="{job["job_name"]}"' in rule["expr"] for rule in rules() if re.match(r"up\b", rule["expr"]))


def test_every_dashboard_is_a_file_that_grafana_can_import():
    assert {path.stem for path in DASHBOARDS} == {"kafka", "platform", "queries"}
    assert all(isinstance(json.loads(Path(path).read_text())["schemaVersion"], int) for path in DASHBOARDS)
