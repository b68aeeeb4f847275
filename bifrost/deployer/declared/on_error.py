"""What happens when a file is wrong: raise by default; `validate` collects all errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

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
