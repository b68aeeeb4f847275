"""The keyboard side of the ksqlDB shell: history, completion, statements over several lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.history import FileHistory

from bifrost.errors import BifrostError
from bifrost.sql.keywords import COMPLETIONS
from bifrost.sql.parser import is_complete

FIRST, FURTHER = "ksql> ", "    > "
_LEAVING = ("exit", "quit")
_WORD = r"[A-Za-z_`'][\w`']*"


def typed_statements(history: Path, names: Callable[[], Iterable[str]]) -> Iterator[str]:
    """Complete statements as a person types them, until `exit` or the end of input.

    Args:
        history: the file that keeps what was typed.
        names: gives the streams, tables and topics to complete, asked before each statement.
    """
    history.parent.mkdir(parents=True, exist_ok=True)
    session: PromptSession[str] = PromptSession(history=FileHistory(str(history)))
    lines: list[str] = []
    while True:
        try:
            lines.append(session.prompt(FURTHER if lines else FIRST, completer=None if lines else _completer(names)))
        except KeyboardInterrupt:
            lines = []
            continue
        except EOFError:
            return
        text = "\n".join(lines)
        if text.strip().lower().rstrip(";") in _LEAVING:
            return
        if is_complete(text):
            yield text
        if is_complete(text) or not text.strip():
            lines = []


def _completer(names: Callable[[], Iterable[str]]) -> WordCompleter:
    known: list[str] = []
    # Without names there is still the language; the statement itself will tell what is wrong with the server.
    with suppress(BifrostError):
        known = sorted(names())
    return WordCompleter([*known, *COMPLETIONS], ignore_case=True)
