"""Writes the figures as a page. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from benchmarks.report.entry import Entry, Size
from benchmarks.report.run import Run, last_line

FIRST_LINES, LAST_LINES = 15, 45
"""How much of a long output is shown."""
QUICK_NOTE = "**A quick run with small sizes: it shows that all programs work, its figures say nothing.**"
Pictures = Mapping[str, Sequence[tuple[str, str]]]
"""Titles and paths by the name of the entry."""


def page(runs: Sequence[Run], missing: Sequence[Entry], size: Size, machine: str, pictures: Pictures) -> str:
    """The page in Markdown: aims and figures, verdicts, what falls short, then the output of each program.

    Args:
        missing: entries that have not run.
    """
    command = "python -m benchmarks.report" + (" --quick" if size is Size.QUICK else "")
    lines = [
        "# Figures",
        "",
        *([QUICK_NOTE, ""] if size is Size.QUICK else []),
        f"{_origin(runs)}: {machine}.",
        f"Repeat them with `{command}`, or one of them with its command.",
        "",
        "## Aims",
        "",
        "| what | figure | aim | |",
        "|---|---|---|---|",
        *_aims(runs),
        "",
        "## What falls short",
        "",
        *(_shortcomings(runs, missing) or ["Nothing."]),
        "",
        "## Programs",
        "",
        "| what | verdict | last line | minutes |",
        "|---|---|---|---|",
        *_verdicts(runs),
        "",
    ]
    for run in runs:
        lines += _section(run, pictures.get(run.entry.name, ()))
    return "\n".join(lines)


def _origin(runs: Iterable[Run]) -> str:
    """When and with which version the figures were measured; several if the report continued an older one."""
    dates = sorted({run.date for run in runs})
    commits = sorted({run.commit for run in runs})
    when = " to ".join(dict.fromkeys((dates[0], dates[-1]))) if dates else "Nothing"
    return f"Measured on {when}, version {', '.join(commits)}" if dates else when


def _aims(runs: Iterable[Run]) -> Iterator[str]:
    for run in runs:
        for aim, figure in run.results():
            if figure is None:
                shown, verdict = "not measured", "**missed**"
            else:
                verdict = "**failed**" if run.problem else "met" if aim.is_met(figure) else "**missed**"
                shown = aim.text(figure)
            sign = "≤" if aim.is_most else "≥"
            yield f"| {run.entry.title}: {aim.what} | {shown} | {sign} {aim.text(aim.limit)} | {verdict} |"


def _shortcomings(runs: Iterable[Run], missing: Iterable[Entry]) -> list[str]:
    found = []
    for run in runs:
        if run.problem:
            found.append(f"- {run.entry.title}: failed, {run.problem}.")
        for aim, figure in run.results():
            if figure is None and aim.what not in run.problem:
                found.append(f"- {run.entry.title}: {aim.what} was not measured.")
            elif figure is not None and not aim.is_met(figure):
                found.append(f"- {run.entry.title}: {aim.what} {aim.text(figure)}, aim {aim.text(aim.limit)}.")
    return found + [f"- {entry.title}: not run." for entry in missing]


def _verdicts(runs: Iterable[Run]) -> Iterator[str]:
    for run in runs:
        verdict = "**failed**" if run.problem else "ended well"
        said = (run.problem or last_line(run.output)).replace("|", "\\|")
        yield f"| {run.entry.title} | {verdict} | {said} | {run.seconds / 60:.1f} |"


def _section(run: Run, pictures: Iterable[tuple[str, str]]) -> list[str]:
    problem = f", **failed: {run.problem}**" if run.problem else ""
    lines = [
        f"## {run.entry.title}",
        "",
        f"`{run.entry.text(run.size)}`, {run.seconds:.0f} s, load average {run.load:.1f} before{problem}",
        "",
        "```",
        *(shortened(run.output) or ["(no output)"]),
        "```",
        "",
    ]
    for title, path in pictures:
        lines += [f"![{title}]({path})", ""]
    return lines


def shortened(output: str) -> list[str]:
    """The lines of an output, without the middle of a long one."""
    lines = output.replace("```", "'''").strip().splitlines()
    left_out = len(lines) - FIRST_LINES - LAST_LINES
    if left_out <= 0:
        return lines
    return [*lines[:FIRST_LINES], f"... {left_out} lines ...", *lines[-LAST_LINES:]]
