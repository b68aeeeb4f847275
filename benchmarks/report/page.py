"""Writes the figures as a page. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.report.entries import Aim, Entry


@dataclass(frozen=True, slots=True)
class Run:
    """One program's run.

    Attributes:
        load: the machine's load average when it began; above about half of the cores, figures are too low.
        exit_code: `None` if it was ended after its deadline.
    """

    entry: Entry
    output: str
    seconds: float
    load: float
    exit_code: int | None

    @property
    def problem(self) -> str:
        """Why its figures are incomplete, or empty."""
        match self.exit_code:
            case 0:
                return ""
            case None:
                return f"ended after {self.seconds / 60:.0f} minutes"
            case code:
                return f"exit code {code}"

    def results(self) -> Iterator[tuple[Aim, float | None]]:
        """Each aim with the figure that is farthest from it."""
        return ((aim, aim.worst(self.output)) for aim in self.entry.aims)


def page(runs: Sequence[Run], machine: str, commit: str, date: str, pictures: Iterable[tuple[str, str]]) -> str:
    """The page in Markdown: aims and figures, what falls short, then the output of each program.

    Args:
        pictures: titles and paths.
    """
    lines = [
        "# Figures",
        "",
        f"Measured on {date}, version {commit}: {machine}.",
        "Repeat them with `python -m benchmarks.report`, or one of them with its command.",
        "",
        "## Aims",
        "",
        "| what | figure | aim | |",
        "|---|---|---|---|",
        *_aims(runs),
        "",
        "## What falls short",
        "",
        *(_shortcomings(runs) or ["Nothing."]),
        "",
    ]
    for run in runs:
        lines += _section(run)
    for title, path in pictures:
        lines += [f"![{title}]({path})", ""]
    return "\n".join(lines)


def _aims(runs: Iterable[Run]) -> Iterator[str]:
    for run in runs:
        for aim, figure in run.results():
            shown = "not measured" if figure is None else f"{figure:g} {aim.unit}".strip()
            verdict = "" if figure is None else "met" if aim.is_met(figure) else "**missed**"
            sign = "≤" if aim.is_most else "≥"
            yield f"| {run.entry.title}: {aim.what} | {shown} | {sign} {aim.limit:g} {aim.unit} | {verdict} |"


def _shortcomings(runs: Iterable[Run]) -> list[str]:
    found = []
    for run in runs:
        if run.problem:
            found.append(f"- {run.entry.title}: {run.problem}.")
        for aim, figure in run.results():
            if figure is None:
                found.append(f"- {run.entry.title}: {aim.what} was not measured.")
            elif not aim.is_met(figure):
                found.append(f"- {run.entry.title}: {aim.what} {figure:g} {aim.unit}, aim {aim.limit:g}.")
    return found


def _section(run: Run) -> list[str]:
    problem = f", {run.problem}" if run.problem else ""
    return [
        f"## {run.entry.title}",
        "",
        f"`{run.entry.text}`, {run.seconds:.0f} s, load average {run.load:.1f} before{problem}",
        "",
        "```",
        run.output.strip() or "(no output)",
        "```",
        "",
    ]
