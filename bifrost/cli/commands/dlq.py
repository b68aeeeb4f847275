"""`dlq`."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

import typer

from bifrost.alerts import Alert, read_alerts
from bifrost.cli.completion import complete_live
from bifrost.cli.consent import ConfirmedOption, DryRunOption, require_consent
from bifrost.cli.moments import moment_option
from bifrost.cli.options import JsonOption, TargetOption, settings_for
from bifrost.cli.output import Screen
from bifrost.clients.csv_error_folder import rejected_files
from bifrost.clients.key_topic import KeyTopic
from bifrost.clients.topic_records import TopicRecords
from bifrost.deployer.live.ownership import Entries
from bifrost.deployer.live.state import Platform, open_platform
from bifrost.operations.action_log import account_name, action_log_of
from bifrost.operations.dead_letter_queues import DeadLetterQueue, DeadLetterQueues, LetterSelection, RecordStore
from bifrost.operations.dead_letter_text import drop_lines, letter_json, letter_lines, letters_text, replay_lines
from bifrost.operations.group_owners import read_owners
from bifrost.operations.live_things import service_names
from bifrost.operations.moments import moment_text
from bifrost.operations.record_text import RecordText
from bifrost.operations.replay import PlannedReplay, ReplayedLetter, plan_replay, replay
from bifrost.operations.replay_marks import TOPIC as MARKS_TOPIC
from bifrost.redaction import redact_text, secrets_of
from bifrost.settings import Settings

ACTIONS = ("list", "show", "replay", "drop")
SHOWN = 10
_PLACE = re.compile(r"(\d{1,9})@(\d{1,19})")


@dataclass(frozen=True, slots=True)
class _Context:
    settings: Settings
    screen: Screen
    platform: Platform
    records: RecordStore
    queues: DeadLetterQueues
    alerts: tuple[Alert, ...]


def command(
    action: Annotated[str, typer.Argument(help="list, show, replay or drop.")],
    name: Annotated[
        str,
        typer.Argument(
            help="A dead-letter topic, or the connector, alert or service that writes it.", autocompletion=complete_live
        ),
    ] = "",
    since: Annotated[str, typer.Option(help="Only letters from this time on: 2026-11-30T14:00 (UTC), or 2h ago.")] = "",
    until: Annotated[str, typer.Option(help="Only letters before this time.")] = "",
    letter: Annotated[
        list[str] | None,
        typer.Option(metavar="PARTITION@OFFSET", help="Only this letter; repeatable.", show_default=False),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help=f"Only the newest N letters; `show` has {SHOWN}.", show_default=False)
    ] = None,
    to: Annotated[str, typer.Option(metavar="TOPIC", help="Replay to this topic, not to that of each letter.")] = "",
    again: Annotated[bool, typer.Option("--again", help="Replay letters once more that were replayed before.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Drop all letters.")] = False,
    dry_run: DryRunOption = False,
    yes: ConfirmedOption = False,
    as_json: JsonOption = False,
    target: TargetOption = None,
) -> None:
    """List, show, replay or drop dead letters: records that a connector or an alert could not process."""
    if action not in ACTIONS:
        raise typer.BadParameter(f"{action!r} is not one of {', '.join(ACTIONS)}", param_hint="ACTION")
    if (action == "list") == bool(name):
        raise typer.BadParameter("list takes no name; show, replay and drop need one", param_hint="NAME")
    now_ms = int(time.time() * 1000)
    selection = LetterSelection(
        moment_option("--since", since, now_ms), moment_option("--until", until, now_ms), _places(letter), limit
    )
    with _opened(target, as_json=as_json) as context:
        if action == "list":
            _list(context)
            return
        queue = context.queues.find(name)
        match action:
            case "show":
                _show(context, queue, selection)
            case "replay":
                _replay(context, queue, selection, to, again=again, dry_run=dry_run, yes=yes)
            case _:
                if not (everything or until or letter) or since or limit:
                    raise typer.BadParameter("drop takes --all, --until TIME, or --letter: all up to that letter")
                _drop(context, queue, selection, dry_run=dry_run, yes=yes)


@contextmanager
def _opened(target: str | None, *, as_json: bool) -> Iterator[_Context]:
    settings, screen = settings_for(target), Screen(as_json=as_json)
    alerts = read_alerts(settings.project / "alerts", lambda error: screen.warn(str(error)))
    records, marks = record_store(settings)
    with open_platform(settings) as platform:
        queues = DeadLetterQueues(
            platform.kafka, records, marks, platform.connect.configs(), alerts, service_names(settings)
        )
        yield _Context(settings, screen, platform, records, queues, alerts)


def record_store(settings: Settings) -> tuple[RecordStore, Entries]:
    """The records of the target's Kafka, and the marks of replayed letters there."""
    return TopicRecords(settings), KeyTopic(settings, MARKS_TOPIC)


def _places(letters: list[str] | None) -> frozenset[tuple[int, int]]:
    found = [_PLACE.fullmatch(text) for text in letters or ()]
    if not all(found):
        raise typer.BadParameter("expected PARTITION@OFFSET, such as 0@17", param_hint="--letter")
    return frozenset((int(match[1]), int(match[2])) for match in found if match is not None)


