"""Alert files of `alerts/`: a topic, a channel, a message template, and rules that suppress or delay messages.

topic = "POSSIBLE_FRAUD"
channel = "slack"
to = "fraud"
template = "{ATTEMPTS} attempts on card {CARD_NUMBER}"

[once]                     # one message about the same card in ten minutes
by = ["CARD_NUMBER"]
within = "10 minutes"

[quiet]                    # what happens at night is sent in the morning
hours = "22:00-07:00"

A file may also be JSON with the same keys. A channel like `"${FRAUD_CHANNEL|slack}"` is read from that setting, with a
default: `to` is then the Slack channel, and on Telegram the alert goes to the default chat.
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
"""Key formats that the service can read; `VALUE_FORMATS` are those of values."""

LINT_KEY = "bifrost.lint.ignore"
"""Names the rules of `lint` that do not apply to a file, or to an object of a JSON file."""

_FIELDS = ("topic", "channel", "to", "template", "group", "username", "icon", "zone", "once", "quiet", LINT_KEY)
_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# Kafka's rule for names of topics.
_TOPIC = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}")
_DURATION = re.compile(r"([1-9][0-9]{0,8}) (second|minute|hour|day)s?")
_HOURS = re.compile(r"([0-9]{2}:[0-9]{2})-([0-9]{2}:[0-9]{2})")
_CHANNEL_SETTING = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\|(\w*)\}")
_LINE_NUMBER = re.compile(r"line (\d+)")
_SUFFIXES = (".json", ".toml")


@dataclass(frozen=True, slots=True)
class Once:
    """Records with equal values in the columns `by` are sent once within `within_s` seconds."""

    by: tuple[str, ...]
    within_s: float


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Hours of the day without messages; an end before the begin is on the next day."""

    begins_at: time
    ends_at: time
    zone: ZoneInfo

    def end(self, now: datetime) -> datetime | None:
        """Return when the quiet hours around `now` (aware) end, in their time zone; `None` outside of them."""
        local = now.astimezone(self.zone)
        clock = local.time()
        over_midnight = self.ends_at <= self.begins_at
        if over_midnight:
            is_quiet = clock >= self.begins_at or clock < self.ends_at
        else:
            is_quiet = self.begins_at <= clock < self.ends_at
        if not is_quiet:
            return None
        day = local.date() + timedelta(days=1 if over_midnight and clock >= self.begins_at else 0)
        return datetime.combine(day, self.ends_at, self.zone)


@dataclass(frozen=True, slots=True)
class Alert:
    """One file of `alerts/`, named after it. `to` is a Slack channel or a Telegram chat, `""` the default chat.

    `channel_setting` names the setting that selects the channel, if any; `channel` is then the default. `lint_ignore`
    is the text of `bifrost.lint.ignore`.
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
    quiet: QuietHours | None = None
    channel_setting: str = ""
    lint_ignore: str = ""

    def on(self, channel: Channel) -> Alert:
        """Return the same alert on another channel; `to` is the Slack channel."""
        return replace(self, channel=channel, to=self.to if channel == "slack" else "")

    @property
    def dead_letter_topic(self) -> str:
        """The topic for records that can never be delivered."""
        return f"{self.name}.dlq"

    @property
    def columns(self) -> frozenset[str]:
        """The columns that the template and `once` need."""
        return self.template.columns | frozenset(self.once.by if self.once else ())


def alert_files(folder: Path) -> list[Path]:
    """Return the alert files of a folder, sorted by name."""
    return sorted(path for path in folder.glob("*") if path.suffix in _SUFFIXES)


def read_alerts(folder: Path, on_error: Callable[[DeclarationError], None]) -> tuple[Alert, ...]:
    """Return the alerts of a folder; faulty files are reported to `on_error` and skipped."""
    found: dict[str, Alert] = {}
    for path in alert_files(folder):
        try:
            alert = read_alert(path)
            # `a.toml` and `a.json` are the same alert.
            other = found.setdefault(alert.name, alert)
            if other is not alert:
                raise DeclarationError(path, f"the alert {alert.name} is already declared in {other.path.name}")
        except DeclarationError as error:
            on_error(error)
    return tuple(found.values())


def read_alert(path: Path) -> Alert:
    """Read one alert file (TOML or JSON).

    Raises:
        DeclarationError: the file cannot be read, or its content is wrong; it names the line where possible.
    """
    file_format = path.suffix.removeprefix(".").upper()
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text) if file_format == "TOML" else json.loads(text)
    except UnicodeDecodeError as error:
        raise DeclarationError(path, "is not UTF-8 text") from error
    except (ValueError, RecursionError) as error:
        # Both parsers name the line in their texts.
        line = _LINE_NUMBER.search(str(error))
        raise DeclarationError(path, f"is not {file_format}: {error}", line=int(line[1]) if line else None) from error
    except OSError as error:
        raise DeclarationError(path, f"cannot be read: {error.strerror}") from error
    if not isinstance(content, dict):
        raise DeclarationError(path, "must be a JSON object")
    return _AlertFile(path, text, content).alert()


def write_problems(path: Path, problems: Mapping[str, str]) -> None:
    """Store the problems of alerts by alert name, for `status` and the console."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".new")
    partial.write_text(json.dumps(problems), encoding="utf-8")
    # Renamed when complete, so that no reader finds half of it.
    partial.replace(path)


