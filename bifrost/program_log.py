"""The log of a program on its standard output or error: lines of text, or of JSON (`BIFROST_LOG=json`)."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import TextIO

from bifrost.errors import SettingError
from bifrost.redaction import redact_text, secrets_of
from bifrost.settings import Settings, load

SETTING = "BIFROST_LOG"
TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"

_log = logging.getLogger(__name__)


class JsonLines(logging.Formatter):
    """Formats a record as a JSON object on one line.

    Keys: `time` (ISO 8601, UTC, ms), `level`, `logger`, `message`, `program`, and `exception` (the traceback) where
    there is one. Secrets of the settings, and what looks like a secret, are replaced.
    """

    def __init__(self, program: str, secrets: Collection[str] = ()) -> None:
        super().__init__()
        self._program = program
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        """Returns the line, without a line break."""
        at = datetime.fromtimestamp(record.created, UTC)
        fields = {
            "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": redact_text(record.getMessage(), self._secrets),
            "program": self._program,
        }
        if record.exc_info and record.exc_info[0] is not None:
            fields["exception"] = redact_text(self.formatException(record.exc_info), self._secrets)
        return json.dumps(fields, ensure_ascii=False)


def set_up_logging(
    program: str, values: Settings | None = None, *, text: str = TEXT, part: str = "", stream: TextIO | None = None
) -> None:
    """Logs from level INFO; does nothing if the process already logs.

    Args:
        program: the name of the program in lines of JSON.
        values: by default the settings of this process.
        text: the format of lines of text, as `logging.Formatter` takes it.
        part: the part of the program that this process is; before every message of the text.
        stream: by default the standard error.

    Raises:
        SettingError: the value of `BIFROST_LOG` is unknown, or the settings cannot be read. Lines of text are logged.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter(text.replace("%(message)s", f"{part}: %(message)s") if part else text))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    found = values or load()
    if log_is_json(found):
        handler.setFormatter(JsonLines(f"{program} {part}".strip(), secrets_of(found.secrets)))
        logging.captureWarnings(capture=True)
        sys.excepthook = _log_uncaught
        threading.excepthook = _log_uncaught_in_thread


def log_is_json(values: Settings) -> bool:
    """Whether programs log lines of JSON.

    Raises:
        SettingError: the value of `BIFROST_LOG` is neither `text` nor `json`.
    """
    match values.get("BIFROST_LOG", "text"):
        case "text":
            return False
        case "json":
            return True
        case other:
            raise SettingError(SETTING, f"{other!r} is not one of text, json")


def text_of_line(line: str) -> str:
    """Returns what a line of a log says: level, logger and message of a line of JSON; any other line as it is."""
    if not line.startswith("{"):
        return line
    try:
        fields = json.loads(line)
    except ValueError:
        return line
    if not isinstance(fields, Mapping) or not {"level", "logger", "message"} <= fields.keys():
        return line
    cause = str(fields.get("exception", "")).strip().rpartition("\n")[2]
    return f"{fields['level']} {fields['logger']}: {fields['message']}" + (f": {cause}" if cause else "")


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        _log.critical("the program ended", exc_info=(kind, error, trace))


def _log_uncaught_in_thread(failure: threading.ExceptHookArgs) -> None:
    if failure.exc_value is not None and failure.exc_type is not SystemExit:
        name = failure.thread.name if failure.thread else "?"
        trace = (failure.exc_type, failure.exc_value, failure.exc_traceback)
        _log.critical("thread %s ended", name, exc_info=trace)
