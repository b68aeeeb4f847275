"""Our HTTP APIs, each served on a port over fakes of its far ends; requests are made of their descriptions."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from benchmarks.fuzz.corpus import Input
from benchmarks.fuzz.language import STATEMENTS
from benchmarks.fuzz.openapi import DescribedApi
from benchmarks.fuzz.servers import create_sources, served_rest_proxy
from benchmarks.fuzz.trial import Finding, Fuzzer
from bifrost.console.ksql_editor import editor_page
from bifrost.console.pages import dashboards_page, pipelines_page
from bifrost.console.panel_reader import PanelReader
from bifrost.operations.action_log import ActionLog
from bifrost.server.app import ServerIdentity, create_app
from bifrost.settings import PROJECT
from tests.console.pages.test_pages import Flows
from tests.console.test_panel_reader import Clock, Engine, rating
from tests.deployer.conftest import running_fakes, small_project
from tests.engine.runtime.engines import World
from tests.fakes.console import running_console
from tests.fakes.ksql_engine import ORDERS, TOTALS, running_engine
from tests.fakes.operated import operating_pages, pool
from tests.operations.conftest import deploy
from tests.server.serving import served

_STATEMENTS = (
    *STATEMENTS,
    *("SHOW STREAMS EXTENDED;", "DESCRIBE S EXTENDED;", "SELECT * FROM T WHERE K = 'a';", "SELECT * FROM T;"),
    *("SELECT * FROM S EMIT CHANGES LIMIT 1;", "PRINT 's' LIMIT 1;", "SHOW QUERIES;", "EXPLAIN SELECT * FROM S;"),
    *("INSERT INTO S (K, A) VALUES ('k', 1);", "SELECT * FROM ORDERS;", "SELECT * FROM TOTALS;", "DROP STREAM X;"),
)


@contextmanager
def ksqldb() -> Iterator[Fuzzer]:
    """ksqlDB's REST API over an engine on a cluster in memory."""
    api = DescribedApi("ksqldb", {}, _STATEMENTS)
    world = World()
    engine = world.engine()
    try:
        with served(create_app(engine, ServerIdentity("fuzz_", "cluster", "127.0.0.1:8088"))) as url:
            create_sources(url)

            def feed(found: Input) -> None:
                api.send(url, found)
                if found.target == "POST /ksql/terminate":
                    with suppress(RuntimeError):  # nothing was terminated
                        create_sources(url)

            yield Fuzzer(api.make, feed)
    finally:
        world.close()


@contextmanager
def rest_proxy() -> Iterator[Fuzzer]:
    """The REST proxy over librdkafka's mock of a cluster."""
    api = DescribedApi("rest-proxy", {"topic": "t", "group": "g", "name": "i", "partition": "0"})
    with served_rest_proxy() as url:
        instance = Input("POST /consumers/{group}", ["/consumers/g", {}, b'{"name": "i", "format": "json"}'])
        instance.given[1]["Content-Type"] = "application/vnd.kafka.v2+json"

        def feed(found: Input) -> None:
            with suppress(Finding):  # it exists
                api.send(url, instance)
            api.send(url, found)

        yield Fuzzer(api.make, feed)


@contextmanager
def console() -> Iterator[Fuzzer]:
    """The console over a deployed platform of fakes, with its editor over the embedded engine."""
    known = {
        "topic": "ratings",
        "name": "mysql-demo-customers",
        "pipeline": "ratings",
        "subject": "ratings-value",
        "group": "g",
    }
    api = DescribedApi("console", known, _STATEMENTS)
    reader = PanelReader(PROJECT, Engine([rating("one"), rating("two", 1)]), Clock())
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        fakes, engine = stack.enter_context(running_fakes()), stack.enter_context(running_engine())
        client = stack.enter_context(engine.client())
        engine.run(ORDERS + TOTALS)
        project = small_project(folder)
        pages = [
            *dashboards_page.routes(reader, Path("/dev/null")),
            *pipelines_page.routes(Flows()),
            *operating_pages(pool(project, deploy(project, fakes)), folder),
            *editor_page.routes(client, ActionLog(folder / "editor" / "actions.jsonl", time.time)),
        ]
        found = stack.enter_context(running_console(folder / "inbox.sqlite", time.time, pages))
        yield Fuzzer(api.make, lambda given: api.send(found.url, given))
