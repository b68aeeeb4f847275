"""`test`: ksqlDB's test files, run in this process with no broker."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bifrost.cli.options import JsonOption, TargetOption, settings_for
from bifrost.cli.output import Screen
from bifrost.deployer.checks.validate import UDF_FOLDER
from bifrost.deployer.declared.files import read_subjects, read_topics
from bifrost.engine.catalog.topics import TopicInfo
from bifrost.engine.functions.udf import registry_of
from bifrost.engine.testing.driver import Driver
from bifrost.engine.testing.sql_test_files import SqlTestResult, run_file
from bifrost.settings import Settings

TESTS_FOLDER = Path("ksql", "tests")


def command(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Test files; by default all of ksql/tests.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
    target: TargetOption = None,
) -> None:
    """Run test files (`--@test`, INSERT VALUES, ASSERT VALUES) with no broker. Exit code 1 if a test fails."""
    settings, screen = settings_for(target), Screen(as_json=as_json)
    selected = files or sorted((settings.project / TESTS_FOLDER).glob("*.sql"))
    results = run_files(settings, selected)
    failed = sum(not result.passed for found in results.values() for result in found)
    if as_json:
        screen.json(
            {
                "failed": failed,
                "tests": [
                    {"file": str(path), "test": result.name, "line": result.line, "problem": result.problem}
                    for path, found in results.items()
                    for result in found
                ],
            }
        )
    else:
        _show(results, failed, screen)
    raise typer.Exit(1 if failed else 0)


def run_files(settings: Settings, files: list[Path]) -> dict[Path, tuple[SqlTestResult, ...]]:
    """The results by file. The project's own functions, declared topics and schemas are there from the start.

    Raises:
        DeclarationError: a file cannot be read or has no tests.
    """
    functions = registry_of(settings.project / UDF_FOLDER)
    folder = settings.project / "topics"
    topics = read_topics(folder)
    subjects = read_subjects(folder / "schemas", topics)

    def prepare(driver: Driver) -> None:
        driver.environment.declared.update({topic.name: TopicInfo(topic.partitions) for topic in topics})
        for subject in subjects:
            driver.environment.registry.register(subject.name, "AVRO", subject.schema)

    return {path: run_file(path, functions, prepare) for path in files}


def _show(results: dict[Path, tuple[SqlTestResult, ...]], failed: int, screen: Screen) -> None:
    for path, found in results.items():
        for result in found:
            if result.passed:
                screen.say(f"ok      {path}: {result.name}")
            else:
                screen.say(f"FAILED  {path}:{result.line}: {result.name}: {result.problem}")
    screen.say(f"{sum(map(len, results.values())) - failed} passed, {failed} failed in {screen.seconds:.2f} s.")
