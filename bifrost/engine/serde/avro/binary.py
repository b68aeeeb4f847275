"""Avro's variable-length integers and the small conversions that generated readers and writers call."""

from __future__ import annotations

import re
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import NoReturn

from bifrost.engine.serde.errors import SerdeError

LONG_MIN, LONG_MAX = -(2**63), 2**63 - 1
_64_BITS = 2**64 - 1
_DECIMAL_TEXT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,9})?")
# So many bytes make at most 1927 digits, fewer than `_EXACT` holds.
_LONGEST_DECIMAL = 800
_EXACT = Context(prec=2000, traps=[Inexact, InvalidOperation])


def read_raw(data: bytes, at: int) -> tuple[int, int]:
    """Read a zig-zag number of two or more bytes; return it and the position after it.

    The sums include every byte's continuation bit; the constant at each return subtracts them all together.
    """
    total = data[at] + (data[at + 1] << 7)
    if total < 16384 + 128:
        return total - 128, at + 2
    total += data[at + 2] << 14
    if total < 2097152 + 16512:
        return total - 16512, at + 3
    total += data[at + 3] << 21
    if total < 268435456 + 2113664:
        return total - 2113664, at + 4
    total += data[at + 4] << 28
    if total < 34359738368 + 270549120:
        return total - 270549120, at + 5
    # Epoch milliseconds of this century take six bytes.
    total += data[at + 5] << 35
    if total < 4398046511104 + 34630287488:
        return total - 34630287488, at + 6
    return _read_large(data, at + 6, total - 4432676798592)


def _read_large(data: bytes, at: int, total: int) -> tuple[int, int]:
    """Read the rest of a number whose first six bytes add up to `total`.

    As in Avro for Java, bits of the tenth byte beyond the 64th are ignored.
    """
    shift = 42
    while True:
        byte = data[at]
        at += 1
        if byte < 128:
            return (total + (byte << shift)) & _64_BITS, at
        total += (byte - 128) << shift
        shift += 7
        if shift > 63:
            raise SerdeError("Not Avro: a number of more than 64 bits")


def read_raw_int(data: bytes, at: int) -> tuple[int, int]:
    """Read the zig-zag number of an `int` of two or more bytes; return it and the position after it."""
    raw, at = read_raw(data, at)
    if raw >> 32:
        raise SerdeError("Not Avro: an int of more than 32 bits")
    return raw, at


def read_size(data: bytes, at: int) -> tuple[int, int]:
    """Read a length that needs the slow path; return it and the position after it."""
    raw, at = read_raw(data, at) if data[at] > 127 else (data[at], at + 1)
    if raw & 1:
        raise SerdeError("Not Avro: a negative length")
    return raw >> 1, at


def bad_branch(index: int) -> NoReturn:
    """Raise the error for an unknown branch of a union."""
    raise SerdeError(f"Not written with the schema it names: a union has no branch {(index >> 1) ^ -(index & 1)}")


def bad_count() -> NoReturn:
    """Raise the error for an impossible count of a block."""
    raise SerdeError("Not written with the schema it names: a block claims more items than the payload has bytes")


def encode_long(value: int) -> bytes:
    """Encode a 64-bit number as Avro does."""
    if not LONG_MIN <= value <= LONG_MAX:
        raise SerdeError(f"{value} does not fit 64 bits")
    raw = (value << 1) ^ (value >> 63)
    out = bytearray()
    while raw > 127:
        out.append(raw & 127 | 128)
        raw >>= 7
    out.append(raw)
    return bytes(out)


# Numbers in this range take five or six bytes.
_SIX_BYTES_FROM, _SIX_BYTES_BELOW = 2**27, 2**41


class LongTable(dict[int, bytes]):
    """Cache of encoded numbers: small ones are precomputed, others are assembled from precomputed parts.

    Each starts with `prefix` (the branch of a nullable union).
    """

    def __init__(self, prefix: bytes = b"") -> None:
        super().__init__((value, prefix + encode_long(value)) for value in range(-4096, 4096))
        self.prefix = prefix

    def __missing__(self, value: int) -> bytes:
        # Nothing is stored here: timestamps and counters would fill the table without end.
        if _SIX_BYTES_FROM <= value < _SIX_BYTES_BELOW:
            raw = value << 1
            return self.prefix + FIRST_BYTES[raw & 16383] + FIRST_BYTES[raw >> 14 & 16383] + LAST_BYTES[raw >> 28]
        if not LONG_MIN <= value <= LONG_MAX:
            raise SerdeError(f"{value} does not fit 64 bits")
        raw = (value << 1) ^ (value >> 63)
        out = self.prefix
        while raw > 16383:
            out += FIRST_BYTES[raw & 16383]
            raw >>= 14
        return out + LAST_BYTES[raw]


FIRST_BYTES = [bytes((low | 128, high | 128)) for high in range(128) for low in range(128)]
"""Two bytes that others follow, by the 14 bits that they hold, the lowest of a zig-zag number."""
LAST_BYTES = [bytes((low | 128, high)) if high else bytes((low,)) for high in range(128) for low in range(128)]
"""The last one or two bytes of a number, by the bits that they hold."""
LONGS = LongTable()
OPTIONAL_LONGS = LongTable(b"\x02")
OPTIONAL_FIRST_BYTES = [OPTIONAL_LONGS.prefix + part for part in FIRST_BYTES]
OPTIONAL_LAST_BYTES = [OPTIONAL_LONGS.prefix + part for part in LAST_BYTES]


def to_decimal(data: bytes, scale: int) -> Decimal:
    """Decode a decimal from its unscaled value, big-endian two's complement.

    Raises:
        SerdeError: it has more bytes than any DECIMAL.
    """
    if len(data) > _LONGEST_DECIMAL:
        raise SerdeError(f"A decimal of {len(data)} bytes")
    return Decimal(int.from_bytes(data, "big", signed=True)).scaleb(-scale, _EXACT)


def unscaled_bytes(value: Decimal, precision: int, scale: int) -> bytes:
    """Encode a decimal's unscaled value in the fewest bytes, as Java's BigInteger does."""
    unscaled = int(fit_decimal(value, precision, scale).scaleb(scale, _EXACT))
    # One bit more than the number has, for the sign, rounded up to bytes.
    size = ((unscaled if unscaled >= 0 else ~unscaled).bit_length() // 8) + 1
    return unscaled.to_bytes(size, "big", signed=True)


def parse_decimal(text: str) -> Decimal | None:
    """Parse a number as Java's BigDecimal does, else return None. Python also accepts blanks, underscores and NaN."""
    return Decimal(text) if _DECIMAL_TEXT.fullmatch(text) else None


def fit_decimal(value: Decimal, precision: int, scale: int) -> Decimal:
    """Return the same number with that scale.

    Raises:
        SerdeError: the number would lose digits.
    """
    try:
        fitted = value.quantize(Decimal((0, (1,), -scale)), context=_EXACT)
    except (Inexact, InvalidOperation):
        raise SerdeError(f"Cannot fit decimal '{value}' into DECIMAL({precision}, {scale}) without rounding.") from None
    if len(fitted.as_tuple().digits) - max(scale, 0) > precision - scale:
        raise SerdeError(f"Cannot fit decimal '{value}' into DECIMAL({precision}, {scale}) as it does not fit")
    return fitted
