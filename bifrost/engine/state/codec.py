"""The exact encoding of rows, keys and aggregate states in changelog and repartition records.

Every runtime value is decoded to an equal value of the same type: decimals keep their scale, tuples stay tuples,
integers have no limit, texts may have lone surrogates.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgpack

from bifrost.engine.state.frozen import FrozenDict, FrozenList, freeze, thaw
from bifrost.errors import StateError
from bifrost.sql.types import SqlValue

_DECIMAL, _INTEGER, _TUPLE, _FROZEN = 1, 2, 3, 4
_PACKING: dict[str, Any] = {"use_bin_type": True, "strict_types": True, "unicode_errors": "surrogatepass"}


def _extension(value: object) -> msgpack.ExtType:
    match value:
        # Before `tuple`, the base class of both: a frozen map that came back as a plain tuple would equal no key.
        case FrozenList() | FrozenDict():
            return msgpack.ExtType(_FROZEN, _packed(thaw(value)))
        case tuple():
            return msgpack.ExtType(_TUPLE, _packed(list(value)))
        case Decimal():
            return msgpack.ExtType(_DECIMAL, str(value).encode())
        # The packer itself takes integers of up to 64 bits; only larger ones arrive here.
        case int():
            return msgpack.ExtType(_INTEGER, str(value).encode())
        case _:
            raise StateError(f"a value of type {type(value).__name__} cannot be stored: {value!r}")


def _packed(value: object) -> bytes:
    return bytes(msgpack.packb(value, default=_extension, **_PACKING))


def _restored(code: int, data: bytes) -> object:
    match code:
        case 1:
            return Decimal(data.decode())
        case 2:
            return int(data)
        case 3:
            return tuple(decode(data))
        case 4:
            return freeze(decode(data))
        case _:
            raise StateError(
                f"stored value of unknown kind {code}; if no newer version wrote it, delete the query's internal "
                "topics to rebuild its state"
            )


def encoder() -> Callable[[SqlValue], bytes]:
    """Returns a function that encodes a value. It reuses a buffer, so only one thread at a time may call it."""
    pack: Callable[[Any], bytes] = msgpack.Packer(default=_extension, **_PACKING).pack
    return pack


def decode(data: bytes) -> SqlValue:
    """Decodes a value.

    Raises:
        StateError: the bytes are not of this codec.
    """
    try:
        return msgpack.unpackb(data, ext_hook=_restored, strict_map_key=False, unicode_errors="surrogatepass")
    except (ValueError, msgpack.UnpackException) as error:
        raise StateError(
            f"stored bytes cannot be read ({error}); delete the query's internal topics to rebuild its state"
        ) from error
