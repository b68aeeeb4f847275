"""Restores a backup of a platform with data into a fresh folder, and compares what both hold.

    python -m benchmarks.restored_backup

The demos fill a platform; they are stopped, and what it holds is counted: the ends of all topics, the offsets of all
groups, documents, objects, rows, schemas. After `down` and `backup`, another home is restored and started. It must
hold the same, run as a whole, and send no alert again; a new rating must then be one alert and one document more, and a
changed row one record more. Exit code 1 means that something was not so.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg
import pymysql
from pymongo import MongoClient

from benchmarks.own_platform import OwnPlatform, own_platform
from benchmarks.platform import Inbox, RatingsProducer, wait_for
from bifrost.clients import kafka, schema_registry, search
from bifrost.default_settings import LOOPBACK
from bifrost.settings import Settings
from bifrost.supervisor.components.generator import DEMOS

FILL_S = 45.0
SETTLE_S = 180.0
QUIET_S = 20.0
CUSTOMER = 14
INDEX, CUSTOMERS = "ratings-with-customer-data", "asgard.demo.CUSTOMERS"
_WRITTEN_BY_EVERY_START = ("_", "heartbeat", "platform_events", "bifrost-deployments")
"""How the topics begin that Connect, the deployer and the watcher write in any case."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a platform holds, counted."""

    topics: Mapping[str, int]
    groups: Mapping[str, int]
    documents: Mapping[str, int]
    objects: Mapping[str, int]
    rows: Mapping[str, int]
    schemas: Mapping[str, int]

    def differences(self, other: Contents) -> Iterator[str]:
        """A line for each thing that the other platform holds in another number."""
        ours, theirs = asdict(self), asdict(other)
        for kind in ours:
            for name in sorted(ours[kind].keys() | theirs[kind].keys()):
                before, after = ours[kind].get(name), theirs[kind].get(name)
                if before != after:
                    yield f"{kind}: {name} has {after}, and had {before}"

    def sums(self) -> str:
        """How much of each kind there is, in one line."""
        return ", ".join(f"{sum(found.values())} in {len(found)} {kind}" for kind, found in asdict(self).items())


def contents_of(settings: Settings) -> Contents:
    """Count what a running platform holds."""
    admin = kafka.admin(settings)
    topics = {name: count for name, count in admin.topics().items() if not name.startswith(_WRITTEN_BY_EVERY_START)}
    ends = admin.ends(topics)
    groups = admin.positions(admin.groups())
    registry = schema_registry.from_settings(settings)
    with registry:
        schemas = {subject: len(registry.versions(subject)) for subject in registry.subjects()}
    return Contents(
        {name: sum(part.next for part in parts.values()) for name, parts in ends.items()},
        {
            f"{group} {topic}": sum(offsets.values())
            for group, by_topic in groups.items()
            for topic, offsets in by_topic.items()
            if topic in topics
        },
        dict(_documents(settings)),
        {
            str(path.relative_to(settings.data)): path.stat().st_size
            for path in (settings.data / "s3").rglob("*")
            if path.is_file()
        },
        dict(_rows(settings)),
        schemas,
    )


def _documents(settings: Settings) -> Iterator[tuple[str, int]]:
    with search.from_settings(settings) as engine:
        for index in engine.indices.matching(["*"]):
            yield index.name, engine.count(index.name)


def _rows(settings: Settings) -> Iterator[tuple[str, int]]:
    with (
        pymysql.connect(
            host=LOOPBACK,
            port=settings.port("mysql"),
            user=settings.local("MYSQL_APP_USER"),
            password=settings.local("MYSQL_APP_PASSWORD"),
            database="demo",
        ) as mariadb,
        mariadb.cursor() as cursor,
    ):
        for table in ("CUSTOMERS", "foobar"):
            cursor.execute(f"SELECT COUNT(*) FROM {table}")  # noqa: S608 - names of ours
            yield f"mariadb {table}", int((cursor.fetchone() or (0,))[0])
    with psycopg.connect(settings.local_postgres()) as postgres:
        for table in ("soe.customers", "soe.orders", "soe.logon", "wifi.pcap_stats"):
            found = postgres.execute(f"SELECT COUNT(*) FROM {table}".encode()).fetchone()  # noqa: S608
            yield f"postgres {table}", int((found or (0,))[0])
    with MongoClient[dict[str, object]](settings.local_mongodb(), serverSelectionTimeoutMS=10_000) as mongodb:
        for collection in ("device", "user"):
            yield f"mongodb {collection}", mongodb["ace"][collection].count_documents({})


