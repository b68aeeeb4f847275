"""Finds declared things by the name that a person types."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from fnmatch import fnmatchcase

import typer

from bifrost.deployer.plan.dependencies import Thing


def find_things(text: str, known: Iterable[Thing]) -> tuple[Thing, ...]:
    """The things of a name, or of `KIND:NAME`; case does not matter, and `*` and `?` stand for any characters.

    Raises:
        typer.BadParameter: none has that name; the message suggests similar ones.
    """
    things = tuple(known)
    kind, sign, name = text.partition(":")
    if sign:
        found = [thing for thing in things if thing.kind.value == kind.lower() and _fits(thing.name, name)]
    else:
        found = []
    found = found or [thing for thing in things if _fits(thing.name, text)]
    if not found:
        names = {thing.name.lower(): thing.name for thing in things}
        similar = [names[match] for match in get_close_matches((name or text).lower(), names)]
        hint = f"; did you mean {' or '.join(similar)}?" if similar else "; `graph` lists all names"
        raise typer.BadParameter(f"nothing that is declared is named {text!r}{hint}")
    return tuple(found)


def _fits(name: str, pattern: str) -> bool:
    return fnmatchcase(name.lower(), pattern.lower())
