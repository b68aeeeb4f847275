"""What a person sees on a terminal, and what a log gets."""

import io
import re
from types import SimpleNamespace

import pytest

from bifrost.cli import output
from bifrost.cli.output import Screen


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    streams = SimpleNamespace(stdout=io.StringIO(), stderr=Terminal())
    # The test runner puts its own streams into `sys` again before each test.
    monkeypatch.setattr(output, "sys", streams)
    return streams.stderr


def deploy(screen: Screen) -> None:
    with screen.working("deploying"):
        for number in range(1, 174):
            screen.progress(f"{number}/173 create topic t{number}")


def lasting(text: str) -> list[str]:
    """The lines that remain on a terminal: what is rewritten does not count."""
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)
    return [line.split("\r")[-1] for line in plain.split("\n") if line.split("\r")[-1].strip()]


def test_a_stage_is_one_line_on_a_terminal(terminal):
    deploy(Screen())

    (line,) = [line for line in lasting(terminal.getvalue()) if "[" in line]
    assert re.fullmatch(r"\[ *\d+\.\d s\] deploying: done in \d+\.\d s", line)


def test_a_stage_that_fails_claims_nothing(terminal):
    screen = Screen()
    with pytest.raises(ValueError, match="x"), screen.working("deploying"):
        raise ValueError("x")
    assert "done" not in terminal.getvalue()


def test_progress_outside_a_stage_is_a_line(terminal):
    Screen().progress("staying in the foreground")
    assert "staying in the foreground" in lasting(terminal.getvalue())[0]


def test_a_log_gets_every_line(capsys):
    deploy(Screen())
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 173
    assert re.fullmatch(r"\[ *\d+\.\d s\] 173/173 create topic t173", lines[-1])


def test_control_characters_of_data_are_shown_and_not_obeyed(capsys):
    screen = Screen()
    screen.say("a\x1b]0;title\x07b\x9b2J\x00\x7f")
    screen.table(["X"], [["c\x1b[31md\x08"]])
    screen.warn("e\x1bf")

    shown = capsys.readouterr()
    assert shown.out.splitlines()[0] == r"a\x1b]0;title\x07b\x9b2J\x00\x7f"
    assert shown.out.splitlines()[2] == r"c\x1b[31md\x08"
    assert shown.err == "warning: e\\x1bf\n"


def test_line_breaks_and_letters_of_any_language_stay(capsys):
    Screen().say("Größe\n日本 👍")
    assert capsys.readouterr().out == "Größe\n日本 👍\n"


def test_a_note_is_a_line_without_a_time(terminal):
    Screen().note("Query terminated")

    assert lasting(terminal.getvalue()) == ["Query terminated"]
