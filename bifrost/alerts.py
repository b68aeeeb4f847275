"""Alerts as files of `alerts/` say them: a topic, a channel, a template, and when not to say it.

topic = "POSSIBLE_FRAUD"
channel = "slack"
to = "fraud"
template = "{ATTEMPTS} attempts on card {CARD_NUMBER}"

[once]                     # one message about the same card in ten minutes
by = ["CARD_NUMBER"]
within = "10 minutes"

[quiet]                    # what happens at night is told in the morning
hours = "22:00-07:00"

A file may be JSON with the same keys just as well. A channel like `"${FRAUD_CHANNEL|slack}"` is a setting's to choose:
`to` is Slack's then, and on Telegram the alert goes to the default chat.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bifrost.alert_template import Template
from bifrost.errors import DeclarationError

Channel = Literal["slack", "telegram"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)
DEFAULT_USERNAME = "KSQL Notifications"
DEFAULT_ICON = ":bell:"
VALUE_FORMATS = ("JSON", "AVRO")
KEY_FORMATS = ("KAFKA", "JSON", "AVRO", "NONE")
"""Formats that the service can read."""

_FIELDS = ("topic", "channel", "to", "template", "group", "username", "icon", "zone", "once", "quiet")
_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_HOURS = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d)")
_CHOICE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\|(\w*)\}")
_LINE = re.compile(r"line (\d+)")
_SUFFIXES = (".json", ".toml")


@dataclass(frozen=True, slots=True)
class Once:
    """Records that are alike in the columns `by` are told once in `within_s` seconds."""

    by: tuple[str, ...]
    within_s: float


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours of the day in which nothing is said; `end` before `begin` is that of the next day."""

    begin: time
    end: time
    zone: ZoneInfo

    def remaining_s(self, now: datetime) -> float:
        """Seconds until the quiet hours that `now` (aware) is in are over; 0 outside of them."""
        local = now.astimezone(self.zone)
        clock = local.time()
        over_midnight = self.end <= self.begin
        if over_midnight:
            is_quiet = clock >= self.begin or clock < self.end
        else:
            is_quiet = self.begin <= clock < self.end
        if not is_quiet:
            return 0.0
        day = local.date() + timedelta(days=1 if over_midnight and clock >= self.begin else 0)
        end = datetime.combine(day, self.end, self.zone)
        return max((end - now).total_seconds(), 0.001)


@dataclass(frozen=True, slots=True)
class Alert:
    """One file of `alerts/`, which has its name. `to` is a Slack channel or a Telegram chat, `""` the default chat.

    `choice` is the setting that says which channel it is, where there is one; `channel` holds unless it says otherwise.
    """

    name: str
    path: Path
    topic: str
    channel: Channel
    to: str
    template: Template
    group: str
    username: str = DEFAULT_USERNAME
    icon: str = DEFAULT_ICON
    once: Once | None = None
    quiet: Quiet | None = None
    choice: str = ""

    def on(self, channel: Channel) -> Alert:
        """The same alert on the channel that its setting says; `to` is Slack's."""
        return replace(self, channel=channel, to=self.to if channel == "slack" else "")

    @property
    def dead_letter_topic(self) -> str:
        """Where the records go that can never be told."""
        return f"{self.name}.dlq"

    @property
    def columns(self) -> frozenset[str]:
        """The columns that it needs."""
        return self.template.columns | frozenset(self.once.by if self.once else ())


def alert_files(folder: Path) -> list[Path]:
    """The files that hold alerts, by name."""
    return sorted(path for path in folder.glob("*") if path.suffix in _SUFFIXES)


def read_alerts(folder: Path, on_error: Callable[[DeclarationError], None]) -> tuple[Alert, ...]:
    """The alerts of a folder by name; what is wrong goes to `on_error` and is left out."""
    found: dict[str, Alert] = {}
    for path in alert_files(folder):
        try:
            alert = read_alert(path)
            other = found.setdefault(alert.name, alert)
            if other is not alert:
                raise DeclarationError(path, f"{other.path.name} is the alert {alert.name} already")
        except DeclarationError as error:
            on_error(error)
    return tuple(found.values())


def read_alert(path: Path) -> Alert:
    """The alert of a file.

    Raises:
        DeclarationError: the file is wrong.
    """
    form = path.suffix.removeprefix(".").upper()
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text) if form == "TOML" else json.loads(text)
    except UnicodeDecodeError as error:
        raise DeclarationError(path, "is not UTF-8 text") from error
    except (ValueError, RecursionError) as error:
        place = _LINE.search(str(error))
        raise DeclarationError(path, f"is not {form}: {error}", line=int(place[1]) if place else None) from error
    except OSError as error:
        raise DeclarationError(path, f"cannot be read: {error.strerror}") from error
    if not isinstance(content, dict):
        raise DeclarationError(path, "must be a JSON object")
    return _Reader(path, text, content).alert()


