"""What a person types: on a terminal that a test plays."""

import pytest
from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, InMemoryHistory
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from bifrost.cli.shell.prompt import NameCompleter, is_command, is_finished, new_session, typed_statements
from bifrost.errors import Unreachable

NAMES = ("RATINGS", "RATINGS_BY_USER", "mixed Case", "ratings-topic")
UP, CTRL_C, CTRL_D = "\x1b[A", "\x03", "\x04"


def typed(keys: str, history=None, count: int = 99) -> list[str]:
    """The statements that these keys enter."""
    with create_pipe_input() as terminal:
        terminal.send_text(keys + CTRL_D)
        session = PromptSession(history=history or InMemoryHistory(), input=terminal, output=DummyOutput())
        return [text for text, _ in zip(typed_statements(session, lambda: NAMES), range(count), strict=False)]


def test_a_statement_over_several_lines_is_one():
    assert typed("SELECT *\rFROM A\rEMIT CHANGES;\r") == ["SELECT *\nFROM A\nEMIT CHANGES;"]


def test_a_semicolon_in_a_text_or_comment_ends_nothing():
    assert typed("SELECT 'a;\rb' FROM A -- x;\r;\r") == ["SELECT 'a;\nb' FROM A -- x;\n;"]


@pytest.mark.parametrize("text", ["help", "help create stream", "exit", "history", "SET CLI WRAP OFF", "output json"])
def test_commands_need_no_semicolon(text):
    assert typed(f"{text}\r") == [text]


def test_vertical_output_ends_a_statement():
    assert typed("SELECT * FROM A\\G\r") == ["SELECT * FROM A\\G"]


def test_an_empty_line_enters_nothing():
    assert typed("\r\r  \rSHOW STREAMS;\r") == ["SHOW STREAMS;"]


def test_ctrl_c_drops_what_was_typed_and_keeps_the_shell():
    assert typed(f"SELECT *\rFROM{CTRL_C}SHOW STREAMS;\r") == ["SHOW STREAMS;"]


def test_history_is_by_statement_also_in_the_next_shell(tmp_path):
    file = tmp_path / "home" / "history"
    file.parent.mkdir()
    typed("SELECT *\rFROM A;\rSHOW STREAMS;\r", FileHistory(str(file)))

    assert typed(f"{UP}{UP}\r", FileHistory(str(file))) == ["SELECT *\nFROM A;"]


def test_the_history_is_for_this_user_only(tmp_path, monkeypatch):
    monkeypatch.setattr("bifrost.cli.shell.prompt.PromptSession", lambda history: history)
    new_session(tmp_path / "home" / "history")
    assert (tmp_path / "home" / "history").stat().st_mode & 0o077 == 0


def completions(text: str, names=lambda: NAMES) -> list[str]:
    found = NameCompleter(names).get_completions(Document(text), CompleteEvent())
    return [completion.text for completion in found]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("SELECT * FROM RAT", ["RATINGS", "RATINGS_BY_USER", "`ratings-topic`"]),
        ("select * from rat", ["RATINGS", "RATINGS_BY_USER", "`ratings-topic`"]),
        ("SELECT * FROM `mix", ["`mixed Case`"]),
        ("PRINT 'rat", ["'RATINGS'", "'RATINGS_BY_USER'", "'ratings-topic'"]),
        ("CREATE STR", ["STREAM", "STREAMS", "STRING", "STRUCT"]),
        ("create str", ["stream", "streams", "string", "struct"]),
        ("hist", ["history"]),
        ("SELECT\n  RATINGS_", ["RATINGS_BY_USER"]),
    ],
)
def test_completion(text, first):
    assert completions(text)[: len(first)] == first


def test_commands_are_completed_at_the_beginning_only():
    assert "HISTORY" not in completions("SELECT HIST")


def test_names_are_asked_for_once_in_a_while_and_an_outage_leaves_keywords():
    asked = []
    now = [0.0]

    def names():
        asked.append(1)
        if len(asked) > 1:
            raise Unreachable("ksqlDB", "x", "no answer")
        return NAMES

    completer = NameCompleter(names, lambda: now[0])
    for _ in range(5):
        assert list(completer.get_completions(Document("RATINGS_"), CompleteEvent()))
    assert len(asked) == 1
    now[0] = 60.0
    assert [found.text for found in completer.get_completions(Document("SEL"), CompleteEvent())] == ["SELECT"]
    assert len(asked) == 2


@pytest.mark.parametrize("text", ["helpless", "exit now", "SELECT history", "history 3", "set cli"])
def test_what_is_no_command(text):
    assert not is_command(text)
    assert not is_finished(text)
