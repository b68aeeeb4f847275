"""Runs ksqlDB's published query tests against this engine.

`python -m bifrost.engine.testing.conformance` reads cases and writes results, one JSON object per line.

The project contains neither cases nor expectations.
"""

from bifrost.engine.testing.conformance.cases import answer

__all__ = ["answer"]
