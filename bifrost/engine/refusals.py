"""Refusals that the REST API answers in their own way."""

from __future__ import annotations

from bifrost.errors import AnalysisError, StatementError


class QueryElsewhere(StatementError):
    """A query was sent where only statements are taken, as ksqlDB's /ksql refuses it."""

    def __init__(self, statement: str) -> None:
        super().__init__(
            "The following statement types should be issued to the websocket endpoint '/query':\n\t* PRINT\n\t* SELECT",
            statement,
        )


class NotAQuery(StatementError):
    """Something else was sent where a query is taken, as ksqlDB's /query refuses it."""

    def __init__(self, statement: str) -> None:
        kind = "io.confluent.ksql.parser.KsqlParser$PreparedStatement"
        super().__init__(f"Statement type `{kind}' not supported for this resource", statement)


class PropertyError(StatementError):
    """A property that no part of ksqlDB knows."""


class MissingTopic(AnalysisError):
    """A statement over a topic that is not there, without saying how to make it."""


class AssertionMissed(StatementError):
    """An ASSERT that did not come true in time."""
