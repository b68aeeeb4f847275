"""What the report runs, in which order, and the aims that its figures are held against."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from benchmarks.report.entry import Aim, Chart, Entry, Needs, Size

_RATIO = r"(\d+\.\d+) \(\d+\.\d+\)"
_CPU_RATIO = r"\d+\.\d+ \((\d+\.\d+)\)"
_PERCENTILES = r"(?P<label>p\d+|slowest) (?P<value>\d+) ms"
_ROUND = r"round \d+ (?P<label>\w+) +(?P<series>\S+) +"


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _latency(name: str, title: str, arguments: str) -> Entry:
    return Entry(
        name,
        title,
        "alert_latency",
        _words(f"{arguments} --seconds 20"),
        _words(f"{arguments} --seconds 5"),
        Needs.PLATFORM,
        2,
        (Aim("99 of 100 alerts within", r"p99 (\d+) ms", 250, "ms"),),
        (Chart(name, f"{title}: latency", "ms", _PERCENTILES),),
    )


def _deployer(module: str, title: str, arguments: str, quick: str | None, minutes: float) -> Entry:
    few = None if quick is None else _words(quick)
    return Entry(module, title, module, _words(arguments), few, Needs.OWN_PLATFORM, minutes, in_quick=False)


ALONE: tuple[Entry, ...] = (
    Entry(
        "serde",
        "Formats",
        "serde",
        (),
        _words("--rounds 2"),
        Needs.NOTHING,
        2,
        charts=(
            Chart(
                "formats",
                "Rows per second of a core, by format",
                "rows/s in thousands",
                r"^(?P<label>\w+) (?P<series>write|read|read 2 of 7 columns) +(?P<value>\d+) k rows/s",
            ),
        ),
    ),
    Entry(
        "record_functions",
        "Record functions",
        "record_functions",
        (),
        ("5000",),
        Needs.NOTHING,
        2,
        charts=(
            Chart(
                "record_functions",
                "Records per CPU second of the generated functions",
                "records/s",
                r"^(?P<label>[A-Z]+) +(?P<value>[\d,]+) +[\d,]+$",
            ),
        ),
    ),
    Entry(
        "wifi_capture",
        "Capture of Wi-Fi frames, beside scapy and tshark",
        "wifi_capture",
        (),
        _words("--frames 5000"),
        Needs.NOTHING,
        3,
        (Aim("frames per CPU second, as a ratio to tshark's", r"capture/tshark .*\((\d+\.\d+)\)", 1.0, "", False),),
        (
            Chart(
                "wifi_capture",
                "Wi-Fi frames per CPU second",
                "frames/s",
                r"^(?P<label>capture|plain scapy|tshark) .* (?P<value>\d+)/s of CPU",
            ),
        ),
    ),
    Entry(
        "state_lookups",
        "Look-ups in large tables",
        "state_lookups",
        (),
        _words("--customers 1000 20000 --ratings 10000 --budget-mb 4"),
        Needs.NOTHING,
        10,
    ),
    Entry(
        "fuzz",
        "Fuzzing",
        "fuzz",
        _words("--seconds 120"),
        _words("--seconds 1"),
        Needs.NOTHING,
        50,
        (
            Aim("findings", r"areas, \d+ skipped, (\d+) findings", 0, "findings"),
            Aim("areas that could not be tried", r"areas, (\d+) skipped", 0, "areas"),
        ),
    ),
)
"""Programs that need no platform."""

SHARED: tuple[Entry, ...] = (
    Entry(
        "idle_cost",
        "The idle platform",
        "idle_cost",
        _words("--settle 900 --seconds 60"),
        _words("--settle 5 --seconds 10"),
        Needs.PLATFORM,
        17,
        (Aim("all parts together", r"^all +([\d.]+) % of a core", 30, "% of a core"),),
        (
            Chart(
                "idle_cost",
                "Processor time of the idle platform, by part",
                "% of a core",
                r"^(?P<label>\w+) +(?P<value>[\d.]+) % of a core +\d+ threads",
            ),
        ),
    ),
    Entry(
        "engine_latency",
        "Latency of the engine, and of pull queries",
        "engine_latency",
        _words("--seconds 60"),
        _words("--seconds 5"),
        Needs.PLATFORM,
        5,
        (
            Aim("record to result, median", r"through the engine: \d+, p50 ([\d.]+) ms", 5, "ms"),
            Aim("record to result, 99 of 100", r"through the engine: .* p99 ([\d.]+) ms", 25, "ms"),
            Aim("pull by key, median", r"pull query.*: \d+, p50 ([\d.]+) ms", 2, "ms"),
            Aim("pull by key, 99 of 100", r"pull query.* p99 ([\d.]+) ms", 10, "ms"),
        ),
        (
            Chart(
                "engine_latency",
                "Latency of the engine, 99 of 100 within",
                "ms",
                r"^(?P<label>[^:]+): \d+, p50 [\d.]+ ms, p99 (?P<value>[\d.]+) ms",
            ),
        ),
    ),
    _latency("alert_latency", "From a rating to Slack, 100 a second", "--rate 100"),
    _latency("alert_latency_1000", "From a rating to Slack, 1,000 a second, 100 alerts", "--rate 1000 --share 0.1"),
    _latency("alert_service", "From the topic of the alerts to Slack, 1,000 a second", "--rate 1000 --alone"),
    Entry(
        "cdc_latency",
        "From a row of a database to a join, beside Debezium's own lag",
        "cdc_latency",
        (),
        _words("--count 10"),
        Needs.PLATFORM,
        2,
        (Aim("what the engine adds to Debezium's lag, median", r"the engine adds p50 ([\d.]+) ms", 100, "ms"),),
        (
            Chart(
                "cdc_latency",
                "From an UPDATE to its record and to the join, median",
                "ms",
                r"^(?P<label>Debezium's own lag|to the joined rating): p50 (?P<value>[\d.]+) ms",
            ),
        ),
    ),
    Entry(
        "wifi_alert_latency",
        "From a frame to Telegram",
        "wifi_alert_latency",
        (),
        _words("--seconds 5"),
        Needs.PLATFORM,
        2,
        charts=(Chart("wifi_alert_latency", "From a frame to Telegram: latency", "ms", _PERCENTILES),),
    ),
    Entry(
        "throughput",
        "Throughput beside Kafka Streams",
        "throughput",
        _words("--rows 1000000 --customers 1000 --rounds 5 --parallel 1 2 --without quix-streams"),
        _words("--rows 20000 --customers 1000 --rounds 1 --queries join count --without quix-streams"),
        Needs.PLATFORM,
        45,
        (
            Aim("rows, as a ratio to the peer's", _RATIO, 1.0, "", is_most=False),
            Aim("rows per CPU second, as a ratio to the peer's", _CPU_RATIO, 1.5, "", is_most=False),
        ),
        (
            Chart("throughput", "Rows per second", "rows/s", _ROUND + r"(?P<value>[\d,]+)/s"),
            Chart("throughput_cpu", "Rows per CPU second", "rows/s", _ROUND + r"[\d,]+/s \( *(?P<value>[\d,]+)\)"),
        ),
    ),
    Entry(
        "throughput_quix",
        "Throughput beside quix-streams",
        "throughput",
        _words("--rows 300000 --customers 1000 --rounds 3 --without kafka-streams"),
        _words("--rows 20000 --customers 1000 --rounds 1 --queries join count --without kafka-streams"),
        Needs.PLATFORM,
        12,
        (Aim("rows, as a ratio to the peer's", _RATIO, 1.0, "", is_most=False),),
        (Chart("throughput_quix", "Rows per second", "rows/s", _ROUND + r"(?P<value>[\d,]+)/s"),),
    ),
    Entry(
        "many_queries",
        "Many queries over one topic",
        "many_queries",
        (),
        _words("--queries 1 10 --rows 10000"),
        Needs.PLATFORM,
        10,
        charts=(
            Chart(
                "many_queries",
                "CPU seconds per million ratings, by number of queries over one topic",
                "CPU s",
                r"^ *(?P<label>\d+ queries): +(?P<value>[\d.]+) CPU s",
            ),
        ),
    ),
    Entry(
        "big_state",
        "Large tables",
        "big_state",
        _words("--customers 1000 1000000 10000000"),
        _words("--customers 1000 20000 --ratings 10000 --budget-mb 4"),
        Needs.PLATFORM,
        45,
        charts=(
            Chart(
                "big_state",
                "Restart of the engine, to the next joined row",
                "s",
                r"^ *(?P<label>[\d,]+ customers): +(?P<value>[\d.]+) s .* after (?P<series>[a-z ]+),",
            ),
        ),
    ),
    Entry("engine_start", "Start of the engine", "engine_start", (), _words("--rounds 1"), Needs.PLATFORM, 4),
    Entry("rest_proxy", "REST proxy", "rest_proxy", (), _words("--records 2000"), Needs.PLATFORM, 3),
    Entry("csv_source", "CSV source", "csv_source", (), _words("--rows 20000"), Needs.PLATFORM, 3),
    Entry(
        "jdbc_source",
        "JDBC source, beside Debezium's snapshot",
        "jdbc_source",
        (),
        _words("--rows 10000 --batch-rows 100"),
        Needs.PLATFORM,
        15,
    ),
    Entry(
        "syslog_source",
        "Syslog source",
        "syslog_source",
        (),
        _words("--lines 20000 --rates 5000 --seconds 2"),
        Needs.PLATFORM,
        3,
        charts=(
            Chart(
                "syslog_source",
                "Syslog lines per second, from the first byte sent to the last record",
                "lines/s",
                r"^(?P<label>TCP  \d+ senders|UDP +\d+/s sent) .*  +(?P<value>\d+)/s  worker",
            ),
        ),
    ),
    Entry(
        "sinks",
        "Sinks",
        "sinks",
        (),
        _words("--records 8000"),
        Needs.PLATFORM,
        8,
        charts=(
            Chart(
                "sinks",
                "Records per second of a sink, alone and beside the other",
                "records/s",
                r"^(?P<label>[\w-]+)(?P<series> beside the other)?: (?P<value>[\d,]+) records/s",
            ),
        ),
    ),
    Entry(
        "dashboards",
        "A dashboard over many documents, in Chromium",
        "dashboards",
        (),
        _words("--documents 10000 --ratings 3"),
        Needs.PLATFORM,
        10,
        in_quick=False,
    ),
    Entry(
        "wifi_replay",
        "Replay of a capture, every row compared with tshark's counts",
        "wifi_replay",
        (),
        _words("--frames 5000"),
        Needs.PLATFORM,
        4,
    ),
    Entry(
        "bad_input",
        "Bad input of every kind",
        "bad_input",
        _words("--minutes 60"),
        _words("--minutes 1"),
        Needs.PLATFORM,
        65,
        in_quick=False,
    ),
    Entry(
        "kill_parts",
        "Kills of parts of the platform",
        "kill_parts",
        _words("--rounds 3 ksqldb connect alerts broker"),
        _words("--rounds 1 ksqldb"),
        Needs.PLATFORM,
        15,
        (Aim("lost ratings in a round", r"lost=(\d+)", 0, "ratings"),),
    ),
    Entry(
        "kill_engine",
        "Kills of the engine under exactly-once",
        "kill_engine",
        _words("server worker broker pause --workers 2 --rounds 5"),
        _words("server --rounds 1 --seconds 6 --rate 500"),
        Needs.PLATFORM,
        30,
        (Aim("lost records in a round", r"lost=(\d+)", 0, "records"),),
    ),
)
"""Programs that share one platform. Those that disturb it come last."""

OWN: tuple[Entry, ...] = (
    Entry(
        "deploy_time",
        "The deployer",
        "deploy_time",
        _words("--rounds 2"),
        _words("--rounds 1"),
        Needs.OWN_PLATFORM,
        8,
        (
            Aim("first alert since the start of up", r"first alert since the start of up +([\d.]+) s", 50, "s"),
            Aim("plan without changes", r"plan without changes +([\d.]+) s", 2, "s"),
            Aim("up without changes", r"up without changes +([\d.]+) s", 4, "s"),
            Aim("down", r"^ *down +([\d.]+) s", 8, "s"),
        ),
        (
            Chart(
                "deploy_time",
                "Time of the deployer's commands",
                "s",
                r"^  (?P<label>up from nothing|first alert|plan without changes|up without changes|down).*?"
                r"(?P<value>[\d.]+) s",
            ),
        ),
    ),
    _deployer("changes", "A year of changes of declarations", "", "--last 3", 40),
    _deployer("kill_deployer", "Kills of the deployer", "--kills 50", "--kills 2", 60),
    _deployer("two_deployers", "Two deployers at the same time", "--rounds 6", "--rounds 1", 20),
    _deployer("faulty_deployment", "Deployment through APIs that fail", "--seeds 6", "--seeds 1", 30),
    _deployer("planted_secrets", "Planted secrets", "", None, 10),
    _deployer("restored_backup", "A restored backup", "", "--fill 10", 10),
    Entry(
        "watch_faults",
        "Faults that someone must know within a minute",
        "watch_faults",
        _words("--seed 7"),
        ("--seed", "7", "--only", "jdbc sink: rights"),
        Needs.OWN_PLATFORM,
        40,
        (Aim("problems", r"faults, (\d+) problems", 0, "problems"),),
    ),
    Entry(
        "faults",
        "Faults of the whole platform, every far end compared",
        "faults",
        _words("--rounds 100"),
        _words("--rounds 2 --share 0.1 --parts ksqldb --kinds KILL"),
        Needs.OWN_PLATFORM,
        75,
    ),
    Entry(
        "soak",
        "An hour under load",
        "soak",
        _words("--minutes 60 --folder .bifrost/soak"),
        _words("--minutes 1 --folder .bifrost/soak-quick"),
        Needs.OWN_PLATFORM,
        65,
    ),
    _deployer("suspended_platform", "A closed laptop", "--rounds 2", "--rounds 1 --seconds 20", 15),
    _deployer("full_disk", "A full disk", "", None, 15),
    _deployer("jmx_cost", "The JMX exporter", "--rounds 5", "--rounds 1", 5),
)
"""Programs that start a platform of their own."""

ENTRIES = (*ALONE, *SHARED, *OWN)


def selected(only: Collection[str], skip: Collection[str], size: Size = Size.FULL) -> Iterator[Entry]:
    """The entries with one of the names `only` (empty: all of this size) and none of `skip`."""
    for entry in ENTRIES:
        is_chosen = entry.name in only if only else entry.in_quick or size is Size.FULL
        if is_chosen and entry.name not in skip:
            yield entry
