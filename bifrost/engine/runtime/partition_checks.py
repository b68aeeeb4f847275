"""Refuses partition counts that a query cannot work with, as Kafka Streams does.

A source topic may get more partitions. Its keys are then in other partitions than before. A query without state and
without repartition topics does not depend on that, and reads the new partitions. For others, the rows of a key would
meet neither their state nor their partners.
"""

from __future__ import annotations

from collections.abc import Mapping

from bifrost.engine.runtime.job import QueryJob
from bifrost.errors import Refused

_ADVICE = (
    "a topic that gets more partitions has its keys in other partitions than before; drop the query's stream or table "
    "and create it again, so that it reads its sources from their beginning"
)


def check_count(job: QueryJob, topic: str, expected: int, known: Mapping[str, int]) -> None:
    """Checks the partition count of an internal topic, if it exists; `known` are the counts of the topics that do.

    Raises:
        Refused: it has another count than its source topics lead to.
    """
    actual = known.get(topic, expected)
    if actual == expected:
        return
    grown = sorted(
        entry.topic for entry in job.query.inputs if entry.role != "repartition" and known.get(entry.topic) == expected
    )
    sources = f" since source topic {', '.join(grown)} has {expected} partitions" if grown else ""
    problem = f"existing internal topic {topic} has invalid partitions: expected: {expected}{sources}; actual: {actual}"
    raise _refused(job, problem)


def check_co_partitioned(job: QueryJob, counts: Mapping[str, int]) -> None:
    """Checks that source topics whose rows meet without a repartition have equal partition counts.

    Raises:
        Refused: they have not.
    """
    groups: dict[int, dict[str, int]] = {}
    for entry in job.query.inputs:
        if entry.role != "repartition":
            groups.setdefault(entry.subtopology, {})[entry.topic] = counts[entry.topic]
    for group in groups.values():
        if len(set(group.values())) > 1:
            text = ", ".join(f"{topic} has {count} partitions" for topic, count in sorted(group.items()))
            raise _refused(job, f"topics not co-partitioned: {text}")


def _refused(job: QueryJob, problem: str) -> Refused:
    return Refused("Kafka", f"run query {job.name}", status=0, body=f"{problem}: {_ADVICE}")
