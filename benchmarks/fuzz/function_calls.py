"""Calls of every function with odd arguments, over records with odd values."""

from __future__ import annotations

import random
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.fuzz.corpus import Input
from benchmarks.fuzz.language import driver_with
from benchmarks.fuzz.trial import Finding, Fuzzer
from bifrost.engine.functions.library import Declaration
from bifrost.engine.functions.parameters import type_text
from bifrost.engine.functions.registry import default_registry

MEMORY_BYTES = 3 << 30
"""A call that needs more would kill a server."""
_ARGUMENTS: dict[str, tuple[str, ...]] = {
    "INT": ("A", "0", "1", "-1", "2147483647", "(-2147483648)", "1000000", "CAST(NULL AS INT)", "K->X"),
    "BIGINT": ("CAST(A AS BIGINT)", "0", "9223372036854775807", "(-9223372036854775808)", "253402300800000"),
    "DOUBLE": ("D", "0E0", "1E308", "(-1E308)", "0.1E0", "CAST('NaN' AS DOUBLE)", "CAST(NULL AS DOUBLE)"),
    "DECIMAL": ("C", "0.0", "99999999999999999999.99", "(-0.5)", "CAST(NULL AS DECIMAL(5,2))"),
    "STRING": (
        *("B", "''", "'😀é'", "'(a+)+$'", "'('", "'%'", "'{}'", "'$.a[0].b'", "'$..*'", "'utf8'", "'x'"),
        *("'yyyy-MM-dd'", "'Europe/London'", "'+25:00'", "'http://a:99999/?a=b&a'", "'''''yyyy'", "'\\'"),
        "CAST(NULL AS VARCHAR)",
    ),
    "BYTES": ("I", "TO_BYTES('', 'utf8')", "TO_BYTES('00ff80', 'hex')", "CAST(NULL AS BYTES)"),
    "BOOLEAN": ("A > 1", "TRUE", "CAST(NULL AS BOOLEAN)"),
    "TIMESTAMP": ("H", "FROM_UNIXTIME(0)", "FROM_UNIXTIME(9223372036854775807)", "CAST(NULL AS TIMESTAMP)"),
    "DATE": ("FROM_DAYS(0)", "FROM_DAYS(2147483647)", "FROM_DAYS(-2147483648)", "CAST(NULL AS DATE)"),
    "TIME": ("CAST('00:00:00' AS TIME)", "CAST('23:59:59.999' AS TIME)", "CAST(NULL AS TIME)"),
    "ARRAY": ("E", "ARRAY[1]", "ARRAY['a', NULL]", "ARRAY[E, E]", "ARRAY[G]", "CAST(NULL AS ARRAY<INT>)"),
    "MAP": ("F", "MAP('a' := 1)", "MAP('' := 'x')", "MAP('a' := E)", "CAST(NULL AS MAP<VARCHAR, INT>)"),
    "STRUCT": ("G", "STRUCT(a := 1)"),
    "(": ("X => X", "(X, Y) => X", "(X, Y) => Y", "X => X > 1", "(X, Y) => X + Y", "X => NULL"),
}
_INTERVAL = ("MILLISECONDS", "DAYS", "SECONDS")
_RECORDS = (
    b'{"A":2147483647,"B":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!","C":-999.99,"D":1e308,"E":[1,null],"F":{"a":null},'
    b'"G":{"X":1,"Y":"y"},"H":9223372036854775807,"I":"AP+A"}',
    b'{"A":-2147483648,"B":"","C":0.01,"D":-0.0,"E":[],"F":{},"G":{},"H":-62135596800001,"I":""}',
    b"{}",
)


@contextmanager
def functions() -> Iterator[Fuzzer]:
    """A call as a query over a stream: a row or an entry of the processing log, or an error of the statement."""
    registry = default_registry()
    declared = [registry.describe(name) for name in sorted(registry.names())]
    rows = {function.name for function in declared if function.kind == "SCALAR"}
    limits = resource.getrlimit(resource.RLIMIT_AS)
    mapped = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + MEMORY_BYTES, limits[1]))
    try:
        yield Fuzzer(
            lambda rng: _call(rng, rng.choice(declared)), lambda found: _run(found.given, is_row=found.target in rows)
        )
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


def _call(rng: random.Random, function: Declaration) -> Input:
    parameters = rng.choice([*function.overloads, *function.unlisted]).signature.parameters
    arguments = [_argument(rng, type_text(parameter.type)) for parameter in parameters]
    if rng.random() < 0.1:
        arguments.append(_argument(rng, ""))
    kind, group = ("TABLE", " GROUP BY K") if function.kind == "AGGREGATE" else ("STREAM", "")
    columns = f"K, {function.name}({', '.join(arguments)}) AS V"
    return Input(function.name, f"CREATE {kind} X AS SELECT {columns} FROM S{group};")  # noqa: S608


def _argument(rng: random.Random, kind: str) -> str:
    if "INTERVAL" in kind.upper():
        return rng.choice(_INTERVAL)
    found = next((values for name, values in _ARGUMENTS.items() if kind.upper().startswith(name)), None)
    if kind.upper().startswith("VARCHAR"):
        found = _ARGUMENTS["STRING"]
    if found is None or rng.random() < 0.1:
        found = rng.choice(list(_ARGUMENTS.values()))
    return rng.choice(found)


def _run(text: str, *, is_row: bool) -> None:
    driver = driver_with(text)
    for record in _RECORDS:
        driver.produce("s", b"k", record, 1000)
    entries = sum(len(query.problems) for query in driver.queries.values())
    if is_row and entries + len(driver.environment.topics["X"].records) < len(_RECORDS):
        raise Finding("a record without a row or an entry of the processing log")
