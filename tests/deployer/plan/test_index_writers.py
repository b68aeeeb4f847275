"""Which sinks are stopped while an index is copied."""

import pytest

from bifrost.deployer.declared.files import load
from bifrost.deployer.plan.index_writers import writers_of
from bifrost.settings import PROJECT

SINK = {"connector.class": "io.confluent.connect.elasticsearch.ElasticsearchSinkConnector"}


def routed(regex, replacement, kind="org.apache.kafka.connect.transforms.RegexRouter"):
    return {"transforms": "r", "transforms.r.type": kind, "transforms.r.regex": regex} | {
        "transforms.r.replacement": replacement
    }


@pytest.mark.parametrize(
    ("config", "writes"),
    [
        ({"topics": "A,B"}, True),
        ({"topics": "B"}, False),
        ({"topics": "B", **routed("B", "A")}, True),
        ({"topics": "A", **routed("A", "c")}, False),
        ({"topics": "A", **routed("X.*", "c")}, True),
        ({"topics": "pre-a", **routed("pre-(.*)", "$1")}, True),
        ({"topics": "B", **routed("(?<x>B)", "c")}, True),
        ({"topics": "B", **routed("B", "c", "org.apache.kafka.connect.transforms.TimestampRouter")}, True),
        ({"topics": "B", **routed("B", "$3")}, True),
        ({"topics.regex": "X.*"}, True),
        ({"topics": "A", "connector.class": "io.confluent.connect.s3.S3SinkConnector"}, False),
    ],
)
def test_the_name_of_an_index_is_that_of_the_topic_after_its_transformations(config, writes):
    assert writers_of("a", {"sink": {**SINK, **config}}) == (("sink",) if writes else ())


def test_the_sinks_of_this_project():
    connectors = {item.name: item.config for item in load(PROJECT).connectors}

    found = {name: writers_of(name, connectors) for name in ("orders_agg_hourly", "logon_enriched", "orders_enriched")}
    assert found == {
        "orders_agg_hourly": ("es_sink_logon_enriched",),
        "logon_enriched": ("es_sink_logon_enriched",),
        "orders_enriched": ("es_sink_orders",),
    }
