"""The search engine with Elasticsearch's API: one OpenSearch node."""

from __future__ import annotations

from bifrost.settings import Settings
from bifrost.supervisor import probes
from bifrost.supervisor.component import Component
from bifrost.supervisor.files import write_log4j
from bifrost.supervisor.java import Java
from bifrost.supervisor.stack import Stack

NAME = "search"


def component(settings: Settings, java: Java, stack: Stack) -> Component:
    """The node; its indices are in `<data>/search`."""
    run = settings.run / NAME
    log4j = run / "log4j2.yaml"
    memory = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC")
    arguments = (str(settings.data / NAME), str(settings.port(NAME)), str(run))
    return Component(
        name=NAME,
        command=(
            java.program,
            *memory,
            f"-Dlog4j2.configurationFile={log4j}",
            "-cp",
            stack.search_classpath,
            "bifrost.search.SearchNode",
            *arguments,
        ),
        env=settings.values,
        prepare=lambda: write_log4j(log4j),
        # A node that answers may still be recovering its indices: what asks then gets 503.
        probe=probes.http(settings.port(NAME), "/_cluster/health?wait_for_status=yellow&timeout=1s"),
        grace_s=30,
        ready_within_s=170,
    )
