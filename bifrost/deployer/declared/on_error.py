"""Reading a file, and what happens when it is wrong: raise by default; `validate` collects all errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bifrost.errors import DeclarationError

OnError = Callable[[DeclarationError], None]


def raise_error(error: DeclarationError) -> None:
    """Stop at the first file that is wrong."""
    raise error


@contextmanager
def passing_errors_to(on_error: OnError) -> Iterator[None]:
    """Passes the error of the file that is read in the block to `on_error`."""
    try:
        yield
    except DeclarationError as error:
        on_error(error)


def read_text(path: Path) -> str:
    """The text of a declaration file.

    Raises:
        DeclarationError: it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DeclarationError(path, "is not UTF-8 text") from error
    except OSError as error:
        raise DeclarationError(path, f"cannot be read: {error.strerror}") from error
