"""The parts without which something that runs fails."""

from __future__ import annotations

from bifrost.deployer.declared.files import load
from bifrost.operations.needed_components import needed_by_live, needed_components
from bifrost.settings import PROJECT


def test_a_database_is_needed_while_a_connector_reads_it():
    connectors = load(PROJECT).connectors

    assert {"broker", "mariadb", "connect", "search"} <= needed_components(())
    assert "postgres" not in needed_components(())
    assert "postgres" in needed_components(item for item in connectors if item.name == "postgres-soe")
    assert not {"alerts", "generator", "platform_watch"} & needed_components(connectors)


def test_only_live_connectors_count():
    assert "postgres" in needed_by_live(PROJECT, frozenset({"postgres-soe"}))
    assert "postgres" not in needed_by_live(PROJECT, frozenset({"other"}))


def test_files_that_cannot_be_read_need_nothing_more(tmp_path):
    (tmp_path / "connectors" / "x").mkdir(parents=True)
    (tmp_path / "connectors" / "x" / "x.json").write_text("{")

    assert needed_by_live(tmp_path, frozenset({"x"})) == needed_components(())
