"""The records of the demo are processed without an entry in the processing log, which the console counts as faults."""

from __future__ import annotations

import json
from itertools import islice

from bifrost.deployer.declared.files import read_subjects, read_topics
from bifrost.engine.catalog.topics import TopicInfo
from bifrost.engine.testing.driver import Driver
from bifrost.settings import PROJECT
from capture.frames import map_frame
from capture.sources import read_file
from capture.vendors import Vendors

FRAMES = 600


def driver_of(pipeline: str) -> Driver:
    """The statements of a pipeline, with the declared topics and schemas."""
    topics = read_topics(PROJECT / "topics")
    driver = Driver()
    driver.environment.declared.update({topic.name: TopicInfo(topic.partitions) for topic in topics})
    for subject in read_subjects(PROJECT / "topics" / "schemas", topics):
        driver.environment.registry.register(subject.name, "AVRO", subject.schema)
    driver.run((PROJECT / "ksql" / f"{pipeline}.sql").read_text(encoding="utf-8"))
    return driver


def test_frames_without_a_sender_or_vendor_data_are_no_faults() -> None:
    driver = driver_of("wifi")
    frames = (map_frame(frame, Vendors({})).record for frame in read_file(PROJECT / "data" / "wifi" / "house.pcap"))
    records = list(islice((record for record in frames if record), FRAMES))
    assert any("wlan_sa" not in record for record in records)
    assert any("wlan_tag_oui" not in record for record in records)

    for record in records:
        driver.produce("pcap", None, json.dumps(record).encode())

    problems = [problem for query in driver.queries.values() for problem in query.problems]
    assert problems == []
    assert driver.topic("OUI_FINGERPRINT_PROBES_01").records
    assert driver.topic("PCAP_STATS_01").records
