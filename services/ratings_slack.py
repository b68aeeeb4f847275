"""Tells the customer team on Slack about unhappy platinum customers; who is one, the statements decide."""

from __future__ import annotations

from typing import Any

import orjson

from services import program
from services.channel import Undeliverable
from services.slack import TEXT_LIMIT, SlackMessage, escaped, fitting, slack_channel

TOPIC = "UNHAPPY_PLATINUM_CUSTOMERS"
GROUP = "python_kafka_notify.py"
CHANNEL = "unhappy-customers"
USERNAME = "KSQL Notifications"
ICON = ":rocket:"
TEXT = (
    "`%s` just left a bad review :disappointed:\n> %s\n\n"
    "_Please contact them immediately and see if we can fix the issue *right here, right now*_"
)


def compose(value: bytes | None) -> SlackMessage | Undeliverable | None:
    """The message about one alert, like `{"EMAIL": "a@b.c", "MESSAGE": "late again", ...}`.

    The Avro-JSON form `{"EMAIL": {"string": "a@b.c"}, ...}` is understood too. A null value says nothing.
    """
    if value is None:
        return None
    try:
        alert = orjson.loads(value)
        email, message = _text(alert, "EMAIL"), _text(alert, "MESSAGE")
    except orjson.JSONDecodeError as error:
        return Undeliverable(f"not JSON: {error}")
    except ValueError as error:
        return Undeliverable(str(error))
    return SlackMessage(CHANNEL, _review(email, message), USERNAME, ICON)


def main() -> None:
    """Run the service."""
    program.main(program.Service("ratings_slack", GROUP, TOPIC, compose, slack_channel))


def _text(alert: Any, name: str) -> str:
    if not isinstance(alert, dict):
        raise ValueError("not a JSON object")
    value = alert.get(name)
    if isinstance(value, dict) and value.keys() == {"string"}:
        value = value["string"]
    if value is None:
        raise ValueError(f"{name} is missing")
    if not isinstance(value, str):
        raise ValueError(f"{name} is not a text")
    return value


def _review(email: str, message: str) -> str:
    who = fitting(escaped(email), 1_000)
    room = TEXT_LIMIT - len(TEXT % (who, ""))
    return TEXT % (who, fitting(escaped(message), room))


if __name__ == "__main__":
    main()