def _list(context: _Context) -> None:
    queues, files = context.queues.queues(), rejected_files(context.settings)
    if context.screen.as_json:
        entries = [
            {
                "topic": queue.topic,
                "owner": {"kind": queue.owner.kind, "name": queue.owner.name},
                "letters": queue.letters,
                "replayed": queue.replayed,
                "newest": moment_text(queue.newest_ms) or None,
            }
            for queue in queues
        ]
        folders = [{"file": str(file.folder / file.name), "cause": file.cause} for file in files]
        context.screen.json({"target": context.settings.target, "queues": entries, "files": folders})
        return
    rows = [
        [queue.topic, str(queue.owner), str(queue.letters), str(queue.replayed), moment_text(queue.newest_ms)]
        for queue in queues
    ]
    context.screen.table(["topic", "written by", "letters", "replayed", "newest (UTC)"], rows)
    for file in files:
        context.screen.say(f"{file.folder / file.name}: {file.cause}")
    if files:
        source = files[0].folder.parent / "source"
        context.screen.say(f"Correct a rejected file and move it to {source}, where the connector reads it again.")


def _show(context: _Context, queue: DeadLetterQueue, selection: LetterSelection) -> None:
    limit = selection.limit or (None if selection.places else SHOWN)
    found = context.queues.letters(
        queue, LetterSelection(selection.since_ms, selection.until_ms, selection.places, limit)
    )
    reader, secrets = RecordText(context.platform.registry), secrets_of(context.settings.secrets)
    entries = [letter_json(letter, context.queues.replayed_to(letter), reader) for letter in found]
    if context.screen.as_json:
        result = {"target": context.settings.target, "topic": queue.topic, "count": queue.letters, "letters": entries}
        context.screen.json(result)
        return
    for entry in entries:
        for line in letter_lines(entry):
            context.screen.say(redact_text(line, secrets))
    context.screen.say(f"{len(entries)} of {queue.letters} letters of {queue.topic} ({queue.owner}).")


def _replay(
    context: _Context,
    queue: DeadLetterQueue,
    selection: LetterSelection,
    to: str,
    *,
    again: bool,
    dry_run: bool,
    yes: bool,
) -> None:
    platform, screen = context.platform, context.screen
    owners = read_owners(platform, context.alerts, service_names(context.settings))
    letters = context.queues.letters(queue, selection)
    planned = plan_replay(context.queues, queue, letters, platform.kafka, owners, to=to, again=again)
    announced = list(replay_lines(planned, with_advice=True))
    done: tuple[ReplayedLetter, ...] = ()
    if planned.letters and not dry_run:
        require_consent(announced, screen, yes=yes)
        log = action_log_of(context.settings)
        with (
            screen.working(f"replaying {queue.topic}"),
            log.logged(account_name(), "replay dead letters", queue.topic, announced) as result,
        ):
            done = replay(
                planned,
                context.queues,
                platform.kafka,
                context.records,
                lambda: int(time.time() * 1000),
                lambda number, total: screen.progress(f"{number} of {total} letters"),
            )
            result.text = f"{letters_text(len(done))} of {queue.topic} replayed and marked."
    if screen.as_json:
        screen.json(
            {
                "target": context.settings.target,
                "topic": queue.topic,
                "dry_run": dry_run,
                "replayed": [{"letter": str(item.letter.record), "to": item.place} for item in done]
                if done or not dry_run
                else [
                    {"letter": str(letter.record), "to": topic}
                    for letter, topic in zip(planned.letters, planned.to, strict=True)
                ],
                "skipped": [
                    {"letter": str(item.letter.record), "reason": item.advised_reason} for item in planned.skipped
                ],
                "read_by": [str(reader) for reader in planned.readers],
            }
        )
        return
    screen.lines(announced if dry_run or not planned.letters else ())
    if done:
        screen.say(f"{letters_text(len(done))} replayed and marked{_skipped(planned)}.")


def _skipped(planned: PlannedReplay) -> str:
    return f", {len(planned.skipped)} skipped (--dry-run says why)" if planned.skipped else ""


def _drop(context: _Context, queue: DeadLetterQueue, selection: LetterSelection, *, dry_run: bool, yes: bool) -> None:
    before = _up_to(selection.places) if selection.places else None
    planned = context.queues.plan_drop(queue, before, selection.until_ms)
    announced = drop_lines(planned)
    if planned.letters and not dry_run:
        require_consent(announced, context.screen, yes=yes)
        with action_log_of(context.settings).logged(
            account_name(), "drop dead letters", queue.topic, announced
        ) as result:
            context.queues.drop(planned)
            result.text = f"{letters_text(planned.letters)} of {queue.topic} deleted."
        announced = [result.text]
    if context.screen.as_json:
        context.screen.json(
            {
                "target": context.settings.target,
                "topic": queue.topic,
                "dry_run": dry_run,
                "deleted": planned.letters,
                "never_replayed": planned.not_replayed,
                "before": {str(number): offset for number, offset in planned.before.items()},
            }
        )
        return
    context.screen.lines(announced)


def _up_to(places: frozenset[tuple[int, int]]) -> dict[int, int]:
    """Kafka deletes from the start of a partition only, so a letter stands for all up to it."""
    ends: dict[int, int] = {}
    for partition, offset in places:
        ends[partition] = max(ends.get(partition, 0), offset + 1)
    return ends
