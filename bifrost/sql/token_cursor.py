"""A position in a list of tokens: looks ahead, takes expected tokens, and reports what was expected instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from bifrost.errors import ParseError
from bifrost.sql.keywords import NON_RESERVED
from bifrost.sql.lexer import SourceText, Token, TokenKind
from bifrost.sql.nesting import MAX_OPEN, TOO_DEEP
from bifrost.sql.tree import Location

T = TypeVar("T")
_HINTS = {
    "DISTINCT": ": SELECT DISTINCT is not supported; use GROUP BY",
    "ORDER": ": ORDER BY is not supported; the order of rows is that of the topic or of the keys",
}
"""Hints for words of other SQL dialects."""
_WORDS = (TokenKind.KEYWORD, TokenKind.SIGN)
_NAMES = (TokenKind.NAME, TokenKind.QUOTED_NAME, TokenKind.DIGIT_NAME)


class TokenCursor:
    """The parser's position. `accept` methods take a token if it matches; `expect` methods raise if it does not."""

    def __init__(self, source: SourceText, tokens: list[Token], index: int = 0, *, has_variables: bool = True) -> None:
        self.source = source
        self.index = index
        self.lambda_parameters: tuple[str, ...] = ()
        self._tokens = tokens
        self._open = 0
        self._has_variables = has_variables

    @property
    def token(self) -> Token:
        """The next token."""
        return self._tokens[self.index]

    def peek(self, ahead: int = 1) -> Token:
        """The token `ahead` positions after the next one."""
        return self._tokens[min(self.index + ahead, len(self._tokens) - 1)]

    def advance(self) -> Token:
        """Take the next token; END is never passed."""
        token = self._tokens[self.index]
        if token.kind is not TokenKind.END:
            self.index += 1
        return token

    @property
    def location(self) -> Location:
        """The location of the next token."""
        return self.source.location(self.token.start)

    def text_of(self, token: Token) -> str:
        """The token as written."""
        return self.source.text[token.start : token.end] or token.value

    def at(self, *words: str) -> bool:
        """Whether the next token is one of these keywords or signs."""
        token = self.token
        return token.value in words and token.kind in _WORDS

    def at_all(self, *words: str) -> bool:
        """Whether the next tokens are these keywords or signs, in this order."""
        return all(_is_word(self.peek(ahead), word) for ahead, word in enumerate(words))

    def at_sign(self, ahead: int, sign: str) -> bool:
        """Whether the token `ahead` positions after the next one is that sign."""
        token = self.peek(ahead)
        return token.value == sign and token.kind is TokenKind.SIGN

    def accept(self, *words: str) -> str | None:
        """Take the next token if it is one of these keywords or signs, and return it."""
        return self.advance().value if self.at(*words) else None

    def accept_all(self, *words: str) -> bool:
        """Take these keywords or signs if all of them follow, in this order."""
        if not self.at_all(*words):
            return False
        self.index += len(words)
        return True

    def expect(self, *words: str) -> str:
        """Take one of these keywords or signs."""
        found = self.accept(*words)
        if found is None:
            raise self.failure(*(f"'{word}'" for word in words))
        return found

    def expect_after(self, word: str, *also: str) -> None:
        """Take a keyword or sign; `also` names what else would have been valid here."""
        if not self.accept(word):
            raise self.failure(*(f"'{other}'" for other in also), f"'{word}'")

    def at_name(self, ahead: int = 0) -> bool:
        """Whether a token can be a name: an identifier, possibly with a leading digit, or an unreserved keyword."""
        token = self.peek(ahead) if ahead else self.token
        return token.kind in _NAMES or (token.kind is TokenKind.KEYWORD and token.value in NON_RESERVED)

    def expect_name(self) -> str:
        """Take a name: in upper case, or as written if quoted."""
        return self._expect_name_token().value

    def expect_verbatim_name(self) -> str:
        """Take a name exactly as written, as for topics and query ids."""
        token = self._expect_name_token()
        return token.value if token.kind is TokenKind.QUOTED_NAME else self.text_of(token)

    def expect_resource(self) -> str:
        """Take the name of an external resource (a topic, a subject): a string, or a name exactly as written."""
        return self.advance().value if self.token.kind is TokenKind.STRING else self.expect_verbatim_name()

    def expect_string(self) -> str:
        """Take a string."""
        if self.token.kind is not TokenKind.STRING:
            raise self.failure("STRING")
        return self.advance().value

    def _expect_name_token(self) -> Token:
        if not self.at_name():
            raise self._not_a_name()
        return self.advance()

    def comma_separated(self, item: Callable[[TokenCursor], T]) -> tuple[T, ...]:
        """One or more items, separated by commas."""
        items = [item(self)]
        while self.accept(","):
            items.append(item(self))
        return tuple(items)

    def bracketed(self, item: Callable[[TokenCursor], T]) -> tuple[T, ...]:
        """`(item, ...)` with one item or more."""
        self.expect("(")
        items = self.comma_separated(item)
        self.expect_after(")", ",")
        return items

    @contextmanager
    def nested(self) -> Iterator[None]:
        """Count one more open part while the block runs.

        Raises:
            ParseError: more than `MAX_OPEN` parts are open.
        """
        self._open += 1
        if self._open > MAX_OPEN:
            raise self.error(TOO_DEEP)
        yield
        # Not in a `finally`: an error ends the parse, so the count is not used again.
        self._open -= 1

    def error(self, message: str, at: Token | None = None) -> ParseError:
        """An error located at the next token, or at `at`."""
        token = at if at is not None else self.token
        where = self.source.location(token.start)
        near = token.value if token.kind is TokenKind.KEYWORD else ""
        return ParseError(message, line=where.line, column=where.column, near=near)

    def failure(self, *expecting: str) -> ParseError:
        """The error for a next token that is none of those expected; without arguments, it names none."""
        if self.token.kind is TokenKind.VARIABLE:
            return self._undefined_variable()
        listed = ", ".join(expecting)
        detail = f"Expecting {{{listed}}}" if len(expecting) > 1 else f"Expecting {listed}" if expecting else ""
        if not expecting:
            # In `FROM S ORDER BY K`, ORDER is parsed as an alias, and only BY is unexpected.
            before = self._tokens[self.index - 1].value if self.index and self.token.value == "BY" else ""
            hint = _HINTS.get(self.token.value) or _HINTS.get(before, "")
            detail = f"Unexpected '{self.text_of(self.token)}'{hint}"
        return self.error(f"Syntax Error\n{detail}")

    def _not_a_name(self) -> ParseError:
        token, text = self.token, self.text_of(self.token)
        if token.kind is TokenKind.KEYWORD:
            return self.error(
                f'Syntax Error\n"{text}" is a reserved keyword and it can\'t be used as an identifier. '
                f"You can use it as an identifier by escaping it as `{text}`"
            )
        return self.failure("IDENTIFIER")

    def _undefined_variable(self) -> ParseError:
        name = self.token.value[2:-1]
        problem = f"Variable '{name}' is not defined. Define it first: DEFINE {name} = '...';"
        if not self._has_variables:
            problem = f"Variable '{name}' is not replaced: ksql.variable.substitution.enable is false"
        return self.error(f"Syntax Error\n{problem}")


def _is_word(token: Token, word: str) -> bool:
    return token.value == word and token.kind in _WORDS
