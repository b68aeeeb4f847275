"""Which rights the declarations give: of this project to the letter, and the rules on a small one."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

import pytest

from bifrost.clients.kafka_access import Right
from bifrost.deployer.declared.files import load
from bifrost.deployer.plan import declared_rights as rules
from bifrost.deployer.plan.declared_rights import declared_rights, topics_from_outside
from bifrost.deployer.targets import TABLES, for_target
from bifrost.operations.watch import platform_event
from bifrost.security.rights import platform_rights
from bifrost.security.roles import CAPTURE, CONNECT, ENGINE, GENERATORS, KAFKA_ROLES, REST_PROXY, SERVICES, WATCH
from bifrost.settings import PROJECT
from capture import publisher
from tests.deployer.conftest import CONNECTOR

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="module")
def rights() -> frozenset[Right]:
    """Those of this project on the embedded target, with what its programs always need."""
    declared = for_target(load(PROJECT), TABLES["embedded"])
    return platform_rights("default_") | declared_rights(declared)


def as_text(rights: Iterable[Right]) -> str:
    """A line for each user and resource, with all that the user may do."""
    lines = []
    ordered = sorted(rights, key=lambda right: (right.user, right.resource, right.name, right.is_prefix))
    for (user, resource, name, is_prefix), found in groupby(
        ordered, lambda right: (right.user, right.resource, right.name, right.is_prefix)
    ):
        operations = ", ".join(sorted(right.operation for right in found))
        lines.append(f"{user}: {resource} {name}{'*' if is_prefix else ''}: {operations}\n")
    return "".join(lines)


def writers(rights: Iterable[Right], topic: str) -> set[str]:
    wanted = ("topic", topic, "write")
    return {right.user for right in rights if (right.resource, right.name, right.operation) == wanted}


def test_the_rights_of_this_project_are_these_and_no_others(rights, request):
    path = GOLDEN / "rights.txt"
    if request.config.getoption("--update-golden", default=False):
        path.write_text(as_text(rights), encoding="utf-8")
    assert as_text(rights) == path.read_text(encoding="utf-8"), "rights.txt differs; see --update-golden"


@pytest.mark.parametrize("role", [role for role in KAFKA_ROLES if role not in ("deployer", "console")])
def test_no_program_may_change_rights_or_all_topics(rights, role):
    own = [right for right in rights if right.user == role]
    assert not [right for right in own if right.resource == "cluster" and right.operation == "alter"]
    assert not [right for right in own if right.name == "*" and right.operation != "describe"]


def test_a_topic_of_a_connector_is_written_by_connect_and_by_people_alone(rights):
    assert writers(rights, "asgard.demo.CUSTOMERS") == {CONNECT, "deployer", "console"}


def test_a_topic_of_a_query_is_written_by_the_engine_and_by_people_alone(rights):
    assert writers(rights, "UNHAPPY_PLATINUM_CUSTOMERS") == {ENGINE, "deployer", "console"}


def test_a_topic_from_outside_is_written_by_generators_and_web_apps(rights):
    assert {GENERATORS, REST_PROXY} < writers(rights, "ratings")


def test_capture_writes_frames_and_the_watcher_events(rights):
    assert rules.CAPTURE_TOPIC == publisher.TOPIC
    assert rules.EVENTS_TOPIC == platform_event.TOPIC
    assert {right.name for right in rights if right.user == CAPTURE} == {publisher.TOPIC}
    watched = {right.name for right in rights if (right.user, right.operation) == (WATCH, "write")}
    assert watched == {platform_event.TOPIC}


def test_services_read_what_they_notify_of_and_write_dead_letters_and_what_they_declare(rights):
    written = {right.name for right in rights if (right.user, right.operation) == (SERVICES, "write")}
    assert {name for name in written if not name.endswith(".dlq")} == {"ssid_alert_list_01"}


def test_a_sink_reads_its_topics_as_its_group_and_writes_dead_letters(project):
    project.write(
        "connectors/ratings/sink.json",
        {"connector.class": "x.Sink", "topics": "ALERTS, ratings", "errors.deadletterqueue.topic.name": "sink.dlq"},
    )
    own = as_text(right for right in declared_rights(project.declared()) if right.user == CONNECT)
    assert "topic ALERTS: describe, describe configs, read\n" in own
    assert "topic ratings: describe, describe configs, read\n" in own
    assert "topic sink.dlq: create, describe, describe configs, write\n" in own
    assert "group connect-sink: delete, describe, read\n" in own


def test_a_sink_by_a_pattern_reads_the_topics_that_fit(project):
    sink = {"connector.class": "x.Sink", "topics.regex": "rat.*"}
    project.write("connectors/ratings/sink.json", sink)
    found = declared_rights(project.declared())
    names = {right.name for right in found if (right.user, right.operation) == (CONNECT, "read")}
    assert "ratings" in names
    assert "ALERTS" not in names


def test_a_schema_history_is_created_written_and_read(project):
    project.write("connectors/ratings/source.json", CONNECTOR)
    own = as_text(right for right in declared_rights(project.declared()) if right.user == CONNECT)
    assert "topic dbhistory.demo: create, describe, describe configs, read, write\n" in own
    assert "group asgard-schemahistory: describe, read\n" in own


def test_nothing_declared_gives_no_rights_to_topics_of_pipelines(tmp_path):
    named = {right.name for right in declared_rights(load(tmp_path))}
    assert named == {"platform_events", "rest-"}


def test_a_dead_letter_topic_is_not_written_from_outside():
    declared = for_target(load(PROJECT), TABLES["embedded"])
    outside = topics_from_outside(declared)
    assert not [name for name in outside if name.endswith(".dlq")]
    assert "ratings" in outside
    assert "syslog" not in outside
