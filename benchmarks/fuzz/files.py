"""The files that people write: alerts, connectors, topics, statements, `.env` and CSV; and alerts' templates."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from zoneinfo import ZoneInfo

from benchmarks.fuzz.corpus import Input
from benchmarks.fuzz.mutation import damaged, damaged_text, damaged_value
from benchmarks.fuzz.trial import Fuzzer
from bifrost import settings as project_settings
from bifrost.alert_template import Template
from bifrost.alerts import read_alerts
from bifrost.dashboards.searches import search_problems
from bifrost.default_settings import PORTS
from bifrost.deployer.checks.validate import validate
from bifrost.deployer.declared.files import load
from bifrost.deployer.declared.on_error import raise_error
from bifrost.deployer.targets import TABLES
from bifrost.errors import BifrostError, DeclarationError, SettingError
from bifrost.settings import PROJECT
from bifrost.supervisor.csv_schemas import propose
from bifrost.supervisor.install.install_folders import jvm_parts_installed

FOLDERS = ("alerts", "connectors", "topics", "ksql", "dashboards", "services")
ALERT = """topic = "POSSIBLE_FRAUD"
channel = "${FRAUD_CHANNEL|slack}"
to = "fraud"
template = "{ATTEMPTS:,} attempts on {CARD.NUMBER|?} at {WINDOWSTART:time} {{}}"
zone = "Europe/London"
[once]
by = ["CARD_NUMBER"]
within = "10 minutes"
[quiet]
hours = "22:00-07:00"
"""
_TEMPLATES = ("{A:,} of {B|none} at {C:time}", "{A:.1f} {{x}} {B.C} {D}", "{A} {B} {C} {D}")
_VALUES = {"A": 1.5, "B": {"C": [1, None, "x"]}, "C": 1_700_000_000_000, "D": [1, {"x": 1}]}


@contextmanager
def declarations() -> Iterator[Fuzzer]:
    """A project with one damaged file: it is read, or errors name the file."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for name in FOLDERS:
            shutil.copytree(PROJECT / name, folder / name)
        (folder / "alerts" / "fuzz.toml").write_text(ALERT, encoding="utf-8")
        kinds = (".json", ".toml", ".sql", ".avsc")
        files = sorted(path for path in folder.rglob("*") if path.suffix in kinds and "udf" not in path.parts)
        contents = {path: path.read_bytes() for path in files}

        def make(rng: random.Random) -> Input:
            path = rng.choice(files)
            if path.suffix == ".json" and rng.random() < 0.5:
                value = damaged_value(rng, json.loads(contents[path]))
                return Input(str(path.relative_to(folder)), json.dumps(value).encode())
            return Input(str(path.relative_to(folder)), _changed(rng, contents[path]))

        def feed(found: Input) -> None:
            path = folder / found.target
            _load(folder, path, contents[path], found.given)

        yield Fuzzer(make, feed)


def _changed(rng: random.Random, content: bytes) -> bytes:
    if rng.random() < 0.3:
        return damaged(rng, content)
    return damaged_text(rng, content.decode()).encode("utf-8", "surrogatepass")


def _load(folder: Path, path: Path, content: bytes, data: bytes) -> None:
    path.write_bytes(data)
    errors: list[DeclarationError] = []
    try:
        for dashboard in load(folder, errors.append).dashboards:
            errors += search_problems(dashboard)
            _ = dashboard.last_s
    finally:
        path.write_bytes(content)
    if errors:
        raise errors[0]


@contextmanager
def connectors() -> Iterator[Fuzzer]:
    """Configurations of connectors with keys and values damaged: all rules of `lint` look at them."""
    table = TABLES["embedded"]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for name in ("connectors", "topics"):
            shutil.copytree(PROJECT / name, folder / name)
        contents = {path: path.read_bytes() for path in sorted(folder.rglob("connectors/*/*.json"))}

        def make(rng: random.Random) -> Input:
            path = rng.choice(sorted(contents))
            changed = json.loads(contents[path])
            for _ in range(rng.choice((1, 1, 2, 4))):
                changed = damaged_value(rng, changed)
            return Input(str(path.relative_to(folder)), changed)

        def feed(found: Input) -> None:
            path = folder / found.target
            path.write_text(json.dumps(found.given), encoding="utf-8")
            try:
                for problem in validate(folder, table):
                    str(problem).encode()
            finally:
                path.write_bytes(contents[path])

        yield Fuzzer(make, feed)


@contextmanager
def alerts() -> Iterator[Fuzzer]:
    """Alert files, and templates over values of all kinds; a template documents ValueError."""
    with tempfile.TemporaryDirectory() as made:
        path = Path(made) / "fuzz.toml"

        def make(rng: random.Random) -> Input:
            if rng.random() < 0.6:
                return Input("alert file", _changed(rng, ALERT.encode()))
            text = damaged_text(rng, rng.choice(_TEMPLATES))
            return Input("alert template", [text, damaged_value(rng, _VALUES)])

        def feed(found: Input) -> None:
            if found.target == "alert file":
                _read_alert(path, found.given)
            else:
                _render(*found.given)

        yield Fuzzer(make, feed)


def _read_alert(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    read_alerts(path.parent, raise_error)


def _render(text: str, values: object) -> None:
    if isinstance(values, dict):
        with suppress(ValueError):
            template = Template.parse(text, ZoneInfo("Europe/London"))
            template.render(values, escape=str, shorten=lambda text, most: text[:most], length=len, limit=100)


@contextmanager
def environment() -> Iterator[Fuzzer]:
    """`.env` files: settings, or an error that names the line."""
    sample = (PROJECT / ".env.example").read_bytes() + b"A='b'\nexport C=\"d\"\n"
    with tempfile.TemporaryDirectory() as made:

        def make(rng: random.Random) -> Input:
            return Input(".env", _changed(rng, sample))

        yield Fuzzer(make, lambda found: _read_env(Path(made), found.given))


def _read_env(folder: Path, data: bytes) -> None:
    (folder / ".env").write_bytes(data)
    found = project_settings.Settings(project_settings.read_dotenv(folder / ".env"), folder)
    for name in PORTS:
        with suppress(BifrostError):
            found.port(name)
    found.endpoints.as_json()


@contextmanager
def csv() -> Iterator[Fuzzer]:
    """CSV samples, read by the plugin's own program as `csv-schema` does; needs the installed Java parts."""
    sample = (PROJECT / "data" / "orders" / "orders.csv").read_bytes()[:2000]
    settings = project_settings.load()
    if not jvm_parts_installed(settings):
        raise SettingError("csv", "the Java parts are not installed; `up` installs them")
    with tempfile.TemporaryDirectory() as made:
        path = Path(made) / "orders.csv"

        def make(rng: random.Random) -> Input:
            data = damaged(rng, sample)
            form = rng.choice(
                ({}, {"csv.separator.char": "59"}, {"csv.first.row.as.header": "false"}, {"csv.quote.char": "0"})
            )
            return Input("csv", [data, form])

        def feed(found: Input) -> None:
            data, form = found.given
            path.write_bytes(data)
            propose(settings, path, ("order_id",), form)

        yield Fuzzer(make, feed)
