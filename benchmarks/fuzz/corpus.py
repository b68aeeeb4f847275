"""Inputs in files: those that once ended in a finding, and some of every kind, one per line of `corpus/AREA.jsonl`."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "corpus"
_BYTES = "base64"


@dataclass(frozen=True, slots=True)
class Input:
    """One input: `target` names what takes it, `given` is text, bytes, or JSON with bytes in it."""

    target: str
    given: Any


def read_corpus(area: str) -> list[Input]:
    """The inputs of an area; none if it has no file."""
    path = FOLDER / f"{area}.jsonl"
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [from_line(line) for line in lines if line.strip()]


def as_line(found: Input) -> str:
    """An input as a line of a file: JSON, with bytes in base64."""
    return json.dumps({"target": found.target, "given": _encoded(found.given)})


def from_line(line: str) -> Input:
    """The input in a line of a file."""
    entry = json.loads(line)
    return Input(entry["target"], _decoded(entry["given"]))


def _encoded(value: Any) -> Any:
    match value:
        case bytes():
            return {_BYTES: base64.b64encode(value).decode()}
        case dict():
            return {key: _encoded(part) for key, part in value.items()}
        case list() | tuple():
            return [_encoded(part) for part in value]
        case _:
            return value


def _decoded(value: Any) -> Any:
    match value:
        case {"base64": str(text), **rest} if not rest:
            return base64.b64decode(text)
        case dict():
            return {key: _decoded(part) for key, part in value.items()}
        case list():
            return [_decoded(part) for part in value]
        case _:
            return value
