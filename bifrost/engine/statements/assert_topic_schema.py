"""ASSERT TOPIC and ASSERT SCHEMA: wait until a topic or schema exists, or no longer exists."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from bifrost.engine.runtime.environment import LiveEnvironment
from bifrost.engine.serde import RegisteredSchema, SerdeError
from bifrost.engine.statements.results import AssertionResult
from bifrost.errors import AssertionMissed
from bifrost.sql.tree import AssertSchema, AssertTopic, Duration, Literal

_DEFAULT_MS = 1000
_POLL_S = 0.1

Mismatch = str | None


class AssertStatements:
    """Checks the cluster and the registry until an assertion holds or its timeout expires."""

    def __init__(self, environment: LiveEnvironment, properties: Mapping[str, str]) -> None:
        self._environment = environment
        self._properties = properties
        self._pause = threading.Event()

    def topic(self, text: str, tree: AssertTopic) -> AssertionResult:
        """ASSERT [NOT EXISTS] TOPIC.

        Raises:
            AssertionMissed: the assertion did not hold before the timeout.
            Unreachable: the broker is unavailable.
        """
        self._wait(self._timeout_ms("topic", tree.timeout), lambda: self._topic_mismatch(tree), text)
        return AssertionResult(text, {"topicName": tree.topic, "exists": tree.exists}, "assert_topic")

    def schema(self, text: str, tree: AssertSchema) -> AssertionResult:
        """ASSERT [NOT EXISTS] SCHEMA.

        Raises:
            AssertionMissed: the assertion did not hold before the timeout.
            RegistryUnavailable: the registry is unavailable.
        """
        self._wait(self._timeout_ms("schema", tree.timeout), lambda: self._schema_mismatch(tree), text)
        return AssertionResult(text, {"subject": tree.subject, "id": tree.id, "exists": tree.exists}, "assert_schema")

    def _timeout_ms(self, kind: str, timeout: Duration | None) -> int:
        if timeout is not None:
            return timeout.milliseconds
        return int(self._properties.get(f"ksql.assert.{kind}.default.timeout.ms", _DEFAULT_MS))

    def _wait(self, timeout_ms: int, mismatch: Callable[[], Mismatch], text: str) -> None:
        deadline = time.monotonic() + timeout_ms / 1000
        while (found := mismatch()) is not None:
            if time.monotonic() >= deadline:
                raise AssertionMissed(found, text)
            self._pause.wait(_POLL_S)

    def _topic_mismatch(self, tree: AssertTopic) -> Mismatch:
        found = self._environment.topic(tree.topic)
        if not tree.exists:
            return None if found is None else f"Topic {tree.topic} exists"
        if found is None:
            return f"Topic {tree.topic} does not exist"
        counts = {"PARTITIONS": found.partitions, "REPLICAS": found.replicas}
        wrong = [
            f"For config {name}, expected {_number(wanted)} got {counts[name]}"
            for name, wanted in tree.properties.items()
            if name in counts and _number(wanted) != counts[name]
        ]
        wrong += [f"Cannot assert unknown topic property: {name}" for name in tree.properties if name not in counts]
        return f"Mismatched configuration for topic {tree.topic}: {', '.join(wrong)}" if wrong else None

    def _schema_mismatch(self, tree: AssertSchema) -> Mismatch:
        exists = self._schema_exists(tree)
        if exists is tree.exists:
            return None
        named = [f"subject name {tree.subject}"] if tree.subject is not None else []
        named += [f"id {tree.id}"] if tree.id is not None else []
        return f"Schema with {' and '.join(named)} {'exists' if exists else 'does not exist'}"

    def _schema_exists(self, tree: AssertSchema) -> bool:
        registry = self._environment.registry
        by_id = _by_id(registry.by_id, tree.id) if tree.id is not None else None
        latest = registry.latest(tree.subject) if tree.subject is not None else None
        if tree.subject is None:
            return by_id is not None
        if tree.id is None:
            return latest is not None
        return latest is not None and by_id is not None and latest.id == by_id.id


def _by_id(find: Callable[[int], RegisteredSchema], schema_id: int) -> RegisteredSchema | None:
    try:
        return find(schema_id)
    except SerdeError:
        return None


def _number(literal: Literal) -> int:
    return int(getattr(literal, "value", -1))
