"""The flow of records between declared things, and its pictures."""

import json

import pytest

from bifrost.deployer.declared.files import load
from bifrost.deployer.plan.actions import ResourceKind
from bifrost.deployer.plan.dependencies import Thing
from bifrost.deployer.plan.flow_text import dot_lines, flow_json, mermaid_lines, tree_lines
from bifrost.deployer.plan.record_flow import record_flow
from bifrost.settings import PROJECT
from tests.deployer.conftest import RATINGS, TOPICS

SINK = {
    "connector.class": "io.confluent.connect.s3.S3SinkConnector",
    "topics.regex": "ALERT.*",
    "s3.bucket.name": "lake",
    "errors.deadletterqueue.topic.name": "sink.dlq",
}
SOURCE = {"connector.class": "org.example.Source", "kafka.topic": "ratings"}
MORE = """CREATE TABLE NAMES (ID INT PRIMARY KEY, NAME STRING) WITH (KAFKA_TOPIC='names', FORMAT='JSON', PARTITIONS=1);
INSERT INTO NAMES (ID, NAME) VALUES (1, 'a');
CREATE STREAM OTHER WITH (VALUE_FORMAT='JSON') AS SELECT USER_ID FROM RATINGS;
INSERT INTO ALERTS SELECT USER_ID, STARS, CAST('x' AS STRING) AS EMAIL FROM RATINGS;
"""


@pytest.fixture
def flow(project):
    project.write("connectors/ratings/s3-sink.json", SINK)
    project.write("connectors/ratings/a-source.json", SOURCE)
    project.write("topics/ratings.json", {**TOPICS, "sink.dlq": {"partitions": 1, "cleanup.policy": "delete"}})
    project.write("ksql/ratings.sql", RATINGS + MORE)
    return record_flow(project.declared())


def test_records_flow_from_connectors_through_statements_to_sinks(flow):
    assert list(tree_lines(flow)) == [
        "connector a-source",
        "└─ topic ratings",
        "   └─ statement RATINGS",
        "      ├─ statement ALERTS",
        "      │  └─ connector s3-sink",
        "      │     ├─ topic sink.dlq",
        "      │     └─ bucket lake",
        "      ├─ statement OTHER",
        "      └─ statement INSERT INTO ALERTS (ratings 1)",
        "         └─ statement ALERTS ^",
        "connector mysql-demo-customers",
        "└─ topic asgard.demo.CUSTOMERS",
        "   └─ statement CUSTOMERS_SRC",
        "      └─ statement CUSTOMERS_SRC_REKEY",
        "         └─ statement CUSTOMERS",
        "            └─ statement ALERTS ^",
        "statement NAMES",
        "service ratings_bot",
    ]


def test_one_thing_is_shown_with_all_before_and_after_it(flow):
    part = flow.around([Thing(ResourceKind.STATEMENT, "CUSTOMERS")])

    assert [thing.name for thing in part.feeds] == [
        "asgard.demo.CUSTOMERS", "sink.dlq", "mysql-demo-customers", "s3-sink", "CUSTOMERS_SRC", "CUSTOMERS_SRC_REKEY",
        "CUSTOMERS", "ALERTS", "lake",
    ]  # fmt: skip


def test_records_flow_to_the_services_that_name_what_they_read(project):
    project.write("services/ratings_bot.py", 'READS = ("CUSTOMERS", "ALERTS", "ratings")\n\n\ndef main(): ...\n')
    project.write("services/ratings_other.py", "READS = tuple(input())\n\n\ndef main(): ...\n")
    feeds = record_flow(project.declared()).feeds

    bot = Thing(ResourceKind.SERVICE, "ratings_bot")
    assert {thing.name for thing, others in feeds.items() if bot in others} == {"CUSTOMERS", "ALERTS", "ratings"}
    assert Thing(ResourceKind.SERVICE, "ratings_other") in feeds


def test_the_wifi_services_are_fed():
    feeds = record_flow(load(PROJECT)).feeds

    fed = {other.name for others in feeds.values() for other in others if other.kind is ResourceKind.SERVICE}
    assert {"wifi_telegram_alerts", "wifi_telegram_bot"} <= fed


def test_pictures_have_every_thing_and_every_flow(flow):
    found = json.loads(json.dumps(flow_json(flow)))
    edges = sum(map(len, flow.feeds.values()))

    assert len(found["nodes"]) == len(flow.feeds)
    assert {"from": "topic:ratings", "to": "statement:RATINGS"} in found["edges"]
    assert len(found["edges"]) == edges
    for lines, arrow in ((mermaid_lines(flow), "-->"), (dot_lines(flow), "->")):
        text = list(lines)
        assert sum(f" {arrow} " in line for line in text) == edges
        assert all(any(thing.name in line for line in text) for thing in flow.feeds)


def test_names_with_quotes_stay_whole_in_pictures(project):
    project.write(
        "ksql/ratings.sql", f"{RATINGS}CREATE STREAM `a\"b` WITH (KAFKA_TOPIC='ratings', VALUE_FORMAT='AVRO');"
    )
    flow = record_flow(project.declared())

    assert any('"statement a\\"b"' in line for line in dot_lines(flow))
    assert any("statement a#quot;b" in line for line in mermaid_lines(flow))
