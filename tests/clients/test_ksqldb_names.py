"""The names that a ksqlDB server has."""

from bifrost.clients.http import Connection
from bifrost.clients.ksqldb import KsqlClient
from bifrost.clients.ksqldb_names import NameKind, live_names
from tests.server.conftest import ORDERS, api, world

__all__ = ["api", "world"]


def test_sources_come_with_their_columns_and_the_rest_with_its_kind(api):
    api.run(ORDERS)
    api.run("CREATE TYPE MONEY AS DECIMAL(10,2); CREATE STREAM COPY AS SELECT ID, AMOUNT FROM ORDERS;")

    with KsqlClient(Connection("ksqlDB", str(api.http.base_url))) as client:
        found = list(live_names(client))

    by_kind = {kind: {name.name for name in found if name.kind is kind} for kind in NameKind}
    assert by_kind[NameKind.STREAM] == {"ORDERS", "COPY"}
    assert [(name.name, name.type) for name in found if name.of == "COPY"] == [("ID", "STRING"), ("AMOUNT", "DOUBLE")]
    assert {name.split("_")[0] for name in by_kind[NameKind.QUERY]} == {"CSAS"}
    assert by_kind[NameKind.TYPE] == {"MONEY"}
    assert {"orders", "COPY"} <= by_kind[NameKind.TOPIC]
    assert {"COUNT", "UCASE"} <= by_kind[NameKind.FUNCTION]
