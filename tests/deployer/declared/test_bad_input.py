"""Whatever stands in a declaration file, the answer is an error that names it, never a crash."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bifrost.deployer.checks.validate import validate
from bifrost.deployer.declared.files import load
from bifrost.deployer.targets import TABLES, for_target
from bifrost.dotenv import read_dotenv
from bifrost.errors import BifrostError, SettingError
from tests.deployer.conftest import CONNECTOR

CONNECTOR_FILE = "connectors/ratings/x.json"
TOPIC_FILE = "topics/x.json"
SCHEMA_FILE = "topics/schemas/ratings-value.avsc"
SQL_FILE = "ksql/x.sql"
ALERT_FILE = "alerts/x.toml"
UTF16 = "{}".encode("utf-16")
CONNECTORS = (
    b"",
    b" ",
    b"null",
    b"true",
    b"3",
    b'"text"',
    b"[]",
    b"{}",
    b"{",
    b"{}}",
    b'{"a":}',
    b"\xef\xbb\xbf{}",
    UTF16,
    b"\xff\xfe\x00",
    b"\x00",
    b'{"connector.class": ""}',
    b'{"connector.class": null}',
    b'{"connector.class": 3}',
    b'{"connector.class": ["x"]}',
    b'{"connector.class": {"x": "y"}}',
    b'{"connector.class": "x.Y", "": "y", "topics": null}',
    b'{"connector.class": "x.Y", "tasks.max": 1e999}',
    b'{"connector.class": "x.Y", "tasks.max": NaN}',
    b'{"connector.class": "x.Y", "a": "\\ud800"}',
    b'{"connector.class": "${env:"}',
    b'{"name": 3, "config": {"connector.class": "x.Y"}}',
    b'{"name": null, "config": {"connector.class": "x.Y"}}',
    b'{"name": "x", "config": []}',
    b'{"name": "x", "config": {"name": "y", "connector.class": "x.Y"}}',
    b'{"config": {"connector.class": "x.Y"}, "config": {}}',
    b'{"a":' * 3000 + b"1" + b"}" * 3000,
    b"[" * 100_000,
)
TOPICS = (
    b"",
    b"[]",
    b'{"t": null}',
    b'{"t": []}',
    b'{"t": {"partitions": "1"}}',
    b'{"t": {"partitions": 1.5}}',
    b'{"t": {"partitions": -1}}',
    b'{"t": {"partitions": 1e400}}',
    b'{"t": {"partitions": null}}',
    b'{"t": {"retention.ms": "forever"}}',
    b'{"t": {"retention.ms": -2}}',
    b'{"t": {"replication": 0}}',
    b'{"t": {"cleanup.policy": ["delete"]}}',
    b'{"t": {"cleanup.policy": null}}',
    b'{"t": {"cleanup.policy": "delete,delete"}}',
    b'{"t": {"cleanup.policy": {}}}',
    b'{"t": {"no": 1}}',
    b'{"t": {}, "t": {}}',
    b'{"": {}}',
    b'{"a b": {}}',
    b'{"a/b": {}}',
    b'{"..": {}}',
    b'{"' + b"x" * 250 + b'": {}}',
    b"\xff",
)
SCHEMAS = (
    b"",
    b"{",
    b"3",
    b"null",
    b'"nosuch"',
    b'{"type": "record"}',
    b'{"type": "enum", "name": "E"}',
    b"\xff",
)
SCRIPTS = (
    b"SELEC 1;",
    b"CREATE STREAM",
    b"CREATE STREAM A AS SELECT * FROM A;",
    b"DROP STREAM A;",
    b"SET 'a'='1';;",
    b"'",
    b"/*",
    b"`",
    b"\x00",
    b"\xff",
    UTF16,
    b"CREATE STREAM A (B NOSUCH) WITH (KAFKA_TOPIC='ratings', VALUE_FORMAT='JSON');",
    b"CREATE STREAM A (B INT) WITH (KAFKA_TOPIC='ratings', VALUE_FORMAT='NOSUCH');",
    b"CREATE STREAM A (B INT) WITH (KAFKA_TOPIC='ratings', VALUE_FORMAT='JSON', NOSUCH=1);",
    b"CREATE TYPE T AS T;",
    b"INSERT INTO NOSUCH SELECT * FROM NOSUCH;",
    b"SELECT 1;",
    b"CREATE STREAM A AS SELECT " + b"(" * 3000 + b"1" + b")" * 3000 + b" FROM RATINGS;",
)
ALERTS = (
    b"x",
    b"[",
    b"a = ",
    b"\xff",
    b"\x00",
    b"topic = 3",
    b"topic = 'ALERTS'\nchannel = 'nosuch'",
    b"topic = 'ALERTS'\n[once]\nby = 3",
    b"topic = 1979-05-27",
)
CASES = [
    *((CONNECTOR_FILE, content) for content in CONNECTORS),
    *((TOPIC_FILE, content) for content in TOPICS),
    *((SCHEMA_FILE, content) for content in SCHEMAS),
    *((SQL_FILE, content) for content in SCRIPTS),
    *((ALERT_FILE, content) for content in ALERTS),
]


def write(project, path: str, content: bytes) -> None:
    target = project.root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


@pytest.mark.parametrize(("path", "content"), CASES, ids=[f"{path}-{content[:24]!r}" for path, content in CASES])
def test_a_bad_file_is_an_error_that_names_it(project, path, content):
    write(project, path, content)

    problems = validate(project.root, TABLES["embedded"])

    assert [problem for problem in problems if problem.is_error and str(problem.path).endswith(path)]
    assert all(len(problem.text) < 5000 for problem in problems)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([CONNECTOR_FILE, TOPIC_FILE, SCHEMA_FILE, SQL_FILE, ALERT_FILE]),
    st.one_of(
        st.binary(max_size=60),
        st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        ).map(lambda value: json.dumps(value).encode()),
    ),
)
def test_random_files_never_crash(project, path, content):
    write(project, path, content)

    validate(project.root, TABLES["embedded"])
    try:
        for_target(load(project.root), TABLES["embedded"])
    except BifrostError as error:
        assert str(error)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from([*CONNECTOR, "transforms", "topics", "x"]), st.text(max_size=12), max_size=6))
def test_random_values_of_a_connector_never_crash(project, changed):
    write(project, "connectors/ratings/mysql-demo-customers.json", json.dumps({**CONNECTOR, **changed}).encode())

    validate(project.root, TABLES["embedded"])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"A=1\r\nB='x y'\nexport C=\"z\"\n# no\n\n", {"A": "1", "B": "x y", "C": "z"}),
        (b"A=\n", {"A": ""}),
        (b"A=a=b#c\n", {"A": "a=b#c"}),
        (b"A='it''s'", {"A": "it''s"}),
        (b"A='", {"A": "'"}),
    ],
)
def test_dotenv(tmp_path, content, expected):
    (tmp_path / ".env").write_bytes(content)
    assert read_dotenv(tmp_path / ".env") == expected


@pytest.mark.parametrize("content", [b"A", b"=1", b"1A=1", b"A B=1", b"A-B=hunter22", b"hunter22", b"\xff\xfe", b"{}"])
def test_a_bad_dotenv_names_the_line_and_not_its_text(tmp_path, content):
    (tmp_path / ".env").write_bytes(b"OK=1\n" + content)
    with pytest.raises(SettingError) as caught:
        read_dotenv(tmp_path / ".env")
    assert "hunter22" not in str(caught.value)


def test_a_dotenv_that_is_a_folder_is_an_error(tmp_path):
    (tmp_path / ".env").mkdir()
    with pytest.raises(SettingError):
        read_dotenv(tmp_path / ".env")


@pytest.mark.parametrize("path", [CONNECTOR_FILE, TOPIC_FILE, SCHEMA_FILE.replace("value", "key"), SQL_FILE])
def test_a_folder_in_a_files_place_is_an_error(project, path):
    (project.root / path).mkdir(parents=True)
    assert [problem for problem in validate(project.root, TABLES["embedded"]) if "cannot be read" in problem.text]
