"""Files of orders are what the CSV source reads: complete under their name, quoted, repeatable, at a steady rate."""

from __future__ import annotations

import csv
from itertools import islice
from pathlib import Path

import pytest

from bifrost.generators.orders import (
    CUSTOMERS,
    HEADER,
    UNKNOWN_CUSTOMER,
    FileWriter,
    OrderRow,
    main,
    orders,
    write_file,
)
from bifrost.settings import Settings
from tests.fakes.clock import FakeClock


def read(folder: Path) -> list[tuple[str, ...]]:
    found = []
    for file in sorted(folder.iterdir()):
        with file.open(encoding="utf-8", newline="") as text:
            header, *rows = csv.reader(text)
            assert tuple(header) == HEADER
            found += [tuple(row) for row in rows]
    return found


def _rows_of(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines()[1:]


def some(count: int, seed: int = 1) -> list[OrderRow]:
    return list(islice(orders(seed=seed), count))


def test_the_same_seed_makes_the_same_orders() -> None:
    assert some(50) == some(50) != some(50, seed=2)


def test_orders_are_of_known_customers_and_now_and_then_of_an_unknown_one() -> None:
    customers = {customer for _, customer, *_ in some(2000)}

    assert customers == {*range(1, CUSTOMERS + 1), UNKNOWN_CUSTOMER}


def test_a_file_reads_back_as_it_was_written(tmp_path: Path) -> None:
    write_file(tmp_path, "orders.csv", some(200))

    assert [path.name for path in tmp_path.iterdir()] == ["orders.csv"]
    assert read(tmp_path) == [tuple(map(str, row)) for row in some(200)]
    assert any("," in row[3] and '"' in row[3] for row in read(tmp_path))


def test_rows_come_at_their_rate_a_file_about_every_second(tmp_path: Path) -> None:
    clock = FakeClock()

    def wait(seconds: float) -> bool:
        clock.sleep(seconds)
        return False

    dropping = FileWriter(tmp_path, orders(seed=1), clock=clock.monotonic)

    assert dropping.run(10, 35, wait) == 35

    assert 3 <= clock.monotonic() < 4
    assert len(list(tmp_path.iterdir())) == 5
    assert len(read(tmp_path)) == 35


def test_with_an_interval_a_file_holds_the_rows_of_that_time(tmp_path: Path) -> None:
    clock = FakeClock()

    def wait(seconds: float) -> bool:
        clock.sleep(seconds)
        return clock.monotonic() > 240

    writer = FileWriter(tmp_path, orders(seed=1), clock=clock.monotonic)

    assert writer.run(0.2, 0, wait, file_interval_s=120) == 3 * 24
    assert len(list(tmp_path.iterdir())) == 3


def test_the_last_file_contains_the_rest_of_the_count(tmp_path: Path) -> None:
    clock = FakeClock()

    def wait(seconds: float) -> bool:
        clock.sleep(seconds)
        return False

    writer = FileWriter(tmp_path, orders(seed=1), clock=clock.monotonic)

    assert writer.run(0.2, 30, wait, file_interval_s=120) == 30
    assert [len(read_file) for read_file in map(_rows_of, sorted(tmp_path.iterdir()))] == [24, 6]


@pytest.mark.parametrize("interval", ["0", "-1", "nan", "inf", "x"])
def test_an_interval_that_makes_no_sense_is_refused(interval: str) -> None:
    with pytest.raises(SystemExit) as refused:
        main([f"--file-interval={interval}"], Settings({}))
    assert refused.value.code == 2


def test_it_stops_on_request(tmp_path: Path) -> None:
    dropping = FileWriter(tmp_path, orders(seed=1), clock=FakeClock().monotonic)

    assert dropping.run(10, 0, lambda _seconds: True) == 1


def test_a_rate_below_one_a_second_is_kept(tmp_path: Path) -> None:
    clock = FakeClock()

    def wait(seconds: float) -> bool:
        clock.sleep(seconds)
        return False

    FileWriter(tmp_path, orders(seed=1), clock=clock.monotonic).run(0.1, 3, wait)

    assert 20 <= clock.monotonic() < 22


def test_the_program_drops_into_the_folder_of_the_settings(tmp_path: Path) -> None:
    settings = Settings({"ORDERS_FOLDER": str(tmp_path)})

    assert main(["--rate", "1000", "--count", "3", "--seed", "1"], settings) == 0

    assert read(tmp_path / "source") == [tuple(map(str, row)) for row in some(3)]
