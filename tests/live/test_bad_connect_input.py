"""Unexpected input reaches every source and sink of Connect: tasks stay RUNNING, and good input behind it arrives."""

from __future__ import annotations

import json
import socket
import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import boto3
import pymysql
import pytest
from botocore.config import Config
from confluent_kafka import Consumer, TopicPartition
from pymongo import MongoClient

from bifrost.clients import avro, connect, kafka, schema_registry, search
from bifrost.clients.connect import ConnectClient
from bifrost.clients.kafka import TopicDescription
from tests.live.conftest import Platform
from tests.live.waiting import SOON_S, eventually, wait_for

LOOPBACK = "127.0.0.1"
BUCKET = "rmoff-demo-orders-02"
REQUIRED = {
    "bifrost.connect.elasticsearch.ElasticsearchSinkConnector": {"connection.url"},
    "bifrost.connect.s3.S3SinkConnector": {"s3.bucket.name", "flush.size", "format.class"},
    "bifrost.connect.spooldir.SpoolDirCsvSourceConnector": {"topic", "input.path", "error.path", "input.file.pattern"},
    "bifrost.connect.syslog.UdpSyslogSourceConnector": {"kafka.topic", "syslog.port"},
    "bifrost.connect.syslog.TcpSyslogSourceConnector": {"kafka.topic", "syslog.port"},
}


@pytest.fixture(scope="module")
def workers(platform: Platform) -> Iterator[ConnectClient]:
    with connect.from_settings(platform.settings) as client:
        yield client


@pytest.fixture
def marker() -> str:
    return f"bad-{uuid.uuid4().hex[:8]}"


def values(platform: Platform, topic: str, text: str) -> list[bytes]:
    """All values of a topic that contain a text."""
    found = []
    client = {
        **platform.settings.kafka_client(),
        "group.id": text,
        "enable.auto.commit": False,
        "enable.partition.eof": True,
    }
    with closing(Consumer(client)) as consumer:
        for partition in consumer.list_topics(topic, timeout=SOON_S).topics[topic].partitions:
            place = TopicPartition(topic, partition, 0)
            consumer.assign([place])
            # The end of a partition may be the marker of a transaction, which no poll returns.
            while (message := consumer.poll(SOON_S)) is not None and message.error() is None:
                if text.encode() in (value := bytes(message.value() or b"")):
                    found.append(value)
    return found


def assert_runs(workers: ConnectClient, name: str) -> None:
    status = workers.status(name)
    assert status is not None
    assert [task.state for task in status.tasks] == ["RUNNING"], status


@pytest.mark.parametrize("class_name", REQUIRED)
def test_missing_keys_are_reported_by_name(workers: ConnectClient, class_name: str) -> None:
    report = workers.validate(class_name, {"connector.class": class_name, "name": "x", "topics": "t"})
    errors = {key.name: key.errors for key in report.keys if key.errors}
    assert set(errors) == REQUIRED[class_name]
    for name, messages in errors.items():
        assert any(message.startswith(f'Missing required configuration "{name}"') for message in messages), messages


