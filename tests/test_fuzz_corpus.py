"""The checked-in inputs of benchmarks.fuzz, among them all that once were findings, end as documented."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from benchmarks.fuzz.corpus import FOLDER, Input, as_line, from_line, read_corpus
from benchmarks.fuzz.reduction import smallest
from tests.examples import sampled


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Refused input is logged, and most input here is refused."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.jsonl")))
def test_the_inputs_of_an_area_end_as_documented(name: str) -> None:
    # Here, because every worker collects all tests, and the areas import most of the project.
    from benchmarks.fuzz.areas import AREAS
    from benchmarks.fuzz.trial import replay

    outcome = replay(name, AREAS[name], sampled(read_corpus(name), every=3))
    if outcome.skipped:
        pytest.skip(outcome.skipped)
    assert outcome.findings == {}
    assert outcome.inputs


def test_the_undamaged_alert_is_accepted_as_a_declaration_and_as_a_file() -> None:
    """A sample that is refused hides everything behind the first check."""
    from benchmarks.fuzz import files

    for area, target in ((files.declarations, "alerts/fuzz.toml"), (files.alerts, "alert file")):
        with area() as fuzzer:
            fuzzer.feed(Input(target, files.ALERT.encode()))


def test_an_answer_that_follows_a_topic_is_not_awaited() -> None:
    """Nothing arrives in it, and the server keeps the connection open."""
    from benchmarks.fuzz.areas import AREAS

    body = b'{"sql": "PRINT \'s\' LIMIT 1;", "properties": {"auto.offset.reset": "latest"}}'
    with AREAS["ksqldb_api"]() as fuzzer:
        fuzzer.feed(Input("POST /query-stream", ["/query-stream", {"Content-Type": "application/json"}, body]))


def test_an_area_that_refuses_everything_is_a_finding() -> None:
    from contextlib import nullcontext

    from benchmarks.fuzz.trial import ENOUGH, Fuzzer, run_area
    from bifrost.errors import SettingError

    def refuse(_given: Input) -> None:
        raise SettingError("SAMPLE", "is stale")

    fuzzer = Fuzzer(lambda _random: Input("all", "text"), refuse)
    outcome = run_area("name", lambda: nullcontext(fuzzer), "seed", seconds=1)
    assert outcome.inputs >= ENOUGH
    assert [*outcome.findings] == ["every input is refused: the area's samples are no longer valid"]


def test_every_area_has_inputs() -> None:
    from benchmarks.fuzz.areas import AREAS

    assert {path.stem for path in FOLDER.glob("*.jsonl")} == set(AREAS)


@pytest.mark.parametrize("given", ["text", b"\0\xff", ["a", b"b", None, 1.5], {"a": [b""], "base64": "x"}, "\ud800"])
def test_an_input_survives_its_line(given: object) -> None:
    found = Input("target", given)
    assert from_line(as_line(found)) == found


def test_the_input_of_a_finding_is_reduced_to_what_causes_it() -> None:
    found = Input("target", ["a long text with a ; in it", {"other": 1, "body": b"12\0 45"}])
    causes = smallest(
        found,
        lambda smaller: ";" in str(smaller.given[:1]) and b"\0" in smaller.given[1].get("body", b""),
        seconds=10,
    )
    assert causes.given == [";", {"body": b"\0"}]


def test_what_an_area_does_not_document_is_a_finding() -> None:
    from contextlib import nullcontext

    from benchmarks.fuzz.trial import Fuzzer, run_area
    from bifrost.errors import BifrostError

    def feed(found: Input) -> None:
        if found.given == "refused":
            raise BifrostError("as documented")
        raise KeyError(found.given)

    texts = iter(["refused", "crash", "crash"])
    fuzzer = Fuzzer(lambda rng: Input("area", next(texts, "crash")), feed)
    outcome = run_area("area", lambda: nullcontext(fuzzer), "1", 0.2)
    assert outcome.refused == 1
    (kind,) = outcome.findings
    assert kind.startswith("area: KeyError at test_fuzz_corpus.py:")
