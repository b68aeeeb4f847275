"""`validate`."""

from __future__ import annotations

import typer

from bifrost.cli.options import JsonOption, TargetOption, settings_for
from bifrost.cli.output import Screen
from bifrost.deployer.checks.validate import validate
from bifrost.deployer.targets import substitutions


def command(as_json: JsonOption = False, target: TargetOption = None) -> None:
    """Check all declarations with nothing running: files, names, schemas, and the types of all statements."""
    settings, screen = settings_for(target), Screen(as_json=as_json)
    problems = validate(settings.project, substitutions(settings))
    errors = [problem for problem in problems if problem.is_error]
    if as_json:
        entries = [
            {
                "file": str(problem.path.relative_to(settings.project)),
                "line": problem.line,
                "problem": problem.text,
                "error": problem.is_error,
                "code": problem.code,
            }
            for problem in problems
        ]
        screen.json({"target": settings.target, "errors": len(errors), "problems": entries})
    else:
        for problem in problems:
            screen.say(str(problem).removeprefix(f"{settings.project}/"))
        counts = (len(errors), "error"), (len(problems) - len(errors), "warning")
        screen.say(", ".join(f"{count} {what}{'' if count == 1 else 's'}" for count, what in counts) + ".")
    raise typer.Exit(1 if errors else 0)
