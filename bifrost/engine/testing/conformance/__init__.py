"""ksqlDB's published query tests against this engine.

`python -m bifrost.engine.testing.conformance` answers them line by line.

Neither cases nor expectations are part of this project.
"""

from bifrost.engine.testing.conformance.cases import answer

__all__ = ["answer"]
