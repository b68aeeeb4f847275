"""COUNT_DISTINCT by HyperLogLog.

4096 registers give a standard error of 1.6 %; small numbers of values are counted almost exactly. A state is a map of
the registers that are set as long as there are few, then the bytes of all registers.
"""

from __future__ import annotations

import math
from hashlib import blake2b

from bifrost.engine.functions.library import AggregateContext, Aggregator, Library
from bifrost.sql.types import INTEGER, SqlArray, SqlValue

LIBRARY = Library("AGGREGATE")

_INDEX_BITS = 12
_REGISTERS = 1 << _INDEX_BITS
_RANK_BITS = 64 - _INDEX_BITS
_SPARSE_LIMIT = 400
# HyperLogLog's correction for 128 or more registers.
_ALPHA = 0.7213 / (1 + 1.079 / _REGISTERS)

Sketch = dict[int, int] | bytes


@LIBRARY.aggregate(
    "COUNT_DISTINCT",
    "val T -> BIGINT",
    description="Estimates how many distinct values each key has.",
    state=lambda types: SqlArray(INTEGER),
)
def count_distinct(context: AggregateContext) -> Aggregator:
    """Estimate the number of distinct values; nulls do not count."""
    return Aggregator(dict, add, estimate, None, merge)


def add(state: Sketch, value: SqlValue) -> Sketch:
    """Return the sketch with the value added."""
    if value is None:
        return state
    # Not `hash`: states are restored in other processes, where it gives other numbers for texts.
    hashed = int.from_bytes(blake2b(repr(value).encode(), digest_size=8).digest(), "big")
    # The first bits select the register, the number of zeros after them is the rank.
    index = hashed >> _RANK_BITS
    rank = _RANK_BITS - (hashed & (1 << _RANK_BITS) - 1).bit_length() + 1
    if isinstance(state, dict):
        if state.get(index, 0) >= rank:
            return state
        return _compact({**state, index: rank})
    if state[index] >= rank:
        return state
    registers = bytearray(state)
    registers[index] = rank
    return bytes(registers)


def merge(first: Sketch, second: Sketch) -> Sketch:
    """Return the sketch of both sets of values."""
    if isinstance(first, dict) and isinstance(second, dict):
        return _compact({index: max(first.get(index, 0), second.get(index, 0)) for index in first | second})
    return bytes(map(max, _dense(first), _dense(second)))


def estimate(state: Sketch) -> int:
    """Estimate how many distinct values were added."""
    ranks = state.values() if isinstance(state, dict) else [rank for rank in state if rank]
    empty = _REGISTERS - len(ranks)
    raw = _ALPHA * _REGISTERS * _REGISTERS / (empty + math.fsum(2.0**-rank for rank in ranks))
    # With few values the number of empty registers is the better estimate (linear counting).
    if raw <= 2.5 * _REGISTERS and empty:
        return round(_REGISTERS * math.log(_REGISTERS / empty))
    return round(raw)


def _compact(registers: dict[int, int]) -> Sketch:
    return registers if len(registers) <= _SPARSE_LIMIT else _dense(registers)


def _dense(state: Sketch) -> bytes:
    if isinstance(state, bytes):
        return state
    registers = bytearray(_REGISTERS)
    for index, rank in state.items():
        registers[index] = rank
    return bytes(registers)
