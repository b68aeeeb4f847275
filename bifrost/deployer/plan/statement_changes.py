"""Decides for each declared statement whether it is kept, created, changed in place, replaced, or left to a person."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bifrost.deployer.declared.declarations import Creating, Declarations, DeclaredStatement
from bifrost.deployer.declared.statement_files import names_read
from bifrost.deployer.live.state import LiveQuery, LiveSource, LiveState
from bifrost.deployer.plan.actions import ActionKind
from bifrost.deployer.plan.live_statements import (
    columns_of,
    commands_to_replace,
    foreign_readers,
    insert_query_of,
    query_of,
    with_declared_types,
)
from bifrost.deployer.plan.replace_choices import BY_DEFAULT, ReplaceChoices
from bifrost.deployer.plan.statement_equality import star_lacks_columns, statement_difference
from bifrost.deployer.plan.type_equality import type_difference
from bifrost.sql.tree import CreateAsSelect, CreateSource, CreateType, InsertSelect, InsertValues

if TYPE_CHECKING:
    from bifrost.deployer.plan.statement_upgrades import StatementUpgrades, Verdict

UNPARSEABLE = "cannot be compared: the server's text of it cannot be parsed"
TERMINATED = "its query was terminated; a new one computes everything again"
_PHRASES = {"WHERE differs": "filter changed", "SELECT differs": "columns changed", "HAVING differs": "HAVING changed"}


@dataclass(frozen=True, slots=True)
class StatementScope:
    """What a plan of statements knows beside the selected ones.

    `everything` holds all declarations, whose statements may read what is replaced. `pruned` are the names and ids of
    undeclared streams, tables and queries that the same plan removes. Of `changed` statements alone (`None`: of all)
    differences count.
    """

    everything: Declarations | None = None
    choices: ReplaceChoices = BY_DEFAULT
    pruned: frozenset[str] = frozenset()
    changed: frozenset[str] | None = None


DEFAULT_SCOPE = StatementScope()


@dataclass(frozen=True, slots=True)
class StatementChange:
    """What happens to one declared statement.

    `source` and `query` are its live counterparts: those that end if `kind` is REPLACE. `misfit` is why the topic of
    the query must be deleted, `deletes_topic` whether it is. `retention_ms` is what a kept topic must have.
    """

    statement: DeclaredStatement
    tree: Creating
    kind: ActionKind
    reason: str = ""
    source: LiveSource | None = None
    query: LiveQuery | None = None
    misfit: str = ""
    deletes_topic: bool = False
    retention_ms: int | None = None
    manual_steps: tuple[str, ...] = ()


def statement_changes(
    declared: Declarations, live: LiveState, scope: StatementScope = DEFAULT_SCOPE
) -> tuple[StatementChange, ...]:
    """The change of each statement, in their order of dependence; of others only what must be recreated with them."""
    selected = frozenset(statement.name for statement in declared.statements)
    changes = _Decisions(scope.everything or declared, live, scope, selected).changes()
    return tuple(change for change in changes if change.statement.name in selected or _ends_something(change))


class _Decisions:
    """One pass over the statements; a statement comes after those that it reads, so their changes are known."""

    def __init__(
        self, everything: Declarations, live: LiveState, scope: StatementScope, selected: Container[str]
    ) -> None:
        self._declared = everything
        self._live = live
        self._choices = scope.choices
        self._pruned = scope.pruned
        self._selected = selected
        self._changed_names = scope.changed
        self._columns = columns_of(live.sources)
        self._replaced: set[str] = set()
        self._deleted_topics: set[str] = set()
        self._created: list[tuple[DeclaredStatement, Creating]] = []
        self._upgrades: StatementUpgrades | None = None
        statements = tuple(with_declared_types(everything))
        inserts = (tree for _, tree in statements if isinstance(tree, InsertSelect))
        matched = (insert_query_of(tree, live.queries.values(), self._columns) for tree in inserts)
        self._matched_inserts = {query.summary.id for query in matched if query is not None}
        self._statements = statements

    def changes(self) -> Iterator[StatementChange]:
        topics = {item.name: item.topic for item in self._declared.statements}
        for statement, tree in self._statements:
            if statement.name not in self._selected and not self._because(tree):
                continue
            if self._changed_names is not None and statement.name not in self._changed_names:
                if not self._because(tree):
                    yield self._left_out(statement, tree)
                    continue
            match tree:
                case CreateType():
                    yield self._type(statement, tree)
                case InsertSelect():
                    yield self._insert(statement, tree)
                case InsertValues(target=target):
                    yield self._first_row(statement, tree, topics.get(target, ""))
                case CreateSource() | CreateAsSelect():
                    yield self._source(statement, tree)

    def _left_out(self, statement: DeclaredStatement, tree: Creating) -> StatementChange:
        """A statement whose changes a person left out of this plan: it exists, or it is missing."""
        names = self._live.types if isinstance(tree, CreateType) else self._live.sources
        exists = not isinstance(tree, CreateType | CreateSource | CreateAsSelect) or statement.name in names
        return StatementChange(statement, tree, ActionKind.KEEP if exists else ActionKind.CREATE, "is missing")

    def _type(self, statement: DeclaredStatement, tree: CreateType) -> StatementChange:
        found = self._live.types.get(tree.name.upper())
        if found is None:
            return StatementChange(statement, tree, ActionKind.CREATE, "is missing")
        differs = type_difference(tree.type, found)
        if differs is None:
            return StatementChange(statement, tree, ActionKind.KEEP)
        return StatementChange(statement, tree, ActionKind.REPLACE, differs)

    def _first_row(self, statement: DeclaredStatement, tree: InsertValues, topic: str) -> StatementChange:
        """A declared row is initial content: once its topic has had any record, the table belongs to its users."""
        if topic in self._live.written:
            return StatementChange(statement, tree, ActionKind.KEEP)
        return StatementChange(statement, tree, ActionKind.CREATE, f"nothing was ever written to {topic}")

    def _insert(self, statement: DeclaredStatement, tree: InsertSelect) -> StatementChange:
        query = insert_query_of(tree, self._live.queries.values(), self._columns)
        if query is not None:
            because = self._because(tree)
            if because:
                return StatementChange(statement, tree, ActionKind.REPLACE, f"recreated: {because}", query=query)
            return StatementChange(statement, tree, ActionKind.KEEP, query=query)
        outdated = self._outdated_insert(tree)
        if outdated is None:
            return StatementChange(statement, tree, ActionKind.CREATE, "is missing")
        self._matched_inserts.add(outdated.summary.id)
        assert isinstance(outdated.tree, InsertSelect)
        differs = statement_difference(tree, outdated.tree, self._columns) or "differs"
        reason = f"{differs}; takes the place of query {outdated.summary.id}"
        return StatementChange(statement, tree, ActionKind.REPLACE, reason, query=outdated)

    def _outdated_insert(self, tree: InsertSelect) -> LiveQuery | None:
        """An INSERT query of this project into the same target that no statement declares (any more)."""
        found = [
            query
            for query_id, query in sorted(self._live.queries.items())
            if isinstance(query.tree, InsertSelect)
            and query.tree.target == tree.target
            and query_id in self._live.owned.queries
            and query_id not in self._matched_inserts
        ]
        reads = set(names_read(tree))
        # Of several, the one that reads the same sources is the earlier version of this statement.
        return min(found, key=lambda query: set(names_read(query.tree or tree)) != reads, default=None)

    def _source(self, statement: DeclaredStatement, tree: CreateSource | CreateAsSelect) -> StatementChange:
        found = self._live.sources.get(statement.name)
        if found is None:
            return self._create(statement, tree)
        if found.tree is None:
            steps = commands_to_replace(statement.name, self._live)
            return StatementChange(statement, tree, ActionKind.BLOCKED, UNPARSEABLE, found, manual_steps=steps)
        differs, because = statement_difference(tree, found.tree, self._columns), self._because(tree)
        query = query_of(found, self._live) if isinstance(tree, CreateAsSelect) else None
        if because:
            reason = f"recreated: {because}" if differs is None else f"{differs}; {because}"
            return self._replace(statement, tree, found, reason, self._after().create(statement, tree))
        if differs is not None:
            return self._changed(statement, tree, found, differs)
        if isinstance(tree, CreateAsSelect) and query is None:
            return self._replace(statement, tree, found, TERMINATED, self._after().create(statement, tree))
        if isinstance(tree, CreateAsSelect) and star_lacks_columns(tree, self._columns):
            verdict = self._after().extend(statement, tree)
            if verdict is not None:
                return self._in_place(statement, tree, found, "columns changed", verdict)
        return StatementChange(statement, tree, ActionKind.KEEP, source=found, query=query)

    def _create(self, statement: DeclaredStatement, tree: CreateSource | CreateAsSelect) -> StatementChange:
        if self._upgrades is None:
            self._created.append((statement, tree))
        else:
            self._upgrades.create(statement, tree)
        former = self._former_name(tree)
        renamed = f"; {former}, which no file declares any more, is the same: --prune drops it" if former else ""
        return StatementChange(statement, tree, ActionKind.CREATE, f"is missing{renamed}")

    def _former_name(self, tree: CreateSource | CreateAsSelect) -> str:
        """The live source of this project that differs from a new one in its name only."""
        declared = {statement.name for statement in self._declared.statements}
        for name in sorted(self._live.owned.statements & self._live.sources.keys() - declared):
            found = self._live.sources[name].tree
            if found is not None and statement_difference(replace(tree, name=name), found, self._columns) is None:
                return name
        return ""

    def _because(self, tree: Creating) -> str:
        """Why an unchanged statement cannot stay: it reads something that is dropped."""
        read = sorted(self._replaced.intersection(names_read(tree)))
        if read:
            into = isinstance(tree, InsertSelect) and tree.target in read
            return f"{'writes' if into else 'reads'} {', '.join(read)}"
        topic = topic_name(tree)
        return f"reads topic {topic}, which is deleted" if topic in self._deleted_topics else ""

    def _changed(
        self, statement: DeclaredStatement, tree: CreateSource | CreateAsSelect, found: LiveSource, differs: str
    ) -> StatementChange:
        upgrades = self._after()
        # Only columns and the query can change in place: what WITH says belongs to the topic and its records.
        is_fixed = differs.startswith(("WITH ", "is a ", "was created", "SOURCE ")) and "RETENTION_MS" not in differs
        verdict = upgrades.create(statement, tree) if is_fixed else upgrades.change(statement, tree)
        if is_fixed or verdict.refusal:
            reason = f"{differs}; {verdict.refusal}" if verdict.refusal and not verdict.invalid else differs
            return self._replace(statement, tree, found, reason, verdict)
        return self._in_place(statement, tree, found, _PHRASES.get(differs, differs), verdict)

    def _in_place(
        self,
        statement: DeclaredStatement,
        tree: CreateSource | CreateAsSelect,
        found: LiveSource,
        phrase: str,
        verdict: Verdict,
    ) -> StatementChange:
        if verdict.columns is not None:
            before = self._columns.get(statement.name, ())
            added = [name for name in verdict.columns if name not in before]
            phrase = f"columns added: {', '.join(added)}" if added else phrase
            self._columns = {**self._columns, statement.name: list(verdict.columns)}
        is_query = isinstance(tree, CreateAsSelect)
        reason = f"in place: {phrase}{'; continues from its committed offsets' if is_query else ''}"
        query = query_of(found, self._live) if is_query else None
        return StatementChange(
            statement, tree, ActionKind.UPDATE, reason, found, query, retention_ms=verdict.retention_ms
        )

    def _replace(
        self,
        statement: DeclaredStatement,
        tree: CreateSource | CreateAsSelect,
        found: LiveSource,
        reason: str,
        verdict: Verdict,
    ) -> StatementChange:
        problem, steps = self._obstacle(statement, found, verdict)
        if problem:
            return StatementChange(
                statement, tree, ActionKind.BLOCKED, f"{reason}; {problem}", found, manual_steps=steps
            )
        writes = isinstance(found.tree, CreateAsSelect)
        deletes = writes and (
            self._choices.topics == "delete" or (self._choices.topics is None and verdict.misfit != "")
        )
        self._replaced.add(statement.name)
        if deletes:
            self._deleted_topics.add(found.description.topic)
        if verdict.columns is not None:
            self._columns = {**self._columns, statement.name: list(verdict.columns)}
        query = query_of(found, self._live) if writes else None
        return StatementChange(
            statement,
            tree,
            ActionKind.REPLACE,
            reason,
            found,
            query,
            misfit=verdict.misfit if writes else "",
            deletes_topic=deletes,
            retention_ms=verdict.retention_ms,
        )

    def _obstacle(
        self, statement: DeclaredStatement, found: LiveSource, verdict: Verdict
    ) -> tuple[str, tuple[str, ...]]:
        """Why the deployer does not replace a statement, with the commands that a person may run instead."""
        if verdict.invalid:
            return f"ksqlDB would refuse the new statement: {verdict.invalid}", ()
        if verdict.misfit and self._choices.topics == "keep":
            topic = found.description.topic
            return f"topic {topic} cannot be kept ({verdict.misfit}): use --delete-topic, or name another topic", ()
        foreign = foreign_readers(statement.name, self._declared, self._live, self._pruned)
        if foreign:
            problem = f"{', '.join(foreign)}, which no file declares, must be dropped first"
            return problem, commands_to_replace(statement.name, self._live)
        return "", ()

    def _after(self) -> StatementUpgrades:
        """The planner of the engine, which is only needed, and only imported, when something has changed."""
        if self._upgrades is None:
            from bifrost.deployer.plan.statement_upgrades import StatementUpgrades

            self._upgrades = StatementUpgrades(self._declared, self._live)
            for statement, tree in self._created:
                self._upgrades.create(statement, tree)
        return self._upgrades


def topic_name(tree: Creating) -> str:
    """The topic that a declared source is on; empty for other statements."""
    if not isinstance(tree, CreateSource):
        return ""
    return str(getattr(tree.properties.get("KAFKA_TOPIC"), "value", tree.name))


def _ends_something(change: StatementChange) -> bool:
    return change.kind in (ActionKind.REPLACE, ActionKind.BLOCKED)


def replaced(changes: Sequence[StatementChange]) -> Iterator[StatementChange]:
    """The changes that end a live source or query."""
    return (change for change in changes if change.kind is ActionKind.REPLACE and (change.source or change.query))
