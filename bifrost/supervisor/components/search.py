"""The search engine with Elasticsearch's API: one OpenSearch node."""

from __future__ import annotations

from pathlib import Path

from bifrost.settings import Settings
from bifrost.supervisor.component import Component
from bifrost.supervisor.components import server_security
from bifrost.supervisor.components.config_files import write_log4j
from bifrost.supervisor.install.java import Java
from bifrost.supervisor.install.jvm_stack import Stack
from bifrost.supervisor.processes import probes

NAME = "search"
_API = "ELASTICSEARCH"

# As OpenSearch's own start script: requests are buffered on the heap, whose size is limited.
_BUFFERS = ("-Dio.netty.allocator.numDirectArenas=0", "-Dio.netty.noUnsafe=true")


def component(settings: Settings, java: Java, stack: Stack) -> Component:
    """The node; its indices are in `<data>/search`.

    It is ready when it accepts requests. Large indices may still be recovering then; requests for them return 503.
    """
    run = settings.run / NAME
    log4j = run / "log4j2.properties"
    memory = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC")
    logging = (
        f"-Dlog4j2.configurationFile={log4j}",
        "-Djava.util.logging.manager=org.apache.logging.log4j.jul.LogManager",
        "--enable-native-access=ALL-UNNAMED",  # without it, newer JVMs warn about Lucene's native calls
    )
    arguments = (str(settings.data / NAME), str(settings.port(NAME)), str(run))
    return Component(
        name=NAME,
        command=(
            java.program,
            *memory,
            *java.optimises_late,
            *java.shared_classes(stack.root, NAME),
            *logging,
            *_BUFFERS,
            *server_security.options(settings, NAME),
            "-cp",
            stack.search_classpath,
            "bifrost.search.SearchNode",
            *arguments,
        ),
        env=settings.values,
        prepare=lambda: _prepare(settings, log4j),
        # Blocks until the node has the cluster state, which does not grow with the content of the indices.
        probe=probes.http(settings, NAME, "/_cluster/settings", prefix=_API),
        grace_s=java.grace_s(stack.root, NAME, 30),
    )


def _prepare(settings: Settings, log4j: Path) -> None:
    write_log4j(log4j)
    server_security.write(settings, NAME, _API)
