"""The keyboard side of the shell: history by statement, completion of keywords and live names, several lines."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import completion_is_selected
from prompt_toolkit.history import FileHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from bifrost.cli.shell.help_texts import COMMANDS
from bifrost.errors import BifrostError
from bifrost.sql.keywords import COMPLETIONS, write_name
from bifrost.sql.parser import is_complete

FIRST, FURTHER = "ksql> ", "    > "
NAMES_AGE_S = 10.0
"""How old the completed names may be: asking the server for each key would make typing slow."""
_WORD = re.compile(r"[`\w'.\-]+$")
_COMMAND = re.compile(
    r"\s*(help(\s+[\w\s]*)?|history|output(\s+\w+)?|version|server|clear|exit|quit|set\s+cli\s+[\w-]+\s+\w+)\s*;?\s*",
    re.IGNORECASE,
)


def is_command(text: str) -> bool:
    """Whether a text is one of the shell's own commands, which need no `;`."""
    return _COMMAND.fullmatch(text) is not None


def is_finished(text: str) -> bool:
    """Whether Enter runs a text: a command, a statement with its `;`, or one that ends with `\\G`."""
    return is_command(text) or text.rstrip().endswith(("\\G", "\\g")) or is_complete(text)


class NameCompleter(Completer):
    """Completes keywords, and the names that the server has, in the case in which they must be written."""

    def __init__(self, names: Callable[[], Iterable[str]], clock: Callable[[], float] = time.monotonic) -> None:
        self._names = names
        self._clock = clock
        self._known: tuple[str, ...] = ()
        self._read_at: float | None = None

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        """What may follow the characters before the cursor, live names first."""
        found = _WORD.search(document.text_before_cursor)
        word = found[0] if found else ""
        begins = word.strip("`'").upper()
        for name in self._live_names():
            if name.upper().startswith(begins):
                yield Completion(f"'{name}'" if word.startswith("'") else write_name(name), -len(word), display=name)
        words = (*COMPLETIONS, *(() if document.text.strip() != word else map(str.upper, COMMANDS)))
        if not word.startswith(("`", "'")):
            for keyword in words:
                if keyword.startswith(begins):
                    yield Completion(keyword.lower() if word.islower() else keyword, -len(word))

    def _live_names(self) -> tuple[str, ...]:
        now = self._clock()
        if self._read_at is None or now - self._read_at > NAMES_AGE_S:
            self._read_at = now
            # Without names there are still keywords; the next statement will report what is wrong with the server.
            with suppress(BifrostError):
                self._known = tuple(sorted(set(self._names())))
        return self._known


def typed_statements(terminal: PromptSession[str], names: Callable[[], Iterable[str]]) -> Iterator[str]:
    """What a person enters, one statement or command at a time, until the end of input.

    Args:
        terminal: the session, whose history keeps whole statements, also those of several lines.
        names: the live names to complete.
    """
    completer = NameCompleter(names)
    while True:
        try:
            text = terminal.prompt(
                FIRST,
                multiline=True,
                prompt_continuation=FURTHER,
                key_bindings=_keys(),
                completer=completer,
                complete_while_typing=False,
                complete_in_thread=True,
                enable_history_search=True,
            )
        # As in other shells, Ctrl-C discards what was typed.
        except KeyboardInterrupt:
            continue
        except EOFError:
            return
        if text.strip():
            yield text


def new_session(history: Path) -> PromptSession[str]:
    """A session on this process's terminal. Only this user may read the history: statements may hold passwords."""
    history.parent.mkdir(parents=True, exist_ok=True)
    # First: the library would create the file readable for other users.
    history.touch(mode=0o600)
    return PromptSession(history=FileHistory(str(history)))


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter", filter=~completion_is_selected)
    def _enter(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        at_end = not buffer.document.text_after_cursor.strip()
        if not buffer.text.strip() or (at_end and is_finished(buffer.text)):
            buffer.validate_and_handle()
        else:
            buffer.insert_text("\n")

    @keys.add("enter", filter=completion_is_selected)
    def _take_completion(event: KeyPressEvent) -> None:
        # This Enter only accepts the completion, since the statement may continue behind it.
        event.current_buffer.complete_state = None

    return keys
