"""Splits text into tokens: names, keywords, literals, signs. Comments and blanks are dropped."""

from __future__ import annotations

import re
from bisect import bisect_right
from enum import Enum
from typing import NamedTuple

from bifrost.errors import ParseError
from bifrost.sql.keywords import KEYWORDS
from bifrost.sql.tree import Location

BEGINNING = Location(1, 1)


class TokenKind(Enum):
    """The kind of a token; the value is its name in messages, which are ksqlDB's."""

    KEYWORD = "KEYWORD"
    NAME = "IDENTIFIER"
    QUOTED_NAME = "QUOTED_IDENTIFIER"
    DIGIT_NAME = "DIGIT_IDENTIFIER"
    STRING = "STRING"
    INTEGER = "INTEGER_VALUE"
    DECIMAL = "DECIMAL_VALUE"
    FLOAT = "FLOATING_POINT_VALUE"
    SIGN = "SIGN"
    VARIABLE = "VARIABLE"
    END = "<EOF>"


class Token(NamedTuple):
    """A token. `value` has keywords and unquoted names in upper case, and quotes removed."""

    kind: TokenKind
    value: str
    start: int  # offset of the first character
    end: int  # offset after the last character


# The order of the alternatives matters: longer forms of numbers come before shorter ones. Quoted
# texts use possessive repetition (`*+`), so that a quote that is never closed fails in linear time.
_TOKEN = re.compile(
    r"""
      (?P<BLANK>[ \t\r\n]+|--[^\r\n]*|/\*.*?\*/)
    | (?P<WORD>[A-Za-z_][A-Za-z0-9_@]*)
    | (?P<FLOAT>(?:[0-9]+\.[0-9]*|\.[0-9]+)[eE][+-]?[0-9]+|[0-9]+[eE](?:[+-][0-9]+|[0-9]+(?![A-Za-z0-9_@])))
    | (?P<DECIMAL>[0-9]+\.[0-9]*|\.[0-9]+)
    | (?P<INTEGER>[0-9]+(?![A-Za-z0-9_@]))
    | (?P<DIGIT_NAME>[0-9][A-Za-z0-9_@]+)
    | (?P<STRING>'[^']*+(?:''[^']*+)*+')
    | (?P<QUOTED_NAME>`[^`]*+(?:``[^`]*+)*+`|"[^"]*+(?:""[^"]*+)*+")
    | (?P<SIGN><>|!=|<=|>=|:=|->|=>|\|\||[=<>+\-*/%(),.;\[\]])
    | (?P<VARIABLE>\$\{[A-Za-z_][A-Za-z0-9_@]*\})
    """,
    re.VERBOSE | re.DOTALL,
)
_UNTERMINATED = {"'": "string", "`": "quoted name", '"': "quoted name"}


class UnfinishedError(ParseError):
    """A quote or comment is not closed: more text may complete it."""


class SourceText:
    """A text that converts offsets to lines and columns; `origin` is the location of its first character."""

    def __init__(self, text: str, origin: Location = BEGINNING) -> None:
        self.text = text
        self._origin = origin
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]

    def location(self, offset: int) -> Location:
        """The location of the character at `offset`, counted from 0."""
        line = bisect_right(self._lines, offset)
        column = offset - self._lines[line - 1]
        first = self._origin.column if line == 1 else 1
        return Location(line + self._origin.line - 1, column + first)


def tokenize(source: SourceText) -> list[Token]:
    """All tokens of the text; the last one has kind END.

    Raises:
        ParseError: a character begins no token, or a quote or comment is not closed.
    """
    tokens = []
    text, position = source.text, 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        # A comment that is not closed would be read as the signs `/` and `*`.
        if match is None or (match.lastgroup == "SIGN" and text.startswith("/*", position)):
            raise _unreadable(source, position)
        if match.lastgroup != "BLANK":
            tokens.append(_token(match))
        position = match.end()
    tokens.append(Token(TokenKind.END, "<EOF>", len(text), len(text)))
    return tokens


def _token(match: re.Match[str]) -> Token:
    raw = match.group()
    start, end = match.span()
    match match.lastgroup:
        case "WORD":
            upper = raw.upper()
            return Token(TokenKind.KEYWORD if upper in KEYWORDS else TokenKind.NAME, upper, start, end)
        case "STRING":
            return Token(TokenKind.STRING, raw[1:-1].replace("''", "'"), start, end)
        case "DIGIT_NAME":
            return Token(TokenKind.DIGIT_NAME, raw.upper(), start, end)
        case "QUOTED_NAME":
            return Token(TokenKind.QUOTED_NAME, raw[1:-1].replace(raw[0] * 2, raw[0]), start, end)
        case kind:
            return Token(TokenKind[str(kind)], raw, start, end)


def _unreadable(source: SourceText, position: int) -> ParseError:
    where = source.location(position)
    character = source.text[position]
    if source.text.startswith("/*", position):
        problem = "The comment is not closed: '*/' is missing"
    elif character in _UNTERMINATED:
        problem = f"The {_UNTERMINATED[character]} is not closed: {character} is missing"
    else:
        return ParseError(f"Syntax Error\nUnexpected character {character!r}", line=where.line, column=where.column)
    return UnfinishedError(f"Syntax Error\n{problem}", line=where.line, column=where.column)
