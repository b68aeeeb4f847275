"""Checks of the parts of a target, and of what they run."""

import re
import time
from types import SimpleNamespace

import pytest

from bifrost.clients import http
from bifrost.clients.kafka import TopicDescription
from bifrost.operations.dead_letter_queues import DEAD_LETTER_TOPIC, DeadLetterQueues
from bifrost.operations.group_owners import read_owners
from bifrost.operations.health import platform_checks
from bifrost.operations.health.finding import Severity, run_section
from tests.fakes.http_server import Fault
from tests.fakes.records import FakeRecords

CONNECTOR = "mysql-demo-customers"


def bad(findings):
    return [(finding.thing, finding.text) for finding in findings if finding.severity is not Severity.OK]


def test_a_healthy_platform_has_nothing_bad(deployed):
    platform = deployed.platform
    owners = read_owners(platform, [], [])
    for findings in (
        platform_checks.reachable(platform),
        platform_checks.connectors(platform),
        platform_checks.queries(platform),
        platform_checks.lags(platform, owners),
        platform_checks.partitions(platform),
        platform_checks.retention(platform),
        platform_checks.subjects(platform),
    ):
        assert bad(findings) == []


def test_what_has_failed_is_named_with_its_cause_and_the_next_step(deployed):
    deployed.connect.traces[CONNECTOR] = "A: a\nCaused by: B: disk is full"
    deployed.ksqldb.queries["CSAS_ALERTS_2"] |= {"state": "ERROR", "errors": [{"errorMessage": "no topic"}]}

    assert bad(platform_checks.connectors(deployed.platform)) == [
        (f"connector {CONNECTOR} task 0", "is FAILED: B: disk is full")
    ]
    (finding,) = [item for item in platform_checks.queries(deployed.platform) if item.severity is Severity.ERROR]
    assert (finding.text, finding.advice) == ("is ERROR: no topic", "`restart CSAS_ALERTS_2`, once the cause is gone")


def test_what_a_command_suspended_is_a_warning(deployed):
    deployed.connect.states[CONNECTOR] = "PAUSED"
    deployed.ksqldb.queries["CSAS_ALERTS_2"]["state"] = "PAUSED"
    assert bad(platform_checks.connectors(deployed.platform)) == [(f"connector {CONNECTOR}", "is PAUSED by a command")]
    assert bad(platform_checks.queries(deployed.platform)) == [("query CSAS_ALERTS_2", "is PAUSED by a command")]


def test_an_api_that_refuses_is_named_and_the_others_are_checked(deployed):
    deployed.servers["connect"].faults.append(Fault("GET", "/", status=401, body={"message": "no user"}, times=99))
    found = list(platform_checks.reachable(deployed.platform))
    assert [(item.thing, item.severity) for item in found if item.severity is not Severity.OK] == [
        ("Kafka Connect", Severity.ERROR)
    ]
    assert {item.thing for item in found} >= {"Kafka", "Schema Registry", "ksqlDB"}


def test_a_clock_that_is_wrong_is_noticed(deployed, monkeypatch):
    # The server is in this process, so only the client's clock may be wrong.
    late = SimpleNamespace(time=lambda: time.time() + 600, monotonic=time.monotonic, sleep=time.sleep)
    monkeypatch.setattr(http, "time", late)
    found = dict(bad(platform_checks.reachable(deployed.platform)))
    assert re.fullmatch(r"its clock is (599|60\d) s behind this machine's", found["Kafka Connect"])


def test_topics_lags_and_subjects(deployed):
    deployed.kafka.unhealthy = {"ratings": ("partition 0 has no leader",)}
    deployed.kafka.there["audit"] = TopicDescription("audit", 1, 1, {"retention.ms": "-1"})
    deployed.kafka.there["_confluent-ksql-default_query_X-Join-left-repartition"] = deployed.kafka.there["audit"]
    deployed.kafka.records |= {"audit": 7, "ratings": 20_000}
    deployed.kafka.committed = {"someone": {"ratings": {0: 0}}}
    deployed.registry.versions["gone-value"] = ['"string"']
    platform = deployed.platform

    assert bad(platform_checks.partitions(platform)) == [("topic ratings", "partition 0 has no leader")]
    assert bad(platform_checks.retention(platform)) == [("topic audit", "never deletes records: 7 so far")]
    assert bad(platform_checks.lags(platform, read_owners(platform, [], []))) == [
        ("group someone", "is 20000 records behind")
    ]
    assert bad(platform_checks.subjects(platform)) == [("subject gone-value", "has no topic gone")]


def test_dead_letters_that_were_not_replayed(deployed):
    records = FakeRecords(deployed.kafka)
    records.put("es.dlq", b"x")
    queues = DeadLetterQueues(deployed.kafka, records, deployed.replayed, {"es": {DEAD_LETTER_TOPIC: "es.dlq"}}, [], [])
    assert bad(platform_checks.dead_letters(queues)) == [
        ("es.dlq", "has 1 letters of connector es that were not replayed")
    ]


@pytest.mark.parametrize("error", [OSError("disk"), PermissionError("no")])
def test_a_check_that_fails_is_a_finding_and_stops_no_other(error):
    def failing():
        raise error

    section = run_section("Area", {"first": failing, "second": lambda: []})

    assert [(item.thing, item.severity) for item in section.findings] == [("first", Severity.ERROR)]
