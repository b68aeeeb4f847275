"""Scripts checked with nothing running."""

from __future__ import annotations

from typing import Any

import pytest

from bifrost.engine.catalog.topics import TopicInfo
from bifrost.engine.testing.offline_check import CheckedStatement, OfflineChecker
from bifrost.errors import AnalysisError, ParseError
from bifrost.sql.parser import parse_script
from tests.engine.planner.planning import avro

SUBJECTS = {"ratings-value": avro(user_id="int", stars="int", message="string")}
TOPICS = {"ratings": TopicInfo(1)}


def check_script(text: str, **declared: Any) -> list[CheckedStatement]:
    checker = OfflineChecker(**declared)
    return [checker.check(statement) for statement in parse_script(text)]


def test_a_script_is_followed_from_declared_schemas_to_its_sinks() -> None:
    checked = check_script(
        """
        SET 'ksql.persistence.default.format.value' = 'AVRO';
        DEFINE limit = '3';
        CREATE STREAM RATINGS WITH (KAFKA_TOPIC='ratings');
        CREATE STREAM POOR AS SELECT * FROM RATINGS WHERE STARS < ${limit} PARTITION BY USER_ID;
        CREATE TABLE LAST (USER_ID INT PRIMARY KEY) WITH (KAFKA_TOPIC='POOR', VALUE_FORMAT='AVRO');
        CREATE STREAM BOTH AS SELECT R.USER_ID, L.MESSAGE FROM RATINGS R JOIN LAST L ON R.USER_ID = L.USER_ID;
        INSERT INTO LAST (USER_ID, MESSAGE) VALUES (1, 'x');
        SELECT * FROM BOTH EMIT CHANGES;
        """,
        subjects=SUBJECTS,
        topics=TOPICS,
    )
    made = [(item.creates, sorted(item.reads), item.writes) for item in checked if item.planned is not None]
    assert made == [
        ("RATINGS", [], "ratings"),
        ("POOR", ["RATINGS"], "POOR"),
        ("LAST", [], "POOR"),
        ("BOTH", ["LAST", "RATINGS"], "BOTH"),
        (None, [], "POOR"),
        (None, ["BOTH"], None),
    ]


def test_an_error_carries_its_line_and_column() -> None:
    with pytest.raises(AnalysisError, match="SELECT column 'STAR' cannot be resolved") as caught:
        check_script(
            "CREATE STREAM RATINGS WITH (KAFKA_TOPIC='ratings', VALUE_FORMAT='AVRO');\n"
            "-- a slip\n"
            "  CREATE STREAM X AS SELECT STAR FROM RATINGS;",
            subjects=SUBJECTS,
            topics=TOPICS,
        )
    assert (caught.value.line, caught.value.column) == (3, 3)
    assert caught.value.statement == "CREATE STREAM X AS SELECT STAR FROM RATINGS;"


def test_undeclared_topics_and_subjects_are_refused() -> None:
    with pytest.raises(AnalysisError, match="Schema for message values on topic 'ratings' does not exist"):
        check_script("CREATE STREAM R WITH (KAFKA_TOPIC='ratings', VALUE_FORMAT='AVRO');", topics=TOPICS)
    with pytest.raises(AnalysisError, match="Topic 'ratings' does not exist"):
        check_script("CREATE STREAM R WITH (KAFKA_TOPIC='ratings', VALUE_FORMAT='AVRO');", subjects=SUBJECTS)


def test_text_that_cannot_be_parsed_is_refused() -> None:
    with pytest.raises(ParseError):
        check_script("CREATE STEAM X;")