def test_a_table_of_types_that_debezium_does_not_know_stops_nothing(
    platform: Platform, workers: ConnectClient, marker: str
) -> None:
    with (
        pymysql.connect(
            host=LOOPBACK,
            port=platform.settings.port("mysql"),
            user=platform.settings.local("MYSQL_APP_USER"),
            password=platform.settings.local("MYSQL_APP_PASSWORD"),
            database="demo",
            autocommit=True,
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "CREATE OR REPLACE TABLE other (id INT PRIMARY KEY, u UUID, ip INET6, v INT INVISIBLE DEFAULT 1)"
        )
        cursor.execute("INSERT INTO other (id, u, ip) VALUES (1, UUID(), '::1')")
        cursor.execute("ALTER TABLE other ADD COLUMN ip4 INET4")
        cursor.execute(
            "INSERT INTO CUSTOMERS (id, first_name, email, create_ts) VALUES (2001, 'A', %s, NULL) "
            "ON DUPLICATE KEY UPDATE email = VALUES(email)",
            (marker,),
        )
        wait_for(lambda: values(platform, "asgard.demo.CUSTOMERS", marker))
        cursor.execute("DROP TABLE other")
        cursor.execute("DELETE FROM CUSTOMERS WHERE id = 2001")
    assert_runs(workers, "mysql-demo-customers")
    with schema_registry.from_settings(platform.settings) as registry:
        row = avro.AvroReader(registry).read(values(platform, "asgard.demo.CUSTOMERS", marker)[0])
    assert row["create_ts"] is None, row


def test_documents_with_names_like_operators_stop_nothing(
    platform: Platform, workers: ConnectClient, marker: str
) -> None:
    odd: list[dict[str, Any]] = [
        {"$c": 1},
        {"$c": 1, "b": "$100"},
        {"a.b": {"$set": {"$x.y": ["$$ROOT", {"$add": [1, 2]}]}}},
    ]
    with MongoClient(platform.endpoints["mongodb"]) as mongo:
        for document in odd:
            mongo.elsewhere.things.insert_one({**document})
            mongo.ace.device.insert_one({**document, "mac": marker})
        mongo.ace.device.insert_one({"mac": f"{marker}-last", "name": "$name"})
        found = wait_for(lambda: values(platform, "unifi.ace.device", f"{marker}-last"))
        assert b"$name" in found[0]
        assert len(values(platform, "unifi.ace.device", marker)) == len(odd) + 1
        mongo.ace.device.delete_many({"mac": {"$regex": marker}})
    assert_runs(workers, "SOURCE_MONGODB_01")


def test_a_file_with_an_error_does_not_block_the_next(platform: Platform, workers: ConnectClient, marker: str) -> None:
    folder, header = platform.settings.orders, "order_id,customer_id,order_ts,product,order_total_usd"
    bad = {
        "empty-id": f"{header}\n,1,t,{marker},1\n".encode(),
        "twice": f"{header},order_id\n1,1,t,{marker},1,2\n".encode(),
        "bytes": b"\xff\xfe\x00" * 100,
    }
    for name, content in bad.items():
        beside = folder / f".orders_{marker}_{name}.csv"
        beside.write_bytes(content)
        beside.rename(folder / "source" / beside.name[1:])
    good = folder / f".orders_{marker}_z.csv"
    good.write_text(f"{header}\n77,1,t,{marker},1\n")
    good.rename(folder / "source" / good.name[1:])
    eventually(lambda: (folder / "finished" / good.name[1:]).exists(), "the good file is finished")
    for name in bad:
        assert (folder / "error" / f"orders_{marker}_{name}.csv.log").exists(), name
    assert_runs(workers, "csv-source-orders")


def test_terminators_are_no_part_of_a_datagram(platform: Platform, marker: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for end in (b"\0", b"\n", b"\r\n", b"\r\n\0"):
            sender.sendto(f"<13>{marker} text.".encode() + end, (LOOPBACK, platform.settings.port("syslog")))
    wait_for(lambda: len(values(platform, "syslog", marker)) == 4)
    with schema_registry.from_settings(platform.settings) as registry:
        reader = avro.AvroReader(registry)
        rows = [reader.read(value) for value in values(platform, "syslog", marker)]
    assert {row["message"] for row in rows} == {f"{marker} text."}


def test_merged_topics_keep_all_records(platform: Platform, workers: ConnectClient, marker: str) -> None:
    topics = [f"{marker}-{side}" for side in ("left", "right")]
    admin = kafka.admin(platform.settings)
    for topic in topics:
        admin.create(TopicDescription(topic, 1, 1, {}))
    producer = kafka.producer(platform.settings.kafka_client())
    for topic in topics:
        for number in range(3):
            producer.produce(topic, json.dumps({"from": topic, "number": number}))
    assert producer.flush(SOON_S) == 0
    shared = {
        "topics": ",".join(topics),
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
        "transforms": "merge",
        "transforms.merge.type": "org.apache.kafka.connect.transforms.RegexRouter",
        "transforms.merge.regex": f"{marker}-.*",
        "transforms.merge.replacement": f"{marker}-all",
    }
    declared = workers.configs()
    names = [f"{marker}-documents", f"{marker}-objects"]
    url, store = declared["es_sink_orders"]["connection.url"], declared["s3-sink-orders"]["store.url"]
    workers.put(
        names[0],
        {
            **shared,
            "connector.class": "bifrost.connect.elasticsearch.ElasticsearchSinkConnector",
            "connection.url": f"{url},{url}/",
            "key.ignore": "true",
            "schema.ignore": "true",
        },
    )
    workers.put(
        names[1],
        {
            **shared,
            "connector.class": "bifrost.connect.s3.S3SinkConnector",
            "s3.bucket.name": BUCKET,
            "store.url": store,
            "flush.size": "3",
            "format.class": "io.confluent.connect.s3.format.json.JsonFormat",
            "partitioner.class": "io.confluent.connect.storage.partitioner.TimeBasedPartitioner",
            "path.format": "xxxx-'W'ww-e/",
            "partition.duration.ms": "86400000",
            "locale": "en-US",
            "timezone": "EST",
            "timestamp.extractor": "Record",
        },
    )
    s3 = boto3.client(
        "s3",
        endpoint_url=platform.endpoints["s3"],
        region_name="us-east-2",
        aws_access_key_id=platform.settings.local("AWS_ACCESS_KEY_ID"),
        aws_secret_access_key=platform.settings.local("AWS_SECRET_ACCESS_KEY"),
        config=Config(s3={"addressing_style": "path"}),
    )

    def objects() -> list[str]:
        found = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"topics/{marker}-all/")
        return [entry["Key"] for entry in found.get("Contents", ())]

    with search.from_settings(platform.settings) as engine:
        eventually(
            lambda: engine.mapping(f"{marker}-all") is not None and engine.count(f"{marker}-all") == 6, "6 documents"
        )
        engine.delete_index(f"{marker}-all")
    eventually(lambda: len(objects()) == 2, "2 objects")
    assert all("//" not in name and name.split("/")[2].count("-") == 2 for name in objects()), objects()
    for name in names:
        assert_runs(workers, name)
        workers.delete(name)
