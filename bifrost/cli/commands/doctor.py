"""`doctor`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bifrost.alerts import read_alerts
from bifrost.cli.commands.dlq import record_store
from bifrost.cli.options import JsonOption, TargetOption, settings_for
from bifrost.cli.output import Screen
from bifrost.deployer.live.state import open_platform
from bifrost.operations.health.finding import Severity
from bifrost.operations.health.report import counts_of, examine, write_report
from bifrost.operations.live_things import service_names

ERRORS_FOUND = 3
"""The exit code if something does not work."""
PATIENCE_S = 3.0


def command(
    out: Annotated[
        Path | None, typer.Option("--out", help="The report; by default bifrost-doctor-<time>.md.", show_default=False)
    ] = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no file.")] = False,
    as_json: JsonOption = False,
    target: TargetOption = None,
) -> None:
    """Check what support would ask for, and write a report without secrets. Exit code 3 for errors."""
    settings, screen = settings_for(target), Screen(as_json=as_json)
    now = datetime.now(UTC)
    alerts = read_alerts(settings.project / "alerts", lambda error: screen.warn(str(error)))
    records, marks = record_store(settings)
    with open_platform(settings, patience_s=PATIENCE_S) as platform, screen.working("checking"):
        sections = examine(
            settings,
            platform,
            records,
            marks,
            alerts,
            service_names(settings),
            lambda title: screen.progress(title.lower()),
        )
    file = out or Path(f"bifrost-doctor-{now:%Y%m%d-%H%M%S}.md")
    if not no_report:
        write_report(file, sections, settings, now)
    counts = counts_of(sections)
    if as_json:
        screen.json(
            {
                "target": settings.target,
                "errors": counts[Severity.ERROR],
                "warnings": counts[Severity.WARNING],
                "report": None if no_report else str(file),
                "findings": [
                    {
                        "area": section.title,
                        "severity": str(finding.severity),
                        "thing": finding.thing,
                        "text": finding.text,
                        "advice": finding.advice,
                    }
                    for section in sections
                    for finding in section.findings
                ],
            }
        )
    else:
        for finding in (finding for section in sections for finding in section.findings):
            if finding.severity is not Severity.OK:
                screen.say(f"{finding.severity}: {finding.thing}: {finding.text}")
                if finding.advice:
                    screen.say(f"  {finding.advice}")
        screen.say(f"{counts[Severity.ERROR]} errors, {counts[Severity.WARNING]} warnings, {counts[Severity.OK]} well.")
        if not no_report:
            screen.say(f"The report is {file}; it has no secrets in it.")
    raise typer.Exit(ERRORS_FOUND if counts[Severity.ERROR] else 0)
