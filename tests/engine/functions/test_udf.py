from pathlib import Path

import pytest

from bifrost.engine.expressions import EVALUATION_ERRORS
from bifrost.engine.functions.udf import registry_of
from bifrost.errors import AnalysisError, DeclarationError
from tests.engine.expressions.evaluating import type_of, value

PROJECT = Path(__file__).parents[3] / "ksql" / "udf"
FILE = """
from bifrost.engine.functions.udf import Library

FUNCTIONS = Library("STRING", author="someone", version="2")


@FUNCTIONS.scalar("SHOUT", "text STRING -> STRING", description="Says it loudly.")
def shout(text):
    return text.upper() + "!"
"""


def test_a_file_in_the_folder_adds_its_functions(tmp_path):
    (tmp_path / "shout.py").write_text(FILE, encoding="utf-8")
    registry = registry_of(tmp_path)
    assert value("SHOUT(S)", registry, S="hey") == "HEY!"
    declaration = registry.describe("SHOUT")
    assert (declaration.author, declaration.version, declaration.path) == ("someone", "2", str(tmp_path / "shout.py"))


def test_a_missing_folder_is_accepted(tmp_path):
    assert "ABS" in registry_of(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n1 / 0\n", ":2: ZeroDivisionError"),
        ("def f(:\n", ":1: SyntaxError"),
        ("x = 1\n", "declares no functions"),
        (FILE.replace("SHOUT", "ABS"), "function ABS"),
        (FILE.replace("text STRING -> STRING", "text NONSENSE -> STRING"), "not a signature"),
    ],
)
def test_a_bad_file_is_named_with_its_line(tmp_path, text, message):
    (tmp_path / "bad.py").write_text(text, encoding="utf-8")
    with pytest.raises(DeclarationError) as refused:
        registry_of(tmp_path)
    assert f"{tmp_path / 'bad.py'}" in str(refused.value)
    assert message in str(refused.value)


def test_anomaly_is_low_for_the_usual_and_high_for_the_odd():
    registry = registry_of(PROJECT)
    assert value("ANOMALY('72#16')", registry) < 0.1
    assert value("ANOMALY('60#40')", registry) > 5
    assert type_of("ANOMALY(S)", registry) == "DOUBLE"


def test_anomaly_takes_one_argument():
    with pytest.raises(AnalysisError) as refused:
        value("ANOMALY('1.0#2.0', 'x')", registry_of(PROJECT))
    assert refused.value.message.startswith("Anomaly udf should have one input argument.")


@pytest.mark.parametrize("readings", ["1.0#abc", "1.0", ""])
def test_anomaly_says_when_its_model_fails(readings):
    with pytest.raises(EVALUATION_ERRORS, match=r"Model Inference failed\. Please check the logs\."):
        value("ANOMALY(S)", registry_of(PROJECT), S=readings)
