"""Uses the PyPI client `ksql`; prints what it returned as JSON. Arguments: the server's URL, a stream, a table."""

import collections
import collections.abc
import json
import sys
import types

# The client and its HTTP library predate Python 3.10 and 3.13, which removed these names.
for name in collections.abc.__all__:
    setattr(collections, name, getattr(collections.abc, name))
sys.modules.setdefault("telnetlib", types.ModuleType("telnetlib"))

from ksql.errors import KSQLError  # noqa: E402

from ksql import KSQLAPI  # noqa: E402

url, stream, table = sys.argv[1:]
client = KSQLAPI(url, timeout=60)
earliest = {"ksql.streams.auto.offset.reset": "earliest"}
push = client.query(
    f"SELECT ID, AMOUNT FROM {stream} EMIT CHANGES LIMIT 2", stream_properties=earliest, return_objects=True
)
pull = client.query(f"SELECT * FROM {table} WHERE ID = 'o1'", return_objects=True)
try:
    client.ksql("SELECT")
except KSQLError as error:
    refused = error.error_code
print(json.dumps({"pushed": list(push), "pulled": list(pull), "refused": refused}))
