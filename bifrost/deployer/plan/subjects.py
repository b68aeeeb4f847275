"""Compares declared schemas with the subjects of the registry; says which field breaks which rule."""

from __future__ import annotations

from collections.abc import Iterator

from bifrost.deployer.declared.declarations import Declarations, DeclaredSubject
from bifrost.deployer.live.state import Conflict, LiveState, LiveSubject
from bifrost.deployer.plan.actions import (
    Action,
    ActionKind,
    RegisterIncompatible,
    RegisterSubject,
    ResourceKind,
    keep,
)
from bifrost.deployer.plan.avro_compatibility import broken_rules
from bifrost.deployer.plan.losses import Loss
from bifrost.deployer.plan.schema_equality import schema_difference

_RULES = {
    "BACKWARD": "a new schema must be able to read the records of the last one",
    "FORWARD": "programs with the last schema must be able to read new records",
    "FULL": "the new and the last schema must be able to read each other's records",
}


def plan_subjects(declared: Declarations, live: LiveState) -> Iterator[Action]:
    """The actions for declared schemas; those that connectors register are only compared."""
    for subject in declared.subjects:
        found = live.subjects.get(subject.name)
        if found is not None:
            yield _existing(subject, found, declared)
        elif not subject.is_snapshot:
            register = (RegisterSubject(subject),)
            yield Action(ActionKind.CREATE, ResourceKind.SUBJECT, subject.name, "is not registered", register)


def _existing(subject: DeclaredSubject, found: LiveSubject, declared: Declarations) -> Action:
    differs = schema_difference(subject.schema, found.latest.schema)
    if differs is None:
        return keep(ResourceKind.SUBJECT, subject.name)
    if found.declared_version is None and not subject.is_snapshot:
        return _changed(subject, found, differs, declared)
    note = f"version {found.latest.version} differs from {subject.path.name}: {differs}"
    if found.declared_version is not None and not subject.is_snapshot:
        note += f"; the declared schema is version {found.declared_version}, and producers that have it still use it"
    # Connectors register a snapshot: either the file is outdated, or the connector writes something else.
    return keep(ResourceKind.SUBJECT, subject.name, [note])


def _changed(subject: DeclaredSubject, found: LiveSubject, differs: str, declared: Declarations) -> Action:
    reason = "; ".join([differs, *_inferring(subject, declared)])
    if found.conflict is None:
        step = RegisterSubject(subject)
        return Action(ActionKind.UPDATE, ResourceKind.SUBJECT, subject.name, reason, (step,))
    loss = Loss(_conflict_text(subject, found, found.conflict), "incompatible")
    forced = RegisterIncompatible(subject)
    return Action(ActionKind.UPDATE, ResourceKind.SUBJECT, subject.name, reason, (forced,), loss=(loss,))


def _conflict_text(subject: DeclaredSubject, found: LiveSubject, conflict: Conflict) -> str:
    rule = conflict.rule.removesuffix("_TRANSITIVE")
    meaning = f" ({_RULES[rule]})" if rule in _RULES else ""
    causes = broken_rules(subject.schema, found.latest.schema, conflict.rule) or conflict.messages
    why = f": {'; '.join(causes)}" if causes else ""
    return (
        f"the registry refuses it, because the rule of {subject.name} is {conflict.rule}{meaning}{why}; to keep to the "
        "rule, give new fields a default or use a new topic"
    )


def _inferring(subject: DeclaredSubject, declared: Declarations) -> Iterator[str]:
    """Sources that take their columns from a subject keep those that they were created with."""
    names = [item.name for item in declared.statements if subject.name in item.awaited_subjects]
    if names:
        yield f"{', '.join(names)} keeps its columns until it is created again"
