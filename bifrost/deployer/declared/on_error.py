"""What happens with a file that is wrong: by default it is raised; `validate` goes on and tells of all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bifrost.errors import DeclarationError

OnError = Callable[[DeclarationError], None]


def raise_error(error: DeclarationError) -> None:
    """The first file that is wrong ends the reading."""
    raise error


@contextmanager
def passing_errors_to(on_error: OnError) -> Iterator[None]:
    """Hands what is wrong with the file that is read in the block to `on_error`."""
    try:
        yield
    except DeclarationError as error:
        on_error(error)
