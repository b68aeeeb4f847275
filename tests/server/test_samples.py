"""The REST API beside what a real ksqlDB answered on the wire, where the recordings are beside the project."""

import json
import re
from pathlib import Path

import httpx
import pytest

from tests.server.conftest import Api

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "rest-samples"
pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="not present: ../shared/rest-samples")

DEFINITIONS = (7, 8, 13, 14, 15)
INSERTS = (201, 202, 203, 204)
QUERIES = (205, 206, 207, 209, 210, 211, 212, 213, 214, 215, 217, 218, 219, 220, 225, 226, 227)
LISTINGS = (30, 31, 39, 43)
REFUSALS = (*range(45, 64), *range(65, 69), 74, *range(76, 79), 88, 89, 90, 102, 103)
OTHERS = (2, 4, 11, 18, 104, 105, 228)
NORMAL = (
    (re.compile(r'("queryId":"(?:transient_[A-Z_]+|query))_\d+'), r"\1_N"),
    (re.compile(r"((?:CSAS|CTAS)_[A-Z_]+)_\d+"), r"\1_N"),
    (re.compile(r'("commandSequenceNumber":)\d+'), r"\1N"),
)
RATINGS = """{"type": "record", "name": "ratings", "fields": [{"name": "rating_id", "type": "long"}]}"""


def recorded(number):
    (path,) = SAMPLES.glob(f"{number:02d}-*.json")
    return json.loads(path.read_text())


def normal(text):
    for pattern, shown in NORMAL:
        text = pattern.sub(shown, text)
    return text


def sent(api: Api, request):
    """Sends a recorded request as it was sent; gives status and body."""
    method, _, rest = request["method"].partition(" ")
    accept = request.get("accept") or rest.removeprefix("(Accept: ").removesuffix(")")
    body = request["body"]
    data = body if body is None or isinstance(body, str) else json.dumps(body)
    http2 = "http2" in request.get("http", "")
    with httpx.Client(base_url=api.http.base_url, http1=not http2, http2=http2, verify=False, timeout=20) as client:
        answer = client.request(
            method, request["path"], content=data, headers={"Accept": accept, "Content-Type": "application/json"}
        )
    return answer.status_code, normal(answer.text)


def without_line_end(answer):
    """The recorded server ended a push query of /query without a line's end; clients that read lines need one."""
    status, text = answer
    return status, text.removesuffix("\n") if text.endswith('Reached"}]\n') or text.endswith('Completed"}]\n') else text


def expected(response):
    status = response.get("status") or int(response["head"].split()[1])
    return status, normal(response["body_text_verbatim"])


@pytest.fixture
def recording(api):
    """The API after the statements and rows of the recording."""
    api.world.topic("ratings", 4)
    api.world.registry.register("ratings-value", "AVRO", RATINGS)
    api.run("CREATE STREAM RATINGS WITH (KAFKA_TOPIC='ratings', VALUE_FORMAT='AVRO');")
    api.run("CREATE TABLE CUSTOMERS (ID INT PRIMARY KEY) WITH (KAFKA_TOPIC='ratings', VALUE_FORMAT='AVRO');")
    for number in (*DEFINITIONS, *INSERTS):
        sample = recorded(number)
        (status, found), (wanted_status, wanted) = sent(api, sample["request"]), expected(sample["response"])
        if "InsertError" in wanted:
            # Whether rows before a bad one are acknowledged first depends on how far the broker was.
            found = found[found.index('{"@type"') :]
        assert (status, found) == (wanted_status, wanted), f"sample {number}"
    api.world.cluster.wait_for(lambda: len(api.world.values("ORDER_STATS")) == 6)
    return api


def test_answers_are_those_of_the_recording(recording):
    different = []
    for number in (*QUERIES, *LISTINGS, *REFUSALS, *OTHERS):
        sample = recorded(number)
        found, wanted = sent(recording, sample["request"]), expected(sample["response"])
        if without_line_end(found) != wanted:
            different.append(f"sample {number}\n  found  {found}\n  wanted {wanted}")
    assert different == []
