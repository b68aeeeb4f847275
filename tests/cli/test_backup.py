"""`backup` and `restore` as a person uses them."""

import json

import pytest

from bifrost.cli.byte_progress import size_text
from bifrost.cli.output import Screen


@pytest.fixture
def data(project):
    return project.write("home/data/broker/log", "x" * 2048)


def test_backup_and_restore(run, project, data):
    file = project.root / "b.tar.gz"
    assert "2.0 KiB" in run("backup", str(file), "--dry-run").out
    assert not file.exists()

    found = run("backup", str(file))
    assert (found.code, found.err.count("100 %")) == (0, 1)
    assert json.loads(run("restore", str(file), "--dry-run", "--json").out)["files"] == 2

    refused = run("restore", str(file))
    assert (refused.code, "has data; restore into a fresh BIFROST_HOME" in refused.err) == (1, True)
    data.unlink()
    data.parent.rmdir()
    restored = run("restore", str(file))
    assert (restored.code, data.read_text()) == (0, "x" * 2048)
    assert restored.out.endswith("Next: `up`.\n")


def test_an_existing_file_is_replaced_only_with_consent(run, project, data, monkeypatch):
    file = project.write("b.tar.gz", "mine")
    refused = run("backup", str(file))
    assert (refused.code, file.read_text()) == (1, "mine")
    assert "exists and would be replaced" in refused.err
    assert run("backup", str(file), "--yes").code == 0

    monkeypatch.setattr(Screen, "can_ask", property(lambda self: True))
    monkeypatch.setattr(Screen, "ask", lambda self, question: "no")
    assert run("backup", str(file)).code == 1


def test_other_targets_are_wrong_usage(run, project, data):
    assert run("backup", "x", "--target", "compose").code == 2


@pytest.mark.parametrize(
    ("count", "text"), [(5, "5 bytes"), (1536, "1.5 KiB"), (3 << 20, "3.0 MiB"), (5 << 30, "5.0 GiB")]
)
def test_sizes(count, text):
    assert size_text(count) == text
