"""Composes the message of a project's alert file for one record."""

from __future__ import annotations

from typing import Any, cast

from bifrost.alerts import read_alert
from bifrost.clients.consumer_group import Record
from bifrost.settings import PROJECT
from services.alert_service.messages import AlertMessage, message_composer
from services.alert_service.record_columns import RecordLayout, column_reader
from services.delivery.channel import Undeliverable

KEYED_JSON = RecordLayout((("USER_ID", "INTEGER"),), "JSON", "JSON")


def message_for(
    name: str, value: bytes | None, *, key: bytes | None = b"13", shape: RecordLayout = KEYED_JSON, chat: int | str = ""
) -> Any:
    """The message that `alerts/<name>.toml` makes of a record, why there can be none, or None: nothing to say."""
    alert = read_alert(PROJECT / "alerts" / f"{name}.toml")
    no_avro = cast("Any", None)
    record = Record(alert.topic, 0, 0, key, value)
    composed = message_composer(alert, column_reader(shape, no_avro), chat)(record)
    assert composed is None or isinstance(composed, AlertMessage | Undeliverable)
    return composed.message if isinstance(composed, AlertMessage) else composed
