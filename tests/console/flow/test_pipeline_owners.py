"""What belongs to which pipeline, by the files of the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bifrost.console.flow.pipeline_owners import GroupReader, PipelineOwnersReader
from bifrost.settings import PROJECT

ALERT = 'topic = "T"\nchannel = "slack"\nto = "c"\ntemplate = "{A}"\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for folder in ("ksql", "services", "alerts"):
        (tmp_path / folder).mkdir()
    (tmp_path / "ksql" / "taxi.sql").write_text("CREATE STREAM RIDES (A INT) WITH (KAFKA_TOPIC='r', FORMAT='JSON');\n")
    (tmp_path / "services" / "taxi_bot.py").write_text('GROUP = "the taxi group"\n')
    (tmp_path / "alerts" / "taxi_late.toml").write_text(ALERT)
    (tmp_path / "alerts" / "mine.toml").write_text('group = "my group"\n' + ALERT)
    return tmp_path


def test_statements_services_and_alerts_are_known_by_their_files(project: Path):
    found = PipelineOwnersReader(project).read()

    assert found.sources == {"RIDES": "taxi"}
    assert found.services == {"taxi_bot": "taxi"}
    assert found.readers == {
        "the taxi group": GroupReader("taxi_bot", "taxi_bot", "taxi"),
        "alerts.taxi_late": GroupReader("taxi_late", "alerts", "taxi"),
        "my group": GroupReader("mine", "alerts", ""),
    }


def test_a_changed_file_is_read_again_and_a_broken_one_says_nothing(project: Path):
    reader = PipelineOwnersReader(project)
    first = reader.read()
    assert reader.read() is first

    statements = project / "ksql" / "taxi.sql"
    statements.write_text("CREATE NONSENSE;\n")
    os.utime(statements, ns=(1, 1))

    assert reader.read().sources == {}


def test_every_stream_of_the_project_has_its_pipeline():
    found = PipelineOwnersReader(PROJECT).read()

    assert found.sources["RATINGS_ENRICHED"] == "ratings"
    assert found.sources["CUSTOMERS"] == "customers"
    assert found.readers["python_kafka_notify.py"] == GroupReader("ratings_unhappy_platinum", "alerts", "ratings")
