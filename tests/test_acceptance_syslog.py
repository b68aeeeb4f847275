"""The source documents' cases of syslog: the message to Slack about a login, and the deployed statements.

The statements themselves are run by `test_acceptance.py`.
"""

from __future__ import annotations

import io
import json
from typing import Any, cast

import fastavro
import pytest

from bifrost.alerts import read_alert
from bifrost.clients.avro import AvroReader
from bifrost.clients.consumer_group import Record
from bifrost.clients.schema_registry import SchemaRegistryClient, SubjectVersion
from bifrost.settings import PROJECT
from bifrost.sql.normalise import normalise
from bifrost.sql.parser import parse_script
from bifrost.sql.tree import CreateAsSelect, Statement
from services.alert_service.messages import AlertMessage, message_composer
from services.alert_service.record_columns import RecordLayout, column_reader
from services.delivery.slack import SlackMessage
from tests.test_acceptance import CASES

SYSLOG = [case for case in CASES if case["system"] == "syslog"]
NOTIFICATIONS = [case for case in SYSLOG if case["kind"] == "notification"]
RUN = [case for case in SYSLOG if case["kind"] == "ksql"]
NULLABLE = {"DATE": "long", "HOST": "string", "MESSAGE": "string", "HOSTNAME": "string"}
SCHEMA = {
    "type": "record",
    "name": "KsqlDataSourceSchema",
    "fields": [{"name": name, "type": ["null", kind], "default": None} for name, kind in NULLABLE.items()],
}
ALERT = read_alert(PROJECT / "alerts" / "syslog_invalid_users.toml")


class Registry:
    """A registry with the schema that ksqlDB registers."""

    def by_id(self, schema_id: int) -> SubjectVersion:
        return SubjectVersion("", 0, schema_id, json.dumps(SCHEMA), "AVRO")


def written(value: dict[str, Any]) -> bytes:
    out = io.BytesIO(b"\x00\x00\x00\x00\x07")
    out.seek(0, io.SEEK_END)
    fastavro.schemaless_writer(out, fastavro.parse_schema(SCHEMA), value)
    return out.getvalue()


@pytest.mark.parametrize("case", NOTIFICATIONS, ids=lambda case: case["id"])
def test_a_login_of_an_unknown_user_sends_a_message(case: dict[str, Any]) -> None:
    (given,) = case["inputs"]
    expected = case["expect"][0]["notification"]
    reader = column_reader(RecordLayout((), "NONE", "AVRO"), AvroReader(cast("SchemaRegistryClient", Registry())))

    message = message_composer(ALERT, reader, "")(Record(given["topic"], 0, 0, None, written(given["value"])))

    assert given["topic"] == ALERT.topic
    assert expected["service"] == ALERT.channel
    assert isinstance(message, AlertMessage) and isinstance(message.message, SlackMessage)
    assert [part for part in expected["text_contains"] if part not in message.message.text] == []


def statements(text: str) -> dict[str, Statement]:
    """The statements that create a stream or table, by its name."""
    trees = [parsed.tree for parsed in parse_script(text)]
    return {tree.name: tree for tree in trees if isinstance(tree, CreateAsSelect)}


@pytest.mark.parametrize("case", RUN, ids=lambda case: case["id"])
def test_what_the_case_creates_is_what_is_deployed(case: dict[str, Any]) -> None:
    deployed = statements((PROJECT / "ksql" / "syslog.sql").read_text(encoding="utf-8"))
    for name, statement in statements("\n".join(case["setup_statements"])).items():
        assert normalise(statement) == normalise(deployed[name]), name


def test_the_cases_are_present() -> None:
    if not CASES:
        pytest.skip("../shared/acceptance.json: not present")
    assert NOTIFICATIONS and RUN
