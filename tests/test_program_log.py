"""Programs log lines of text or of JSON."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from bifrost.errors import SettingError
from bifrost.program_log import log_is_json, set_up_logging, text_of_line
from bifrost.settings import PROJECT, Settings

CODE = """
import logging, threading
from bifrost.program_log import set_up_logging
set_up_logging("alerts", part="worker 1 of 2")
log = logging.getLogger("delivery")
log.info("sent %d to %s", 3, "#ratings")
log.warning("refused with hunter22hunter")
log.warning("%s", "two\\nlines")
def fail(): raise ValueError("bad hunter22hunter")
try: fail()
except ValueError: log.exception("failed")
thread = threading.Thread(target=fail, name="lag"); thread.start(); thread.join()
fail()
"""


def lines_of_program(**settings: str) -> list[str]:
    environment = {"PYTHONPATH": str(PROJECT), "SLACK_API_TOKEN": "hunter22hunter", **settings}
    command = (sys.executable, "-c", CODE)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=PROJECT, timeout=60)
    assert done.returncode == 1
    return done.stderr.splitlines()


def test_each_line_of_json_is_an_object_with_time_level_logger_message_and_program():
    found = [json.loads(line) for line in lines_of_program(BIFROST_LOG="json")]
    first = dict(found[0])
    assert first.pop("time")[-5:-1].startswith(".")
    assert first == {
        "level": "INFO",
        "logger": "delivery",
        "message": "sent 3 to #ratings",
        "program": "alerts worker 1 of 2",
    }
    assert [each["message"] for each in found[1:4]] == ["refused with ********", "two\nlines", "failed"]
    assert found[3]["exception"].startswith("Traceback")


def test_exceptions_that_nothing_catches_are_lines_of_json_without_secrets():
    lines = lines_of_program(BIFROST_LOG="json")
    thread, program = (json.loads(line) for line in lines[-2:])
    assert (thread["level"], thread["message"]) == ("CRITICAL", "thread lag ended")
    assert (program["level"], program["message"]) == ("CRITICAL", "the program ended")
    assert program["exception"].endswith("ValueError: bad ********")
    assert "hunter22" not in "".join(lines)


def test_lines_are_text_by_default():
    first, *_ = lines_of_program()
    assert first.endswith(" INFO delivery: worker 1 of 2: sent 3 to #ratings")


def test_an_unknown_form_is_refused():
    with pytest.raises(SettingError, match="BIFROST_LOG: 'xml' is not one of text, json"):
        set_up_logging("alerts", Settings({"BIFROST_LOG": "xml"}))
    assert log_is_json(Settings({"BIFROST_LOG": "json"}))
    assert not log_is_json(Settings())


@pytest.mark.parametrize("line", ["plain", "{", "{}", '{"level": 1}', "[1]", '{"a":1'])
def test_other_lines_of_a_log_are_read_as_they_are(line):
    assert text_of_line(line) == line
