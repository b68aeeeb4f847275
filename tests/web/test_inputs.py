"""Bodies and numbers of requests are read within bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

from bifrost.web.inputs import MAX_INTEGER, read_body, whole_number


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("7", 7), ("007", 7), (str(MAX_INTEGER), MAX_INTEGER)])
def test_digits_are_a_number(text: str, number: int):
    assert whole_number(text, 0) == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-1",
        "+1",
        "1.0",
        "1e3",
        "0x1",
        "1_0",
        " 1",
        "1 ",
        "²",
        "٣",
        "１",
        "\0",
        "x",
        str(MAX_INTEGER + 1),
        "9" * 10_000,
    ],
)
def test_everything_else_is_none(text: str):
    assert whole_number(text, 0) is None


def test_a_number_out_of_bounds_is_none():
    assert [whole_number(text, 1, 100) for text in ("0", "1", "100", "101")] == [None, 1, 100, None]


def body_of(chunks: list[bytes], limit: int) -> bytes:
    def messages() -> Iterator[Message]:
        for chunk in chunks:
            yield {"type": "http.request", "body": chunk, "more_body": True}
        yield {"type": "http.request", "body": b"", "more_body": False}

    incoming = messages()

    async def receive() -> Message:
        return next(incoming)

    return asyncio.run(read_body(Request({"type": "http", "method": "POST", "headers": []}, receive), limit))


def test_a_body_up_to_the_limit_is_read():
    assert body_of([b"ab", b"", b"cd"], 4) == b"abcd"


def test_a_larger_body_is_refused_before_all_of_it_has_come():
    endless = [b"x" * 1000] * 1000
    with pytest.raises(HTTPException) as refused:
        body_of(endless, 1500)
    assert (refused.value.status_code, refused.value.detail) == (413, "the body is larger than 1500 bytes")
