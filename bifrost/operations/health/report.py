"""Runs all checks, and writes their findings as one report without secrets."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from bifrost.alerts import Alert
from bifrost.deployer.checks.validate import validate
from bifrost.deployer.live.ownership import Entries
from bifrost.deployer.live.read_live import is_running
from bifrost.deployer.live.state import Platform
from bifrost.deployer.targets import substitutions
from bifrost.errors import OperationRefused
from bifrost.operations.dead_letter_queues import DeadLetterQueues, RecordStore
from bifrost.operations.group_owners import read_owners
from bifrost.operations.health import machine_checks, platform_checks
from bifrost.operations.health.finding import Check, Finding, HealthSection, Severity, ok, problem, run_section, warning
from bifrost.redaction import is_secret, redact_text, redact_value, secrets_of
from bifrost.settings import Settings

Area = tuple[str, Mapping[str, Check]]
"""A title, and its checks by what they check."""
_SIGNS = {Severity.OK: "ok", Severity.WARNING: "WARNING", Severity.ERROR: "ERROR"}


def examine(
    settings: Settings,
    platform: Platform,
    records: RecordStore,
    marks: Entries,
    alerts: tuple[Alert, ...],
    services: Iterable[str],
    on_section: Callable[[str], None] = lambda _title: None,
) -> tuple[HealthSection, ...]:
    """All findings, by area. No text has a secret in it."""
    runs = is_running(platform)
    secrets = secrets_of(settings.secrets)
    areas = [
        *_machine_areas(settings, platform),
        *(_platform_areas(platform, records, marks, alerts, tuple(services)) if runs else ()),
        ("Declarations", {"declarations": lambda: _declarations(settings)}),
        ("Settings", {"settings": lambda: _settings(settings)}),
    ]
    sections = []
    for title, checks in areas:
        on_section(title)
        section = run_section(title, checks)
        if section.findings:
            sections.append(_without_secrets(section, secrets))
    return tuple(sections)


def _machine_areas(settings: Settings, platform: Platform) -> Iterator[Area]:
    yield "Versions", {"versions": machine_checks.versions}
    yield (
        "Machine",
        {
            "resources": lambda: machine_checks.resources(settings),
            "folders": lambda: machine_checks.folders(settings),
        },
    )
    yield "Target", {"target": lambda: _target(settings, platform)}
    if settings.target == "embedded":
        yield "Components", {"components": lambda: machine_checks.components(platform)}
        yield "Logs", {"logs": lambda: machine_checks.log_errors(settings)}


def _platform_areas(
    platform: Platform, records: RecordStore, marks: Entries, alerts: tuple[Alert, ...], services: tuple[str, ...]
) -> Iterator[Area]:
    def dead_letters() -> Iterable[Finding]:
        configs = platform.connect.configs()
        queues = DeadLetterQueues(platform.kafka, records, marks, configs, alerts, services)
        return platform_checks.dead_letters(queues)

    yield "Parts", {"parts": lambda: platform_checks.reachable(platform)}
    yield "Connectors", {"connectors": lambda: platform_checks.connectors(platform)}
    yield "Queries", {"queries": lambda: platform_checks.queries(platform)}
    yield "Lags", {"lags": lambda: platform_checks.lags(platform, read_owners(platform, alerts, services))}
    yield "Dead letters", {"dead letters": dead_letters}
    yield (
        "Topics",
        {
            "partitions": lambda: platform_checks.partitions(platform),
            "retention": lambda: platform_checks.retention(platform),
        },
    )
    yield "Schemas", {"subjects": lambda: platform_checks.subjects(platform)}


def counts_of(sections: Iterable[HealthSection]) -> Mapping[Severity, int]:
    """The number of findings by severity."""
    found = [finding.severity for section in sections for finding in section.findings]
    return {severity: found.count(severity) for severity in Severity}


def write_report(file: Path, sections: Iterable[HealthSection], settings: Settings, now: datetime) -> None:
    """Write the report as Markdown, for its owner's eyes only.

    Raises:
        OperationRefused: the file exists, or cannot be written.
    """
    text = "\n".join(report_lines(tuple(sections), settings, now)) + "\n"
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as output:
            output.write(text)
    except FileExistsError as error:
        raise OperationRefused(f"the report was not written: {file} exists; --out FILE names another one") from error
    except OSError as error:
        raise OperationRefused(f"the report was not written: {file}: {error.strerror}") from error


def report_lines(sections: tuple[HealthSection, ...], settings: Settings, now: datetime) -> Iterator[str]:
    """The report as Markdown: first what is wrong, then everything."""
    yield "# Bifrost: report of the doctor"
    yield ""
    moment = now.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    environment = f", environment {settings.environment}" if settings.environment else ""
    counts = counts_of(sections)
    yield f"{moment}, target {settings.target}{environment}: {counts[Severity.ERROR]} errors, "
    yield f"{counts[Severity.WARNING]} warnings. Secrets are removed."
    yield ""
    yield "## What needs attention"
    yield ""
    urgent = [
        finding
        for severity in (Severity.ERROR, Severity.WARNING)
        for section in sections
        for finding in section.findings
        if finding.severity is severity
    ]
    for finding in urgent:
        yield f"- {_line(finding)}"
    if not urgent:
        yield "Nothing."
    for section in sections:
        yield ""
        yield f"## {section.title}"
        yield ""
        for finding in section.findings:
            yield f"- {_line(finding)}"


def _line(finding: Finding) -> str:
    advice = f" Next: {finding.advice}." if finding.advice else ""
    text = " ".join(f"{finding.thing}: {finding.text}".split())
    return f"{_SIGNS[finding.severity]}: {text}.{advice}"


def _without_secrets(section: HealthSection, secrets: tuple[str, ...]) -> HealthSection:
    return HealthSection(
        section.title,
        tuple(
            Finding(
                finding.severity,
                redact_text(finding.thing, secrets),
                redact_text(finding.text, secrets),
                redact_text(finding.advice, secrets),
            )
            for finding in section.findings
        ),
    )


def _target(settings: Settings, platform: Platform) -> Iterator[Finding]:
    if is_running(platform):
        yield ok(f"target {settings.target}", "runs")
    else:
        yield problem(f"target {settings.target}", "nothing of it runs", "`up` starts it")
    for name, address in settings.endpoints.as_json().items():
        if address:
            yield ok(name, address)


def _declarations(settings: Settings) -> Iterator[Finding]:
    found = validate(settings.project, substitutions(settings))
    for item in found:
        text = f"{item.code}: {item.text}"
        with suppress(ValueError):
            path = item.path.relative_to(settings.project)
            yield (problem if item.is_error else warning)(str(path), text, f"`lint --explain {item.code}`")
    yield ok("lint", f"{len(found)} problems")


def _settings(settings: Settings) -> Iterator[Finding]:
    """The project's settings; those of other programs in the environment are left out."""
    prefixes = ("BIFROST_", "KAFKA_", "CONNECT_", "SCHEMA_REGISTRY_", "KSQL", "ELASTICSEARCH_", "KIBANA_", "S3_")
    for name, value in sorted(settings.values.items()):
        if name.startswith(prefixes) and value:
            yield ok(name, "is set" if is_secret(name) else redact_value(name, value))