def read_problems(path: Path) -> dict[str, str]:
    """Return the stored problems of alerts by alert name."""
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError:
        found = None
    if not isinstance(found, dict):
        return {path.stem: f"{path} is damaged; restart the service alerts"}
    return {str(name): str(problem) for name, problem in found.items()}


def line_of(text: str, key: str) -> int | None:
    """Return the line (from 1) of an alert file that holds a key, or the table of that name."""
    name = re.escape(key)
    found = re.search(rf'^[ \t]*\[?{name}\b|"{name}"\s*:', text, re.MULTILINE)
    return text.count("\n", 0, found.start()) + 1 if found else None


@dataclass(frozen=True, slots=True)
class _AlertFile:
    path: Path
    text: str
    content: Mapping[str, Any]

    def alert(self) -> Alert:
        self._refuse_unknown(self.content, _FIELDS)
        name = self.path.stem
        if not _NAME.fullmatch(name):
            raise self._wrong("the file name is the alert's name: use letters, digits, '.', '_' and '-' only", "")
        zone = self._zone()
        return Alert(
            name=name,
            path=self.path,
            topic=self._topic(),
            channel=self._channel_and_setting()[0],
            to=self._to(),
            template=self._template(zone),
            group=self._text(self.content, "group", f"alerts.{name}"),
            username=self._text(self.content, "username", DEFAULT_USERNAME),
            icon=self._text(self.content, "icon", DEFAULT_ICON),
            once=self._once(),
            quiet=self._quiet(zone),
            channel_setting=self._channel_and_setting()[1],
            lint_ignore=self._text(self.content, LINT_KEY, ""),
        )

    def _topic(self) -> str:
        topic = self._text(self.content, "topic")
        if not _TOPIC.fullmatch(topic):
            raise self._wrong(f"{topic!r} is not a valid topic name", "topic")
        return topic

    def _channel_and_setting(self) -> tuple[Channel, str]:
        channel, setting = self._text(self.content, "channel"), ""
        if found := _CHANNEL_SETTING.fullmatch(channel):
            setting, channel = found.groups()
        if channel not in CHANNELS:
            raise self._wrong(f"channel must be one of {', '.join(CHANNELS)}, not {channel!r}", "channel")
        return channel, setting

    def _to(self) -> str:
        channel, setting = self._channel_and_setting()
        if channel == "telegram" and not setting:
            return self._text(self.content, "to", "")
        to = self._text(self.content, "to").removeprefix("#")
        if not to:
            raise self._wrong("to must name a channel", "to")
        return to

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
            raise self._wrong('once.by must be a list of columns like ["CARD_NUMBER"]', "by")
        return Once(tuple(by), self._seconds(self._text(table, "within")))

    def _seconds(self, text: str) -> float:
        found = _DURATION.fullmatch(text)
        if found is None:
            raise self._wrong(f"once.within must be a duration like '10 minutes', not {text!r}", "within")
        return float(int(found[1]) * _UNITS[found[2]])

    def _quiet(self, zone: ZoneInfo) -> QuietHours | None:
        if "quiet" not in self.content:
            return None
        hours = self._text(self._table("quiet", ("hours",)), "hours")
        found = _HOURS.fullmatch(hours)
        try:
            begin, end = map(time.fromisoformat, found.groups() if found else ())
        except ValueError as error:
            raise self._wrong(f"quiet.hours must be like '22:00-07:00', not {hours!r}", "hours") from error
        if begin == end:
            raise self._wrong("quiet.hours covers the whole day, so the alert would never be sent", "hours")
        return QuietHours(begin, end, zone)

    def _zone(self) -> ZoneInfo:
        name = self._text(self.content, "zone", "UTC")
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise self._wrong(f"zone: {name!r} is not a time zone; use a name like 'Europe/London'", "zone") from error

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
            raise self._wrong(f"{name} must be a non-empty string", name)
        return value

    def _refuse_unknown(self, table: Mapping[str, Any], known: tuple[str, ...], prefix: str = "") -> None:
        for name in table:
            if name not in known:
                raise self._wrong(f"unknown key {prefix}{name}; the known keys are {', '.join(known)}", name)

    def _wrong(self, problem: str, key: str) -> DeclarationError:
        return DeclarationError(self.path, problem, line=line_of(self.text, key) if key else None)
