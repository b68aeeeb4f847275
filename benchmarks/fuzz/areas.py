"""The areas by name, in the order in which they run."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.fuzz import apis, files, function_calls, language, network, records, servers, shown_records
from benchmarks.fuzz.trial import Area

AREAS: Mapping[str, Area] = {
    "parser": language.parser,
    "planner": language.planner,
    "functions": function_calls.functions,
    "deserializers": records.deserializers,
    "inference": records.inference,
    "pipelines": records.pipelines,
    "shown_records": shown_records.shown_records,
    "ksqldb": servers.ksqldb,
    "rest_proxy": servers.rest_proxy,
    "console": servers.console,
    "ksqldb_api": apis.ksqldb,
    "rest_proxy_api": apis.rest_proxy,
    "console_api": apis.console,
    "frames": network.frames,
    "syslog": network.syslog,
    "bot": network.bot,
    "declarations": files.declarations,
    "connectors": files.connectors,
    "alerts": files.alerts,
    "environment": files.environment,
    "csv": files.csv,
}
