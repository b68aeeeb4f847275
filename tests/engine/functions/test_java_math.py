"""Functions of numbers against java.lang.Math; java/MathTable.java writes the table."""

import math
import struct
from pathlib import Path

from bifrost.engine.functions.registry import default_registry
from bifrost.sql.types import DOUBLE

TABLE = Path(__file__).parent / "java" / "math.tsv"
NEARLY = {"sin", "cos", "tan", "cot", "power"}
"""Java computes them with instructions of the processor: one result in a thousand differs in its last digit."""


def is_same(given: float, expected: float, name: str) -> bool:
    if math.isnan(expected):
        return math.isnan(given)
    if struct.pack("d", given) == struct.pack("d", expected):
        return True
    return name in NEARLY and abs(given - expected) <= math.ulp(expected)


def test_numbers_have_javas_last_digit():
    functions = default_registry()
    differences = []
    for line in TABLE.read_text().splitlines():
        name, *numbers = line.split("\t")
        *arguments, expected = map(float.fromhex, numbers)
        given = functions.scalar(name.upper(), [DOUBLE] * len(arguments)).function(*arguments)
        if not is_same(given, expected, name):
            differences.append((name, arguments, expected, given))
    assert differences == []
