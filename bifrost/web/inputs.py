"""Reads what requests carry, within bounds: no request may fill the memory or become a number that nothing can hold."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request

MAX_BODY_BYTES = 1024 * 1024
MAX_INTEGER = 10**18 - 1
"""Fits into 64 bits, as databases and Kafka have them."""


async def read_body(request: Request, max_bytes: int = MAX_BODY_BYTES) -> bytes:
    """Read the body of a request, of which no more than the limit is ever held.

    Raises:
        HTTPException: status 413, the body is larger than `max_bytes`.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise HTTPException(413, f"the body is larger than {max_bytes} bytes")
    return bytes(body)


def whole_number(text: str, minimum: int, maximum: int = MAX_INTEGER) -> int | None:
    """Parse ASCII digits as a number; `None` if the text is anything else or the number is out of bounds."""
    # `str.isdigit` also accepts digits that `int` does not, such as superscripts.
    if not text.isascii() or not text.isdigit() or len(text) > len(str(maximum)):
        return None
    number = int(text)
    return number if minimum <= number <= maximum else None
