"""The folder that holds the finished runs: a raw output and a result per entry."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report.entry import Entry, Size
from benchmarks.report.run import Run, read_output


@dataclass(frozen=True, slots=True)
class Results:
    """Results of runs of one size; a run counts as finished once its result is written."""

    folder: Path
    size: Size

    def output(self, entry: Entry) -> Path:
        """The file of an entry's output."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder / f"{entry.name}.txt"

    def read(self, entry: Entry) -> Run | None:
        """The finished run of an entry; `None` if there is none, or if its command has changed since."""
        file = self._result(entry)
        if not file.exists():
            return None
        found = json.loads(file.read_text(encoding="utf-8"))
        if found["command"] != entry.text(self.size):
            return None
        output = self.output(entry)
        return Run(
            entry,
            self.size,
            read_output(output) if output.exists() else "",
            found["seconds"],
            found["load"],
            found["exit_code"],
            found["commit"],
            found["date"],
            found["obstacle"],
        )

    def write(self, run: Run) -> None:
        """Keep a finished run; its output is in its file already, unless the run did not start."""
        if run.obstacle:
            self.output(run.entry).write_text("", encoding="utf-8")
        found = {
            "command": run.entry.text(run.size),
            "problem": run.problem,
            "seconds": run.seconds,
            "load": run.load,
            "exit_code": run.exit_code,
            "commit": run.commit,
            "date": run.date,
            "obstacle": run.obstacle,
        }
        self._result(run.entry).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")

    def forget(self, entry: Entry) -> None:
        """Let the next report run an entry again."""
        self._result(entry).unlink(missing_ok=True)

    def _result(self, entry: Entry) -> Path:
        return self.output(entry).with_suffix(".json")
