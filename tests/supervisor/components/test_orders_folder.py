"""The folder of CSV files: made with its parts, and filled once."""

from __future__ import annotations

from pathlib import Path

from bifrost.settings import Settings
from bifrost.supervisor.components import orders_folder


def dropped(settings: Settings) -> list[str]:
    return sorted(path.name for path in (settings.orders / "source").iterdir())


def test_the_projects_files_are_dropped_once(tmp_path: Path) -> None:
    data = tmp_path / "project" / "data" / "orders"
    data.mkdir(parents=True)
    for name in ("orders.csv", "orders1.csv"):
        (data / name).write_text("order_id\n1\n")
    settings = Settings({"ORDERS_FOLDER": str(tmp_path / "orders")}, tmp_path / "project")

    orders_folder.prepare(settings)

    assert dropped(settings) == ["orders.csv", "orders1.csv"]
    assert (settings.orders / "source" / "orders.csv").read_text() == "order_id\n1\n"

    for name in dropped(settings):
        (settings.orders / "source" / name).rename(settings.orders / "finished" / name)
    orders_folder.prepare(settings)

    assert dropped(settings) == []


def test_folders_that_vanished_are_made_again(tmp_path: Path) -> None:
    settings = Settings({"ORDERS_FOLDER": str(tmp_path / "orders")}, tmp_path)
    orders_folder.prepare(settings)
    (settings.orders / "error").rmdir()

    orders_folder.prepare(settings)

    assert sorted(path.name for path in settings.orders.iterdir() if path.is_dir()) == ["error", "finished", "source"]