def settled(settings: Settings) -> Contents:
    """What a platform holds once that no longer changes.

    Raises:
        TimeoutError: it still changes after some minutes.
    """
    found = [contents_of(settings)]

    def stays() -> bool:
        time.sleep(5)
        found.append(contents_of(settings))
        return found[-1] == found[-2]

    wait_for("nothing changes any more", stays, SETTLE_S)
    return found[-1]


def new_data_problems(settings: Settings) -> Iterator[str]:
    """What does not arrive of a new rating and a changed row."""
    inbox, marker = Inbox(settings.endpoints.as_json()), f"restored-{uuid.uuid4().hex[:8]}"
    before = contents_of(settings)
    producer = RatingsProducer(settings.endpoints.as_json())
    producer.send(1, CUSTOMER, 1, marker)
    producer.flush()
    with (
        pymysql.connect(
            host=LOOPBACK,
            port=settings.port("mysql"),
            user=settings.local("MYSQL_APP_USER"),
            password=settings.local("MYSQL_APP_PASSWORD"),
            database="demo",
            autocommit=True,
        ) as mariadb,
        mariadb.cursor() as cursor,
    ):
        cursor.execute("UPDATE CUSTOMERS SET comments = %s WHERE id = 19", (marker,))

    def alerts() -> int:
        return sum(marker in message["text"] for message in inbox.messages())

    def have_arrived() -> bool:
        now = contents_of(settings)
        return (
            alerts() == 1
            and now.documents.get(INDEX, 0) == before.documents.get(INDEX, 0) + 1
            and now.topics[CUSTOMERS] > before.topics[CUSTOMERS]
        )

    try:
        wait_for("the new data", have_arrived, 60, pause_s=1)
    except TimeoutError:
        now = contents_of(settings)
        yield f"new data: {alerts()} alerts; {'; '.join(before.differences(now)) or 'nothing else'}"


def main() -> int:
    """Fill, back up, restore, compare; return 1 if something differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fill", type=float, default=FILL_S, help="seconds of demo data (default: 45)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bifrost-backup-") as folder:
        file = Path(folder) / "backup.tar.gz"
        with own_platform() as first:
            before = filled(first, args.fill)
            print(f"before: {before.sums()}", flush=True)
            first.succeed("down")
            print(first.succeed("backup", str(file)).strip(), flush=True)
        with own_platform() as second:
            print(second.succeed("restore", str(file)).strip(), flush=True)
            problems = list(restored_problems(second, before))
    for problem in problems:
        print(problem)
    print(f"{len(problems)} differences")
    return int(bool(problems))


def filled(platform: OwnPlatform, seconds: float) -> Contents:
    """Start a platform, run the demos for a while, stop them, and count what it holds once all is processed."""
    platform.succeed("up", "--ports", "auto")
    time.sleep(seconds)
    for name in DEMOS.values():
        platform.supervisor.stop(name)
    return settled(platform.settings)


def restored_problems(platform: OwnPlatform, before: Contents) -> Iterator[str]:
    """Start the restored platform; what differs, is sent again, or does not work."""
    began = time.monotonic()
    platform.succeed("up", "--ports", "auto", "--no-demo")
    print(f"up of the restored platform: {time.monotonic() - began:.0f} s", flush=True)
    time.sleep(QUIET_S)  # an alert that is sent again would be sent by now
    settings = platform.settings
    status = json.loads(platform.run("status", "--json").stdout)
    if not status["well"]:
        yield f"{status['verdict']} {status['problems']}"
    after = settled(settings)
    print(f"after:  {after.sums()}", flush=True)
    yield from before.differences(after)
    again = Inbox(settings.endpoints.as_json()).messages()
    yield from (f"sent again: {message['text']}" for message in again)
    yield from new_data_problems(settings)


if __name__ == "__main__":
    sys.exit(main())
