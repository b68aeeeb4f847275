"""Arguments of the generators that make no sense, and places that cannot be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from bifrost.generators import logons, orders, patterns, ratings, syslog, wifi_frames
from bifrost.settings import Settings

PROGRAMS = [logons, orders, patterns, ratings, syslog]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda module: module.__name__.rsplit(".")[-1])
@pytest.mark.parametrize(
    "arguments",
    [
        ["--rate", "0"],
        ["--rate", "-1"],
        ["--rate", "nan"],
        ["--rate", "inf"],
        ["--rate", "many"],
        ["--rate", "1e400"],
        ["--count", "-1"],
        ["--count", "1.5"],
        ["--seed", "x"],
        ["--surprise"],
        ["extra"],
    ],
)
def test_a_generator_refuses_arguments_that_make_no_sense(program, arguments: list[str]):
    with pytest.raises(SystemExit) as ended:
        program.main(arguments, Settings({}))

    assert ended.value.code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["f", "--count", "-1"],
        ["f", "--rate", "0"],
        ["f", "--rate", "nan"],
        ["f", "--rate", "inf"],
        ["f", "--start", "nan"],
        ["f", "--start", "-1"],
        ["f", "--start", "1e20"],
        ["f", "--start", "inf"],
        ["f", "--seed", "1.5"],
    ],
)
def test_the_frames_generator_refuses_arguments_that_make_no_sense(tmp_path: Path, arguments: list[str]):
    with pytest.raises(SystemExit) as ended:
        wifi_frames.main([str(tmp_path / "f") if each == "f" else each for each in arguments])

    assert ended.value.code == 2
    assert not (tmp_path / "f").exists()


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert wifi_frames.main([str(tmp_path / "missing" / "f.pcap"), "--count", "1"]) == 1

    assert "f.pcap: No such file or directory" in capsys.readouterr().err


def test_a_folder_of_orders_that_cannot_be_written_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "data").write_text("a file where a folder is needed")
    values = Settings({"BIFROST_HOME": str(tmp_path / "data")})

    assert orders.main(["--count", "1"], values) in (1, 78)
    assert "stopped: " in caplog.messages[-1] and str(tmp_path / "data") in caplog.messages[-1]
