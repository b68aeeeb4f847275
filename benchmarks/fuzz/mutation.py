"""Damages samples: seeded, so that a seed repeats a run."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

TEXTS = (
    "",
    " ",
    "\0",
    "\ufeff",
    "\u2028",
    "²",
    "٣",
    "é",
    "😀",
    "\ud800",
    "'",
    '"',
    "`",
    "\\",
    "\\u0000",
    "${x}",
    "%00",
    "{}",
    "[]",
    "null",
    "true",
    "NaN",
    "Infinity",
    "-0",
    "1e400",
    "1e999999999",
    "9" * 20,
    "9" * 5000,
    "-1",
    "0x1",
    "1_0",
    "2100",
    "-9223372036854775809",
    "2147483648",
    "(",
    ")",
    ";",
    "--",
    "/*",
    "*/",
    "\r\n",
    "\n",
    "\t",
    ",",
    ",,",
    '""',
    "=",
    "#",
    "[" * 2000,
    '{"a":' * 600,
    "a" * 70_000,
    "A.B",
    "$c",
    "__proto__",
    "../..",
    "://",
    "http://[",
    "\x1b[31m",
    "\x85",
)
"""Texts that programs stumble over."""

BYTES = (
    b"",
    b"\0",
    b"\xff",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\x80",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\r\n",
    b"\xff" * 8,
    b"\0" * 8,
    b"\x7f\xff\xff\xff",
    b"\x80\0\0\0",
    b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\xff" * 300,
    *(text.encode("utf-8", "surrogatepass") for text in TEXTS),
)


def damaged(rng: random.Random, data: bytes) -> bytes:
    """Return the data with one to four changes: bits, cuts, repetitions, and bytes that programs stumble over."""
    for _ in range(rng.choice(_COUNTS)):
        data = rng.choice(_CHANGES)(rng, data)
    return data


def damaged_text(rng: random.Random, text: str, words: Sequence[str] = TEXTS) -> str:
    """Return the text with one to four words or characters replaced, removed, moved or inserted."""
    for _ in range(rng.choice(_COUNTS)):
        start = rng.randint(0, len(text))
        end = min(len(text), start + rng.choice((0, 0, 1, 1, 2, 5, 20)))
        text = text[:start] + rng.choice((*words, "", "")) + text[end:]
    return text


def damaged_value(rng: random.Random, value: object, depth: int = 0) -> object:
    """Return a JSON value with a part replaced by one of another type, size or name."""
    if depth < 4 and isinstance(value, dict) and value and rng.random() < 0.9:
        name = rng.choice(sorted(value))
        match rng.randint(0, 5):
            case 0:
                return {key: part for key, part in value.items() if key != name}
            case 1:
                return {**value, rng.choice(TEXTS): rng.choice(_VALUES)}
            case _:
                return {**value, name: damaged_value(rng, value[name], depth + 1)}
    if depth < 4 and isinstance(value, list) and value and rng.random() < 0.8:
        at = rng.randrange(len(value))
        return [*value[:at], damaged_value(rng, value[at], depth + 1), *value[at + 1 :]]
    if isinstance(value, str) and rng.random() < 0.5:
        return damaged_text(rng, value)
    return rng.choice(_VALUES)


_COUNTS = (1, 1, 1, 2, 4)


def _flip(rng: random.Random, data: bytes) -> bytes:
    if not data:
        return bytes([rng.randrange(256)])
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]


def _cut(rng: random.Random, data: bytes) -> bytes:
    return data[: rng.randint(0, len(data))]


def _remove(rng: random.Random, data: bytes) -> bytes:
    start = rng.randint(0, len(data))
    return data[:start] + data[start + rng.choice((1, 2, 4, 16)) :]


def _insert(rng: random.Random, data: bytes) -> bytes:
    at = rng.randint(0, len(data))
    return data[:at] + rng.choice(BYTES) + data[at + rng.choice((0, 0, 1, 4)) :]


def _repeat(rng: random.Random, data: bytes) -> bytes:
    start = rng.randint(0, len(data))
    part = data[start : start + rng.choice((1, 4, 32))]
    return data[:start] + part * rng.choice((2, 3, 50)) + data[start:]


def _random(rng: random.Random, data: bytes) -> bytes:
    at = rng.randint(0, len(data))
    return data[:at] + rng.randbytes(rng.choice((1, 4, 16))) + data[at:]


_CHANGES: tuple[Callable[[random.Random, bytes], bytes], ...] = (_flip, _flip, _cut, _remove, _insert, _repeat, _random)
_VALUES: tuple[object, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1.5,
    2**31,
    2**63,
    2**64,
    -(2**63) - 1,
    10**400,
    1e308,
    float("nan"),
    float("inf"),
    [],
    [[]],
    {},
    {"": None},
    [None] * 50,
    {"a": {"a": {"a": []}}},
    *TEXTS,
)
