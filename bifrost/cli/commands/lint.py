"""`lint`."""

from __future__ import annotations

from typing import Annotated

import typer

from bifrost.cli.options import JsonOption, TargetOption, settings_for
from bifrost.cli.output import Screen
from bifrost.deployer.checks.validate import validate
from bifrost.deployer.lint.catalog import RULES, explanation
from bifrost.deployer.targets import substitutions
from bifrost.errors import SettingError

EVERY_RULE = "all"


def command(
    explain: Annotated[
        str, typer.Option(metavar="CODE", help="Explain a rule: why, what to do, an example; `all` lists the rules.")
    ] = "",
    strict: Annotated[bool, typer.Option("--strict", help="End with 1 for warnings, too.")] = False,
    as_json: JsonOption = False,
    target: TargetOption = None,
) -> None:
    """Look for known traps in all declarations, each with the code of its rule, or explain a rule."""
    screen = Screen(as_json=as_json)
    if explain:
        _explain(explain, screen)
        return
    settings = settings_for(target)
    problems = validate(settings.project, substitutions(settings))
    errors = [problem for problem in problems if problem.is_error]
    if as_json:
        entries = [
            {
                "code": problem.code,
                "file": str(problem.path.relative_to(settings.project)),
                "line": problem.line,
                "problem": problem.text,
                "error": problem.is_error,
            }
            for problem in problems
        ]
        screen.json({"target": settings.target, "errors": len(errors), "problems": entries})
    else:
        for problem in problems:
            screen.say(str(problem).removeprefix(f"{settings.project}/"))
        if problems:
            screen.say(f"{len(problems)} found; `lint --explain {problems[0].code}` says why and what to do.")
        else:
            screen.say("Nothing found.")
    raise typer.Exit(1 if errors or (strict and problems) else 0)


def _explain(code: str, screen: Screen) -> None:
    if code == EVERY_RULE:
        for rule in RULES.values():
            screen.say(f"{rule.code}  {'error  ' if rule.is_error else 'warning'}  {rule.title}")
        return
    try:
        screen.lines(explanation(code))
    except SettingError as error:
        raise typer.BadParameter(str(error), param_hint="--explain") from error
