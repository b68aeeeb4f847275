"""A change to the declarations of a project copy, and what its plan must announce."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bifrost.settings import PROJECT

_QUERY_ID = re.compile(r"^(INSERTQUERY|C[ST]AS_\w+)_\d+$")
_LEFT_OUT = shutil.ignore_patterns(".git", ".*_cache", ".bifrost", "__pycache__", "tests", "docs", "benchmarks", ".env")


class ProjectCopy:
    """A copy of the project folder whose declarations may be changed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(PROJECT, root, ignore=_LEFT_OUT)

    def text(self, path: str, old: str, new: str) -> None:
        """Replace a text that occurs once in a file.

        Raises:
            ValueError: it occurs another number of times.
        """
        content = (self.root / path).read_text(encoding="utf-8")
        if content.count(old) != 1:
            raise ValueError(f"{path} holds {content.count(old)} times: {old}")
        (self.root / path).write_text(content.replace(old, new), encoding="utf-8")

    def append(self, path: str, text: str) -> None:
        """Add a text at the end of a file."""
        with (self.root / path).open("a", encoding="utf-8") as file:
            file.write(text)

    def json(self, path: str, *keys: str, value: Any) -> None:
        """Set a value of a JSON file, which is created if it is missing; `None` removes it."""
        file = self.root / path
        content = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        place = content
        for key in keys[:-1]:
            place = place[key]
        if value is None:
            del place[keys[-1]]
        else:
            place[keys[-1]] = value
        file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

    def read_json(self, path: str) -> Any:
        """The content of a JSON file."""
        return json.loads((self.root / path).read_text(encoding="utf-8"))

    def write_json(self, path: str, content: Any) -> None:
        """Write a JSON file."""
        (self.root / path).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

    def rename(self, old: str, new: str) -> None:
        """Rename a file."""
        (self.root / old).rename(self.root / new)

    def remove(self, path: str) -> None:
        """Delete a file or folder."""
        place = self.root / path
        shutil.rmtree(place) if place.is_dir() else place.unlink()


def without_number(name: str) -> str:
    """The id of a query without its number, which differs from server to server; other names as they are."""
    return _QUERY_ID.sub(r"\1", name)


@dataclass(frozen=True, slots=True)
class Change:
    """One change.

    `actions` is what the plan must hold beside `keep`: the kind of action by `resource name`, queries as
    `without_number` names them. `flags` are the words of `--allow` that its losses need. `touches` are further names
    that may change with it, such as the topic of a replaced statement. `options` are given to `plan` and `up`. A
    `refused` change is blocked: `up` must change nothing, and the edit is undone by `undo`.
    """

    title: str
    edit: Callable[[ProjectCopy], None]
    actions: Mapping[str, str]
    flags: frozenset[str] = frozenset()
    touches: frozenset[str] = frozenset()
    options: tuple[str, ...] = ()
    undo: Callable[[ProjectCopy], None] | None = None
