import httpx
import pytest

from bifrost.server.app import ServerIdentity, create_app, quick_lookups
from tests.engine.runtime.engines import World
from tests.server.serving import served

IDENTITY = ServerIdentity("test_", "cluster-1", "127.0.0.1:8088")


class Api:
    """A client of the REST API of an engine over a cluster in memory."""

    def __init__(self, world, engine, client):
        self.world = world
        self.engine = engine
        self.http = client

    def post(self, path, body, accept="application/vnd.ksql.v1+json"):
        return self.http.post(path, json=body, headers={"Accept": accept})

    def ksql(self, text, *, variables=None, properties=None):
        body = {"ksql": text, "streamsProperties": properties or {"auto.offset.reset": "earliest"}}
        return self.post("/ksql", {**body, **({"sessionVariables": variables} if variables else {})})

    def run(self, text):
        """Statements that must be accepted; gives their entities."""
        answer = self.ksql(text)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, text):
        """A statement that must be refused; gives the error."""
        answer = self.ksql(text)
        assert answer.status_code >= 400, answer.text
        return answer.json()

    def query(self, text, path="/query", accept="application/vnd.ksql.v1+json", properties=None):
        names = ("ksql", "streamsProperties") if path == "/query" else ("sql", "properties")
        return self.post(
            path, dict(zip(names, (text, properties or {"auto.offset.reset": "earliest"}), strict=True)), accept
        )


@pytest.fixture
def world():
    made = World()
    yield made
    made.close()


@pytest.fixture
def api(world):
    engine = world.engine()
    # Without `verify=False`, each client would load all authorities, which takes longer than most tests.
    with (
        served(create_app(engine, IDENTITY), quick_lookups(engine)) as url,
        httpx.Client(base_url=url, verify=False, timeout=10) as client,
    ):
        yield Api(world, engine, client)


ORDERS = (
    "CREATE STREAM ORDERS (ID VARCHAR KEY, AMOUNT DOUBLE, PRICE DECIMAL(10,2), TS TIMESTAMP, TAGS ARRAY<VARCHAR>) "
    "WITH (KAFKA_TOPIC='orders', PARTITIONS=1, VALUE_FORMAT='JSON');"
)


@pytest.fixture
def orders(api):
    """The API with a stream of two orders and a table of counts."""
    api.run(ORDERS + "CREATE TABLE STATS AS SELECT ID, COUNT(*) AS N FROM ORDERS GROUP BY ID EMIT CHANGES;")
    for key, amount in (("o1", 1.5), ("o2", 20.0)):
        value = {"AMOUNT": amount, "PRICE": 12.5, "TS": 1000, "TAGS": ["a"]}
        api.world.send("orders", value, key, timestamp=1000)
    api.world.cluster.wait_for(lambda: len(api.world.values("STATS")) == 2)
    return api
