"""An engine over a cluster in memory, and one query of it by itself."""

import json
from collections.abc import Mapping

from bifrost.engine.engine import KsqlEngine
from bifrost.engine.functions.registry import default_registry
from bifrost.engine.queries.inserts import InsertWriter
from bifrost.engine.queries.launcher import Launcher
from bifrost.engine.queries.persistent_runner import QueryHosts
from bifrost.engine.runtime.commands import CommandTopic
from bifrost.engine.runtime.environment import LiveEnvironment
from bifrost.engine.runtime.insert_producer import InsertProducer
from bifrost.engine.runtime.job import TaskShare
from bifrost.engine.runtime.processing_log import LogTopic, ProcessingLog
from bifrost.engine.runtime.shared_scan import SharedScan
from bifrost.engine.serde import InMemoryRegistry, RegistryUnavailable, Serdes
from bifrost.engine.statements.client_session import ClientSession
from bifrost.engine.statements.engine_state import EngineParts
from tests.engine.runtime.memory_cluster import MemoryCluster

NOW_MS = 1_700_000_000_000
EARLIEST = {"auto.offset.reset": "earliest"}


class FlakyRegistry(InMemoryRegistry):
    """A registry that may be down, and forgets subjects on demand."""

    def __init__(self):
        super().__init__()
        self.down = False
        self.requests = 0

    def by_id(self, schema_id):
        self.requests += 1
        if self.down:
            raise RegistryUnavailable("Schema Registry: no answer")
        return super().by_id(schema_id)

    def register(self, subject, schema_type, text, references=()):
        if self.down:
            raise RegistryUnavailable("Schema Registry: no answer")
        return super().register(subject, schema_type, text, references)

    def delete(self, subject):
        self.subjects.pop(subject, None)


class World:
    """A cluster, a registry, and engines on them: the second is what a restart makes of the first."""

    def __init__(self, state=None):
        self.state = state
        self.cluster = MemoryCluster()
        self.registry = FlakyRegistry()
        self.connect = None
        self.engines = []

    def engine(self, *, share: TaskShare | None = None, **properties) -> KsqlEngine:
        launcher = self.launcher(share, self.hosts())
        parts = EngineParts(
            environment=LiveEnvironment(self.cluster, self.registry),
            functions=launcher.functions,
            launcher=launcher,
            commands=CommandTopic(self.cluster, "test_"),
            inserts=InsertWriter(InsertProducer(self.cluster), launcher.serdes, lambda: NOW_MS),
            connect=self.connect,
            properties={"commit.interval.ms": "0", **properties},
        )
        engine = KsqlEngine(parts)
        engine.start()
        self.engines.append(engine)
        return engine

    def launcher(self, share: TaskShare | None = None, hosts: QueryHosts | None = None) -> Launcher:
        log = ProcessingLog("test_", LogTopic(self.cluster), lambda: NOW_MS)
        serdes, functions = Serdes(self.registry), default_registry()
        scan = SharedScan(self.cluster, "_confluent-ksql-test_scan")
        return Launcher(self.cluster, serdes, functions, log, "test_", lambda: NOW_MS, share, hosts, self.state, scan)

    def hosts(self) -> QueryHosts | None:
        """The worker processes of the next engine; None: it runs its queries in its own process."""
        return None

    def close(self):
        for engine in self.engines:
            engine.close()

    def topic(self, name: str, partitions: int = 1) -> None:
        self.cluster.create_topic(name, partitions, {})

    def send(self, topic: str, value: object, key: str | None = None, timestamp: int = 0) -> None:
        data = None if value is None else value if isinstance(value, bytes) else json.dumps(value).encode()
        self.cluster.write(topic, data, None if key is None else key.encode(), timestamp=timestamp)

    def values(self, topic: str) -> list[object]:
        if topic not in self.cluster.admin.topics_by_name:
            return []
        return [None if value is None else json.loads(value) for value in self.cluster.values(topic)]

    def committed(self, query: str, topic: str, partition: int = 0) -> int | None:
        """The committed offset of a query."""
        return self.cluster.admin.groups.get(f"_confluent-ksql-test_query_{query}", {}).get((topic, partition))

    def wait_for(self, topic: str, expected: list[object]) -> None:
        """Waits until a topic holds exactly these JSON values."""
        try:
            self.cluster.wait_for(lambda: self.values(topic) == expected)
        except AssertionError:
            assert self.values(topic) == expected
            raise


def execute(engine: KsqlEngine, text: str, properties: Mapping[str, str] = EARLIEST) -> list:
    return engine.execute(text, ClientSession.of(properties, {}))
