"""Runs the rules that look at declarations alone, as written (not mapped to a target)."""

from __future__ import annotations

from collections.abc import Iterator

from bifrost.deployer.declared.declarations import Declarations
from bifrost.deployer.lint import connector_rules, debezium_rules, sink_rules, statement_rules, topic_rules
from bifrost.deployer.lint.rule import FileProblem

_ALONE = (*debezium_rules.CHECKS, *connector_rules.CHECKS, *sink_rules.CHECKS)
_TOGETHER = (
    *sink_rules.CHECKS_TOGETHER,
    *debezium_rules.CHECKS_TOGETHER,
    *topic_rules.CHECKS_TOGETHER,
    *statement_rules.CHECKS_TOGETHER,
)


def lint(declared: Declarations) -> Iterator[FileProblem]:
    """The problems that single connectors have by themselves."""
    for connector in declared.connectors:
        for check in _ALONE:
            yield from check(connector)


def lint_together(declared: Declarations) -> Iterator[FileProblem]:
    """The problems of connectors, topics and statements beside each other."""
    for check in _TOGETHER:
        yield from check(declared)
