"""Uses the PyPI client `ksqldb`; prints what it returned as JSON. Arguments: the server's URL, a stream, a table."""

import asyncio
import json
import sys

from ksqldb import KSQLdbClient

url, stream, table = sys.argv[1:]
client = KSQLdbClient(url)


async def pushed() -> list[object]:
    query = f"SELECT ID, AMOUNT FROM {stream} EMIT CHANGES LIMIT 2;"
    rows = client.query_async(query, stream_properties={"auto.offset.reset": "earliest"}, timeout=60)
    return [row async for row in rows]


pulled = client.query_sync(f"SELECT * FROM {table} WHERE ID = 'o1';", timeout=60)
inserted = client.inserts_stream(stream, [{"ID": "python", "AMOUNT": 2.5}])
print(json.dumps({"pushed": asyncio.run(pushed())[1:], "pulled": pulled[1:], "inserted": inserted}))
