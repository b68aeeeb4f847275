"""Files that fill collections: what is wrong with one is said with its name."""

import pytest

from bifrost.clients import mongodb
from bifrost.errors import DeclarationError, Refused, Unreachable
from bifrost.settings import PROJECT

NOWHERE = "mongodb://127.0.0.1:1/?directConnection=true"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "is not extended JSON"),
        ('[{"_id": {"$oid": "no"}}]', "is not extended JSON"),
        ('{"a": 1}', "must be an array of documents"),
        ("[1]", "must be an array of documents"),
    ],
)
def test_a_wrong_file_is_named(tmp_path, text, problem):
    (tmp_path / "ace.device.json").write_text(text)
    with pytest.raises(DeclarationError, match=f"ace.device.json: {problem}"):
        mongodb.seed(NOWHERE, tmp_path)


def test_files_not_named_after_a_collection_are_ignored(tmp_path):
    (tmp_path / "notes.json").write_text("not for us")
    assert mongodb.seed(NOWHERE, tmp_path) == ()


def test_this_projects_own_files(tmp_path):
    files = sorted((PROJECT / "data" / "mongodb").glob("*.json"))
    assert [path.stem for path in files] == ["ace.device", "ace.user"]
    for path in files:
        documents = mongodb._documents(path)
        assert len({document["mac"] for document in documents}) == len(documents)


@pytest.mark.parametrize(
    "connection",
    [
        "",
        "http://x",
        "mongodb://h:port",
        "mongodb://u:secret77@@h",
        "mongodb://u:sec/ret77@h",
        "mongodb://",
    ],
)
def test_a_malformed_connection_string_is_refused_without_its_password(tmp_path, connection):
    (tmp_path / "ace.device.json").write_text("[{}]")
    with pytest.raises(Refused, match="the connection string is invalid") as caught:
        mongodb.seed(connection, tmp_path)

    assert "ret77" not in str(caught.value)


def test_a_silent_server_is_unreachable(tmp_path, monkeypatch):
    monkeypatch.setattr(mongodb, "TIMEOUT_S", 0.3)
    (tmp_path / "ace.device.json").write_text("[{}]")
    with pytest.raises(Unreachable, match="does not answer"):
        mongodb.seed(NOWHERE, tmp_path)


@pytest.mark.parametrize(
    "text", ["", "[" * 100_000, '[{"a": {"$numberLong": "x"}}]', '[{"a": {"$date": []}}]', "[NaN,]"]
)
def test_files_of_bad_json_are_named(tmp_path, text):
    (tmp_path / "ace.device.json").write_text(text)
    with pytest.raises(DeclarationError, match=r"ace\.device\.json"):
        mongodb.seed(NOWHERE, tmp_path)
