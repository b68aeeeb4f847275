"""What is lost or repeated when a statement is dropped and created again, in plain sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bifrost.deployer.declared.declarations import Declarations, DeclaredStatement
from bifrost.deployer.declared.statement_files import names_read
from bifrost.deployer.live.change_details import DEFAULT_RETENTION_MS, RETENTION, is_lowered
from bifrost.deployer.live.rebuild_record import Rebuild, RebuiltStatement
from bifrost.deployer.live.state import LiveState
from bifrost.deployer.plan.actions import AlterTopic, Operation
from bifrost.deployer.plan.losses import Loss
from bifrost.deployer.plan.replace_choices import ReadFrom, ReplaceChoices
from bifrost.deployer.plan.statement_changes import StatementChange
from bifrost.deployer.plan.topic_readers import SinkReader, notifiers, other_groups, sink_readers
from bifrost.sql.tree import CreateAsSelect, CreateSource, InsertSelect, Join, Query, SourceKind

REPLACE, DELETE = "replace", "delete"


class StatementLosses:
    """Words the losses of statements; `everything` declares what reads their topics."""

    def __init__(
        self, everything: Declarations, live: LiveState, choices: ReplaceChoices, rebuild: Rebuild | None
    ) -> None:
        self._everything = everything
        self._live = live
        self._choices = choices
        self._again: dict[str, int] = {}
        self._kept: dict[str, int] = {}
        for statement in () if rebuild is None else rebuild.statements:
            self._again[statement.topic] = times = self._times_again(statement)
            # A deleted topic is filled once; a kept one holds the earlier records beside the new ones.
            self._kept[statement.topic] = 0 if statement.deletes_topic else times

    def _times_again(self, statement: RebuiltStatement) -> int:
        """How often a query writes again what its topic holds: its inputs may hold their records twice by then."""
        if statement.read_from == "latest":
            return 0
        return max((1 + self._kept.get(topic, 0) for topic in statement.inputs), default=1)

    def of_replaced(self, change: StatementChange, rebuilt: RebuiltStatement) -> tuple[Loss, ...]:
        """The losses of a query that is dropped and created again."""
        return (
            Loss(self._of_state(change, rebuilt), REPLACE),
            *self._of_topic(change, rebuilt),
            *self._of_readers(rebuilt),
        )

    def of_created(self, change: StatementChange, rebuilt: RebuiltStatement) -> tuple[Loss, ...]:
        """The losses of a query that is missing while the topic that it writes holds records, as after a DROP."""
        count = _records(self._live.records.get(rebuilt.topic, 0))
        what = f"topic {rebuilt.topic} holds {count} already, and the query writes them again{_advice(change)}"
        return (Loss(what, REPLACE), *self._of_readers(rebuilt))

    def of_retention(self, operations: Iterable[Operation]) -> Iterator[Loss]:
        """The losses of topics that are kept for a shorter time."""
        for step in operations:
            wanted = step.changed.get(RETENTION) if isinstance(step, AlterTopic) else None
            if not isinstance(step, AlterTopic) or wanted is None:
                continue
            found = int(self._live.topics[step.name].config.get(RETENTION, DEFAULT_RETENTION_MS))
            if is_lowered(found, int(wanted)):
                yield Loss(f"topic {step.name} loses its records older than {int(wanted) // 1000} s", DELETE)

    def _of_state(self, change: StatementChange, rebuilt: RebuiltStatement) -> str:
        tree = change.tree
        inputs = ", ".join(sorted(_inputs(change)))
        stateful = isinstance(tree, CreateAsSelect | InsertSelect) and _has_state(tree.query)
        if rebuilt.read_from == "latest":
            lost = "its state so far is lost; " if stateful else ""
            return f"{lost}it continues with new records of {inputs}: those that arrive during the change are left out"
        return f"{'its state is rebuilt' if stateful else 'it computes everything again'} from all records of {inputs}"

    def _of_topic(self, change: StatementChange, rebuilt: RebuiltStatement) -> Iterator[Loss]:
        count = self._live.records.get(rebuilt.topic)
        held = "its records" if count is None else f"its {_records(count)}"
        if rebuilt.deletes_topic:
            because = f", because it cannot be kept ({change.misfit})" if change.misfit else ""
            # What a person has chosen needs no second word.
            flag = REPLACE if self._choices.topics == "delete" else DELETE
            yield Loss(f"topic {rebuilt.topic} is deleted with {held}{because}", flag)
        elif rebuilt.read_from == "earliest" and count != 0:
            times = self._again.get(rebuilt.topic, 1)
            many = "about as many" if times == 1 else f"about {times} times as many"
            again = "their rows" if _is_table(change) else many
            yield Loss(f"topic {rebuilt.topic} keeps {held} and gets {again} again{_advice(change)}", REPLACE)

    def _of_readers(self, rebuilt: RebuiltStatement) -> Iterator[Loss]:
        topic = rebuilt.topic
        repeats = rebuilt.read_from == "earliest" and self._live.records.get(topic) != 0
        if not repeats and not rebuilt.deletes_topic:
            return
        if repeats and not rebuilt.deletes_topic:
            for name in _declared_on(topic, self._live):
                yield Loss(
                    f"{name}, which is declared on that topic, reads{self._about(topic) or ' them'} again", REPLACE
                )
        for sink in sink_readers(topic, self._everything, self._live):
            yield Loss(self._of_sink(sink, rebuilt), REPLACE)
        for notifier in notifiers(topic, self._everything, self._live):
            if not repeats:
                continue
            if notifier.group in rebuilt.groups:
                what = f"{notifier.label} sends nothing for the records that are computed again"
                left = f", nor for {_records(notifier.unread)} that it has not read yet" if notifier.unread else ""
                yield Loss(f"{what}{left}, nor for those that arrive during the change", REPLACE)
            elif self._choices.repeat_alerts:
                yield Loss(f"{notifier.label} sends messages again{self._for(topic)}", REPLACE)
            else:
                elsewhere = f"{notifier.service} runs elsewhere: stop it before, or it sends messages again"
                yield Loss(f"{notifier.label}: {elsewhere}{self._for(topic)}", REPLACE)
        for group in other_groups(topic, self._everything, self._live) if repeats else ():
            yield Loss(f"consumer group {group} reads{self._about(topic) or ' the records'} again", REPLACE)

    def _of_sink(self, sink: SinkReader, rebuilt: RebuiltStatement) -> str:
        if rebuilt.deletes_topic:
            kept = "what it wrote before stays in its target"
            if "Elasticsearch" in sink.config.get("connector.class", "") and sink.overwrites:
                # The connector's version of a document is the record's offset, which begins at 0 again.
                kept += ", whose documents count as newer than the new topic's: delete the index first"
            return f"sink {sink.name} reads the new topic from its start; {kept}"
        if sink.overwrites:
            return f"sink {sink.name} overwrites the same documents or rows{self._about(rebuilt.topic)} again"
        return f"sink {sink.name} writes{self._about(rebuilt.topic) or ' the records'} a second time"

    def _for(self, topic: str) -> str:
        about = self._about(topic)
        return f" for{about}" if about else ""

    def _about(self, topic: str) -> str:
        count = self._live.records.get(topic)
        return "" if count is None else f" about {_records(count * max(self._again.get(topic, 1), 1))}"


def read_from(change: StatementChange, live: LiveState, choices: ReplaceChoices) -> ReadFrom:
    """Where a new query starts: as chosen, else as its statement's `auto.offset.reset` says (ksqlDB: `latest`).

    Tables are always read from their first record.
    """
    if all(_kind_of(name, live) == SourceKind.TABLE.value for name in _inputs(change)):
        return "earliest"
    if choices.read_from is not None:
        return choices.read_from
    return declared_start(change.statement)


def declared_start(statement: DeclaredStatement) -> ReadFrom:
    """Where the `auto.offset.reset` of a statement lets its query start."""
    found = next(
        (value for name, value in statement.properties.items() if name.endswith("auto.offset.reset")), "latest"
    )
    return "earliest" if found.lower() == "earliest" else "latest"


def _declared_on(topic: str, live: LiveState) -> tuple[str, ...]:
    return tuple(
        name
        for name, source in sorted(live.sources.items())
        if isinstance(source.tree, CreateSource) and source.description.topic == topic
    )


def _inputs(change: StatementChange) -> set[str]:
    target = change.tree.target if isinstance(change.tree, InsertSelect) else ""
    return set(names_read(change.tree)) - {target}


def _kind_of(name: str, live: LiveState) -> str:
    found = live.sources.get(name)
    return "" if found is None else found.description.type


def _is_table(change: StatementChange) -> bool:
    return isinstance(change.tree, CreateAsSelect) and change.tree.kind is SourceKind.TABLE


def _has_state(query: Query) -> bool:
    return bool(query.group_by) or isinstance(query.source, Join)


def _advice(change: StatementChange) -> str:
    return "" if _is_table(change) else " (--from latest or --delete-topic avoids that)"


def _records(count: int) -> str:
    return "1 record" if count == 1 else f"{count} records"
