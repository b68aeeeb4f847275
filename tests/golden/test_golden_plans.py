"""Plan and generated source of the project's queries, and of one query per step, format and window kind.

The texts are golden files beside this module. A change of the engine that should not change what runs leaves them
byte-identical; `pytest tests/golden --update-golden` replaces them, and the difference is read in review.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import pytest

from bifrost.deployer.declared.files import load
from bifrost.engine.catalog.topics import TopicInfo
from bifrost.engine.functions.udf import registry_of
from bifrost.engine.plan.as_json import plan_to_json
from bifrost.engine.plan.as_text import execution_plan_text
from bifrost.engine.plan.steps import QueryPlan, Step
from bifrost.engine.planner.outcome import CreatePlan, PersistentPlan, PushPlan
from bifrost.engine.serde import Serdes
from bifrost.engine.serde.function_source import FunctionSource
from bifrost.engine.testing.offline_check import CheckedStatement, OfflineChecker
from bifrost.engine.topology.compiled import CompiledQuery, compile_query
from bifrost.settings import PROJECT
from bifrost.sql.parser import parse_script
from bifrost.sql.tree import ParsedStatement

HERE = Path(__file__).parent
PIPELINES = HERE / "pipelines"
QUERIES = HERE / "queries"


@dataclass
class GeneratedSerdes:
    """Records the source of every serde function that is generated."""

    texts: list[str] = field(default_factory=list)

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        generate = FunctionSource.compile

        def recorded(source: FunctionSource, title: str):
            self.texts.append(f"# {title}\n{source.text()}")
            return generate(source, title)

        monkeypatch.setattr(FunctionSource, "compile", recorded)

    def take(self) -> list[str]:
        texts, self.texts = self.texts, []
        return texts


@pytest.fixture
def generated(monkeypatch: pytest.MonkeyPatch) -> GeneratedSerdes:
    recorder = GeneratedSerdes()
    recorder.watch(monkeypatch)
    return recorder


def query_of(checked: CheckedStatement) -> QueryPlan | None:
    match checked.planned:
        case PersistentPlan(query=query) | PushPlan(query=query) | CreatePlan(query=query):
            return query
        case _:
            return None


def golden_text(statement: ParsedStatement, compiled: CompiledQuery, serde_sources: list[str]) -> str:
    sections = {
        "statement": statement.text.strip(),
        "execution plan": execution_plan_text(compiled.plan).rstrip(),
        "plan": plan_json_text(compiled.plan),
        "inputs": "\n".join(f"{entry.subtopology} {entry.role} {entry.topic}" for entry in compiled.inputs),
        "repartition topics": "\n".join(
            f"{r.topic} like {', '.join(r.partitions_like)}" for r in compiled.repartitions
        ),
        "stores": "\n".join(str(store) for store in compiled.stores),
        "generated source": compiled.source_text.rstrip(),
        "generated serdes": "\n".join(serde_sources).rstrip(),
    }
    text = "".join(f"==== {title}\n{text}\n" for title, text in sections.items())
    return re.sub(r"transient_(\w+)_\d+", r"transient_\1_N", text)  # such queries have a random number


def plan_json_text(plan: QueryPlan) -> str:
    """The plan as JSON, its smallest objects on one line each."""
    text = json.dumps(plan_to_json(plan), indent=1, ensure_ascii=False)
    return re.sub(r"\{[^{}\[\]]*\}", lambda found: re.sub(r"\n\s*", " ", found.group()), text)


def check(found: dict[str, str], folder: Path, update: bool) -> None:
    if update:
        folder.mkdir(exist_ok=True)
        for path in folder.glob("*.txt"):
            path.unlink()
        for name, text in found.items():
            (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    expected = {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.txt")}
    assert sorted(found) == sorted(expected)
    for name, text in found.items():
        assert text == expected[name], f"{folder.name}/{name}.txt differs; see --update-golden"


def compiled_statements(
    checker: OfflineChecker, statements: Iterator[tuple[str, ParsedStatement, dict[str, str]]], serdes: GeneratedSerdes
) -> dict[str, str]:
    found = {}
    for name, statement, properties in statements:
        checked = checker.check(statement, properties)
        serdes.take()
        query = query_of(checked)
        if query is not None:
            compiled = compile_query(query, Serdes(checker.environment.registry), checker.functions)
            found[name] = golden_text(statement, compiled, serdes.take())
    return found


def test_the_queries_of_the_pipelines(request: pytest.FixtureRequest, generated: GeneratedSerdes) -> None:
    declared = load(PROJECT)
    checker = OfflineChecker(
        subjects={subject.name: subject.schema for subject in declared.subjects},
        topics={topic.name: TopicInfo(topic.partitions) for topic in declared.topics},
        functions=registry_of(PROJECT / "ksql" / "udf"),
    )
    statements = (
        (
            re.sub(r"\W+", "_", f"{item.path.stem}-{item.name}"),
            ParsedStatement(item.text, item.tree, item.line, 1),
            dict(item.properties),
        )
        for item in declared.statements
    )
    found = compiled_statements(checker, statements, generated)
    check(found, PIPELINES, request.config.getoption("--update-golden"))


def test_a_query_for_each_step_format_and_window(request: pytest.FixtureRequest, generated: GeneratedSerdes) -> None:
    blocks = re.split(r"^--@query: (\w+)\n", (HERE / "queries.sql").read_text(encoding="utf-8"), flags=re.M)[1:]
    found = {}
    for name, script in zip(blocks[::2], blocks[1::2], strict=True):
        statements = ((name, statement, {}) for statement in parse_script(script))
        found |= compiled_statements(OfflineChecker(), statements, generated)
    check(found, QUERIES, request.config.getoption("--update-golden"))


def test_every_step_is_covered() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in (*PIPELINES.glob("*.txt"), *QUERIES.glob("*.txt")))
    missing = [step.__name__ for step in get_args(Step) if f'"@type": "{step.__name__}"' not in texts]
    assert missing == []