def write_problems(path: Path, problems: Mapping[str, str]) -> None:
    """Leave what is wrong with alerts, by their names, for who asks how things are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(problems), encoding="utf-8")
    fresh.replace(path)


def read_problems(path: Path) -> dict[str, str]:
    """What is wrong with alerts, by their names."""
    try:
        found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found


def line_of(text: str, key: str) -> int | None:
    """The line of an alert's file on which a key, or the table of that name, is written."""
    name = re.escape(key)
    found = re.search(rf'^[ \t]*\[?{name}\b|"{name}"\s*:', text, re.MULTILINE)
    return text.count("\n", 0, found.start()) + 1 if found else None


@dataclass(frozen=True, slots=True)
class _Reader:
    path: Path
    text: str
    content: Mapping[str, Any]

    def alert(self) -> Alert:
        self._refuse_unknown(self.content, _FIELDS)
        name = self.path.stem
        if not _NAME.fullmatch(name):
            raise self._wrong("the file's name is the alert's: letters, digits, '.', '_' and '-' only", "")
        zone = self._zone()
        return Alert(
            name=name,
            path=self.path,
            topic=self._topic(),
            channel=self._channel_and_choice()[0],
            to=self._to(),
            template=self._template(zone),
            group=self._text(self.content, "group", f"alerts.{name}"),
            username=self._text(self.content, "username", DEFAULT_USERNAME),
            icon=self._text(self.content, "icon", DEFAULT_ICON),
            once=self._once(),
            quiet=self._quiet(zone),
            choice=self._channel_and_choice()[1],
        )

    def _topic(self) -> str:
        topic = self._text(self.content, "topic")
        if not _TOPIC.fullmatch(topic):
            raise self._wrong(f"{topic!r} is not the name of a topic", "topic")
        return topic

    def _channel_and_choice(self) -> tuple[Channel, str]:
        channel, choice = self._text(self.content, "channel"), ""
        if found := _CHOICE.fullmatch(channel):
            choice, channel = found.groups()
        if channel not in CHANNELS:
            raise self._wrong(f"channel must be one of {', '.join(CHANNELS)}, not {channel!r}", "channel")
        return channel, choice

    def _to(self) -> str:
        channel, choice = self._channel_and_choice()
        if channel == "telegram" and not choice:
            return self._text(self.content, "to", "")
        return self._text(self.content, "to").removeprefix("#")

    def _template(self, zone: ZoneInfo) -> Template:
        try:
            return Template.parse(self._text(self.content, "template"), zone)
        except ValueError as error:
            raise self._wrong(f"template: {error}", "template") from error

    def _once(self) -> Once | None:
        if "once" not in self.content:
            return None
        table = self._table("once", ("by", "within"))
        by = table.get("by")
        if not isinstance(by, list) or not by or not all(isinstance(name, str) and name for name in by):
            raise self._wrong('once.by must be a list of columns, like ["CARD_NUMBER"]', "by")
        return Once(tuple(by), self._seconds(self._text(table, "within")))

    def _seconds(self, text: str) -> float:
        number, _, unit = text.partition(" ")
        scale = _UNITS.get(unit.removesuffix("s"))
        if not number.isdigit() or not int(number) or scale is None:
            raise self._wrong(f"once.within must be a time like '10 minutes', not {text!r}", "within")
        return float(int(number) * scale)

    def _quiet(self, zone: ZoneInfo) -> Quiet | None:
        if "quiet" not in self.content:
            return None
        hours = self._text(self._table("quiet", ("hours",)), "hours")
        found = _HOURS.fullmatch(hours)
        try:
            begin, end = map(time.fromisoformat, found.groups() if found else ())
        except ValueError as error:
            raise self._wrong(f"quiet.hours must be like '22:00-07:00', not {hours!r}", "hours") from error
        if begin == end:
            raise self._wrong("quiet.hours: an alert that is never told is none", "hours")
        return Quiet(begin, end, zone)

    def _zone(self) -> ZoneInfo:
        name = self._text(self.content, "zone", "UTC")
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise self._wrong(f"zone: {name!r} is no time zone; write one like 'Europe/London'", "zone") from error

    def _table(self, name: str, known: tuple[str, ...]) -> Mapping[str, Any]:
        table = self.content[name]
        if not isinstance(table, dict):
            raise self._wrong(f"[{name}] must be a table with {', '.join(known)}", name)
        self._refuse_unknown(table, known, f"{name}.")
        return table

    def _text(self, table: Mapping[str, Any], name: str, default: str | None = None) -> str:
        value = table.get(name, default)
        if value is None:
            raise self._wrong(f"{name} is missing", "")
        if not isinstance(value, str) or (not value and default != ""):
            raise self._wrong(f"{name} must be a text", name)
        return value

    def _refuse_unknown(self, table: Mapping[str, Any], known: tuple[str, ...], prefix: str = "") -> None:
        for name in table:
            if name not in known:
                raise self._wrong(f"unknown key {prefix}{name}; there are {', '.join(known)}", name)

    def _wrong(self, problem: str, key: str) -> DeclarationError:
        return DeclarationError(self.path, problem, line=line_of(self.text, key) if key else None)
