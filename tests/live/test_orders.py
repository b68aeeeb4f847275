"""Orders from a file in a folder to objects in S3 and documents in the search engine, on real parts."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import fastavro
import pymysql
import pytest
import requests
from botocore.config import Config
from confluent_kafka import Consumer, TopicPartition

from bifrost.clients import search
from bifrost.clients.search import SearchClient, SearchRequest
from bifrost.generators.orders import HEADER
from bifrost.settings import PROJECT
from tests.live.conftest import Platform
from tests.live.waiting import SOON_S, eventually

BUCKET, INDEX, TOPIC = "rmoff-demo-orders-02", "orders_enriched", "ORDERS_ENRICHED"
FOLDER = f"topics/{TOPIC}/partition=0/"
FIRST_OBJECTS = [f"{FOLDER}{TOPIC}+0+{offset:010}.avro" for offset in range(0, 15, 3)]
"""As the documents list them."""
FLUSH = 3
NOBODY = 99_999
COLUMNS = ("ID", "FIRST_NAME", "LAST_NAME", "EMAIL")

Row = dict[str, Any]


class Bucket:
    """The objects that the sink wrote, as any S3 client reads them."""

    def __init__(self, platform: Platform) -> None:
        self._s3 = boto3.client(
            "s3",
            endpoint_url=platform.endpoints["s3"],
            region_name="us-east-2",
            aws_access_key_id=platform.settings.local("AWS_ACCESS_KEY_ID"),
            aws_secret_access_key=platform.settings.local("AWS_SECRET_ACCESS_KEY"),
            config=Config(s3={"addressing_style": "path"}),
        )

    def names(self) -> list[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=FOLDER)
        return sorted(entry["Key"] for page in pages for entry in page.get("Contents", ()))

    def rows(self, name: str) -> list[Row]:
        body = self._s3.get_object(Bucket=BUCKET, Key=name)["Body"].read()
        return [row for row in fastavro.reader(io.BytesIO(body)) if isinstance(row, dict)]

    def rows_from(self, offset: int) -> list[Row]:
        """The rows of all objects from the one on that holds an offset."""
        first = f"{FOLDER}{TOPIC}+0+{offset - offset % FLUSH:010}.avro"
        return [row for name in self.names() if name >= first for row in self.rows(name)]


@pytest.fixture
def bucket(platform: Platform) -> Bucket:
    return Bucket(platform)


@pytest.fixture
def index(platform: Platform) -> Iterator[SearchClient]:
    with search.from_settings(platform.settings) as client:
        yield client


@pytest.fixture
def database(platform: Platform) -> Iterator[pymysql.cursors.Cursor]:
    with platform.mysql() as connection, connection.cursor() as cursor:
        yield cursor


@pytest.fixture
def marker() -> str:
    return f"live-{uuid.uuid4().hex[:8]}"


def drop(platform: Platform, name: str, text: str) -> None:
    """Put a file into the folder as README says: written beside, then renamed."""
    beside = platform.settings.orders / f".{name}"
    beside.write_text(text, encoding="utf-8")
    beside.rename(platform.settings.orders / "source" / name)


def as_csv(rows: list[tuple[Any, ...]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows([HEADER, *rows])
    return text.getvalue()


def names(platform: Platform, folder: str) -> set[str]:
    return {path.name for path in (platform.settings.orders / folder).iterdir()}


def enriched(order: tuple[Any, ...], customers: dict[int, Row]) -> Row:
    """What the statements should make of an order, computed without them."""
    _, customer, ordered_at, product, total = order
    known = customers.get(int(customer), dict.fromkeys(COLUMNS))
    return {"ORDER_TS": ordered_at, "PRODUCT": product, "ORDER_TOTAL_USD": total, **known}


def declared_customers() -> dict[int, Row]:
    """The customers of data/mysql as they are before anybody changes them."""
    text = (PROJECT / "data" / "mysql" / "02-customers.sql").read_text(encoding="utf-8")
    found = re.findall(r"^  \((\d+), '(.*?)', '(.*?)', '(.*?)'", text, re.M)
    return {int(row[0]): dict(zip(COLUMNS, (int(row[0]), *row[1:]), strict=True)) for row in found}


def declared_orders() -> list[tuple[str, ...]]:
    """The rows of data/orders in the order in which the connector reads the files."""
    texts = (path.read_text(encoding="utf-8") for path in sorted((PROJECT / "data" / "orders").glob("*.csv")))
    return [tuple(row) for text in texts for row in list(csv.reader(io.StringIO(text)))[1:]]


def end_of_topic(platform: Platform) -> int:
    """How many enriched orders there are."""
    with closing(Consumer({"bootstrap.servers": platform.endpoints["kafka"], "group.id": "none"})) as consumer:
        return int(consumer.get_watermark_offsets(TopicPartition(TOPIC, 0), timeout=10)[1])


def documents(index: SearchClient, query: Row, size: int = 50) -> list[Row]:
    (found,) = index.search_all([SearchRequest(INDEX, {"query": query, "size": size})])
    return list(found["hits"]["hits"])


def test_the_projects_orders_are_in_s3_and_in_the_index_as_computed(
    platform: Platform, bucket: Bucket, index: SearchClient
) -> None:
    orders, customers = declared_orders(), declared_customers()
    expected = [enriched(order, customers) for order in orders]
    assert len(customers) == 19 and any(row["ID"] is None for row in expected)
    objects = [f"{FOLDER}{TOPIC}+0+{offset:010}.avro" for offset in range(0, len(orders), FLUSH)]
    eventually(lambda: set(objects) <= set(bucket.names()), "the objects of the project's orders")
    assert objects[:5] == FIRST_OBJECTS

    stored = [bucket.rows(name) for name in objects]

    assert {len(rows) for rows in stored} == {FLUSH}
    assert [row for rows in stored for row in rows] == expected
    places = {f"{TOPIC}+0+{offset}": row for offset, row in enumerate(expected)}
    eventually(lambda: index.count(INDEX) >= len(expected), "the documents of the project's orders")
    found = {hit["_id"]: hit["_source"] for hit in documents(index, {"ids": {"values": list(places)}}, 10_000)}
    assert {place: {name: row[name] for name in row if name != "EXTRACT_TS"} for place, row in found.items()} == places


@pytest.mark.far_end("orders", "s3", "search", "inbox")
def test_a_dropped_file_is_in_s3_and_on_the_dashboard(
    platform: Platform, bucket: Bucket, index: SearchClient, marker: str
) -> None:
    before = end_of_topic(platform)
    count = 2 * FLUSH - before % FLUSH  # so that nothing of it waits for another order
    odd = ("comma, comma", 'a "quote"', "two\nlines", "Crème", "0012", "last")
    orders = [
        (9_000_000 + number, NOBODY if number == 1 else number + 1, "2018-03-05T07:30:55Z", f"{marker} {text}", "1.50")
        for number, text in enumerate(odd[:count])
    ]
    drop(platform, f"orders-{marker}.csv", "\ufeff" + as_csv(orders))

    expected = [enriched(order, declared_customers()) for order in orders]
    names_of = {row["PRODUCT"] for row in expected}
    eventually(lambda: names_of <= {row["PRODUCT"] for row in bucket.rows_from(before)}, "the objects")
    assert [row for row in bucket.rows_from(before) if row["PRODUCT"] in names_of] == expected
    assert expected[1]["ID"] is None

    eventually(lambda: len(documents(index, {"prefix": {"PRODUCT": marker}})) == len(orders), "the documents")
    assert f"orders-{marker}.csv" in names(platform, "finished")
    eventually(lambda: names_of <= set(latest_products(platform)), "the orders on the dashboard")


def latest_products(platform: Platform) -> list[str]:
    url = f"{platform.endpoints['console']}/api/dashboards/orders/data"
    answer = requests.get(url, params={"last": "3600"}, timeout=10)
    assert answer.status_code == 200, answer.text
    rows = answer.json()["panels"]["latest-orders"]["rows"]
    return [row["values"][1] for row in rows]


@pytest.fixture
def error_folder(platform: Platform) -> Iterator[Path]:
    """The folder of bad files, emptied afterwards: `status` names what is in it."""
    folder = platform.settings.orders / "error"
    yield folder
    for path in folder.iterdir():
        path.unlink()


def test_a_broken_file_is_named_and_stops_no_other(
    platform: Platform, index: SearchClient, error_folder: Path, marker: str
) -> None:
    bad, fine, other = f"orders_bad-{marker}.csv", f"orders_ok-{marker}.csv", f"customers-{marker}.csv"
    drop(platform, other, "id\n1\n")
    drop(platform, bad, as_csv([("not-a-number", 1, "x", "y", "z")]))
    drop(platform, fine, as_csv([(2, 1, "2018-01-01T00:00:00Z", marker, "1.00")]))

    eventually(lambda: {bad, f"{bad}.log"} <= names(platform, "error"), "the bad file in the error folder")
    eventually(lambda: fine in names(platform, "finished"), "the other file in the finished folder")
    assert other in names(platform, "source")
    (platform.settings.orders / "source" / other).unlink()
    log = (error_folder / f"{bad}.log").read_text()
    assert log.startswith(f"{bad}: line 2: column order_id: 'not-a-number' is not of type INT64\n")
    status = platform.run("status")
    assert "line 2: column order_id: 'not-a-number' is not of type INT64" in status.stderr + status.stdout
    for name in ("csv-source-orders", "mysql-demo-customers", "s3-sink-orders"):
        assert re.search(rf"^{name} +\|  RUNNING  \|  RUNNING$", status.stdout, re.M)
    eventually(lambda: ("orders", bad) in broken_on_the_console(platform), "the bad file on the console")
    eventually(lambda: len(documents(index, {"term": {"PRODUCT": marker}})) == 1, "the order of the other file")


def broken_on_the_console(platform: Platform) -> set[tuple[str, str]]:
    flow = requests.get(f"{platform.endpoints['console']}/api/pipelines", timeout=SOON_S).json()
    return {(file["pipeline"], file["file"]) for file in flow["broken"]}


@pytest.mark.far_end("orders", "mysql", "search")
def test_a_change_in_the_database_is_in_the_next_order(
    platform: Platform, index: SearchClient, database: pymysql.cursors.Cursor, marker: str
) -> None:
    database.execute("SELECT first_name FROM CUSTOMERS WHERE id = 1")
    ((before,),) = database.fetchall()
    database.execute("UPDATE CUSTOMERS SET first_name = %s WHERE id = 1", (marker,))
    number = 0

    def is_seen() -> bool:
        nonlocal number
        if number == 0 or f"orders-{marker}-{number}.csv" in names(platform, "finished"):
            number += 1
            drop(platform, f"orders-{marker}-{number}.csv", as_csv([(number, 1, "2018-01-01T00:00:00Z", marker, "1")]))
        return bool(documents(index, {"term": {"FIRST_NAME": marker}}))

    eventually(is_seen, "an order with the customer's new name")
    database.execute("UPDATE CUSTOMERS SET first_name = %s WHERE id = 1", (before,))
    assert documents(index, {"term": {"FIRST_NAME": marker}})[0]["_source"]["ID"] == 1


@pytest.mark.far_end()
def test_the_stream_describes_itself(platform: Platform) -> None:
    body = {"ksql": f"DESCRIBE {TOPIC} EXTENDED;"}
    answer = requests.post(f"{platform.endpoints['ksqldb']}/ksql", json=body, timeout=SOON_S)
    described = answer.json()[0]["sourceDescription"]
    types = {field["name"]: field["schema"]["type"] for field in described["fields"]}
    assert types == {**dict.fromkeys(types, "STRING"), "CUSTOMER_ID": "INTEGER", "ID": "INTEGER"}
    assert list(types) == ["CUSTOMER_ID", "ORDER_TS", "PRODUCT", "ORDER_TOTAL_USD", *COLUMNS]
    assert described["topic"] == TOPIC
    (query,) = described["writeQueries"]
    assert query["id"].startswith(f"CSAS_{TOPIC}")
    assert "messages" in described["statistics"]
    assert re.search(r"failed-messages: +[1-9]", described["errorStats"]) is None


def test_schemas_for_the_projects_files_are_those_of_the_connector(platform: Platform) -> None:
    proposed = json.loads(platform.run("csv-schema", "data/orders/orders.csv", "order_id").stdout)
    declared = json.loads((PROJECT / "connectors" / "orders" / "csv-source-orders.json").read_text())
    assert {name: json.loads(text) for name, text in proposed.items()} == {
        name: json.loads(declared[name]) for name in ("key.schema", "value.schema")
    }
    refused = platform.run("csv-schema", "data/orders/orders.csv", "nosuch", check=False)
    assert (refused.returncode, "the file has no column nosuch" in refused.stderr) == (1, True)


def test_a_worker_that_is_killed_in_the_middle_of_a_file_loses_and_doubles_no_row(platform: Platform) -> None:
    rows = 300_000
    command = (sys.executable, "-m", "benchmarks.csv_source", "--kills", "1", "--rows", str(rows))
    done = subprocess.run(
        command, env=platform.settings.values, cwd=PROJECT, capture_output=True, text=True, timeout=600
    )
    assert f"{rows} rows, 0 lost, 0 duplicated, in order" in done.stdout, done.stdout + done.stderr

    def all_run() -> bool:
        connectors = platform.status()["connectors"]
        return bool(connectors) and all(
            {found["state"], *(task["state"] for task in found["tasks"])} == {"RUNNING"} for found in connectors
        )

    eventually(all_run, "all connectors running again")
