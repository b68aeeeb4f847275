"""The types of property values: each checks a text and describes the texts that it accepts."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

INT_MAX, LONG_MAX = 2**31 - 1, 2**63 - 1
_NUMBER = re.compile(r"[+-]?[0-9]+")


class ValueType(Protocol):
    """The type of a property's value."""

    def accepts(self, text: str) -> bool:
        """Whether the text is a value of this type."""

    def describe(self) -> str:
        """The accepted texts, for messages and documentation: `true or false`."""


@dataclass(frozen=True, slots=True)
class AnyText:
    """Any text."""

    def accepts(self, text: str) -> bool:
        """Always true."""
        return True

    def describe(self) -> str:
        """`any text`."""
        return "any text"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several words, in any case."""

    words: Collection[str]

    def accepts(self, text: str) -> bool:
        """Whether the text is one of the words."""
        return text.strip().lower() in {word.lower() for word in self.words}

    def describe(self) -> str:
        """The words: `earliest or latest`."""
        *first, last = self.words
        return f"{', '.join(first)} or {last}" if first else last


@dataclass(frozen=True, slots=True)
class WholeNumber:
    """A whole number within bounds."""

    least: int = 0
    most: int = LONG_MAX

    def accepts(self, text: str) -> bool:
        """Whether the text is a number within the bounds."""
        # The length is limited first: int() of a very long text takes long.
        number = text.strip()
        return len(number) <= 20 and _NUMBER.fullmatch(number) is not None and self.least <= int(number) <= self.most

    def describe(self) -> str:
        """The bounds: `a whole number from 0 on`."""
        upper = "on" if self.most == LONG_MAX else f"to {self.most}"
        return f"a whole number from {self.least} {upper}"


TEXT = AnyText()
FLAG = Choice(("true", "false"))
COUNT = WholeNumber(1, INT_MAX)
"""A number of threads, replicas, partitions, ..."""
INTEGER = WholeNumber(0, INT_MAX)
LONG = WholeNumber()
SIGNED = WholeNumber(-1)
"""A long; -1 stands for no limit."""
