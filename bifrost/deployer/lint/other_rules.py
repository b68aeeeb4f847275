"""Rules whose checks are elsewhere: files that cannot be read, dashboards, alerts."""

from __future__ import annotations

from bifrost.deployer.lint.rule import LintRule

UNREADABLE = LintRule(
    "BF001",
    "a file cannot be read",
    "It is not JSON, SQL or TOML, or holds a setting that does not exist.",
    "Correct the place that the error names.",
    '{"orders": {"partitions": 1}}',
    is_error=True,
    can_silence=False,
)
UNKNOWN_CODE = LintRule(
    "BF002",
    "an unknown rule is silenced",
    "The code is misspelt, so the rule that is meant still applies.",
    "Correct the code; `lint --explain all` lists them.",
    '"bifrost.lint.ignore": "BF108"',
)
WRONG_SEARCH = LintRule(
    "BF601",
    "the search of a dashboard's panel is wrong",
    "The search engine refuses it, and the panel stays empty.",
    "Correct the search in the panel's file.",
    '"data": {"url": {"%context%": true, "%timefield%": "TS", "index": "ratings", "body": {"size": 0}}}',
    is_error=True,
    can_silence=False,
)
SHARED_GROUP = LintRule(
    "BF602",
    "two alerts share a consumer group",
    "Each record goes to one of them only.",
    "Leave `group` out, or give each alert its own.",
    'group = "fraud-to-slack"',
    is_error=True,
)
UNKNOWN_ALERT_TOPIC = LintRule(
    "BF603",
    "an alert reads a topic of no stream or table",
    "Nothing is ever sent.",
    "Correct the topic's name.",
    'topic = "POSSIBLE_FRAUD"',
    is_error=True,
)
UNREADABLE_FORMAT = LintRule(
    "BF604",
    "an alert cannot read its topic's format",
    "The service reads JSON and Avro values with keys of KAFKA, JSON or AVRO.",
    "Let the statement write a format that alerts can read.",
    "CREATE STREAM ALERTS WITH (VALUE_FORMAT='JSON') AS SELECT ID, TEXT FROM EVENTS EMIT CHANGES;",
    is_error=True,
)
UNKNOWN_ALERT_COLUMN = LintRule(
    "BF605",
    "an alert names a column that its topic lacks",
    "The message cannot be written.",
    "Correct the column in `template` or `once.by`.",
    'template = "{ATTEMPTS} attempts on card {CARD_NUMBER}"',
    is_error=True,
)

RULES = (
    *(UNREADABLE, UNKNOWN_CODE),
    *(WRONG_SEARCH, SHARED_GROUP, UNKNOWN_ALERT_TOPIC, UNREADABLE_FORMAT, UNKNOWN_ALERT_COLUMN),
)
