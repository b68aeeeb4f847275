"""Reads cases from standard input, one JSON object per line, and writes their results."""

from __future__ import annotations

import sys

from bifrost.engine.testing.conformance import answer
from bifrost.engine.testing.conformance.exact_json import read_exact, write_exact


def main() -> None:
    """Writes and flushes one line per input line."""
    for line in sys.stdin:
        if line.strip():
            sys.stdout.write(write_exact(answer(read_exact(line))) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
