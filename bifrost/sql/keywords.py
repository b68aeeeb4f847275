"""Keywords of the language, which of them are reserved, and when a name needs quotes."""

from __future__ import annotations

import re

RESERVED = frozenset(
    """
    ADVANCE ALL AND AS AT BEGINNING BETWEEN BY CASE CAST CATALOG CONNECTOR CONNECTORS CREATE DAYS DECIMAL DELETE
    DESCRIBE DISTINCT DROP ELSE END EXISTS EXPORT EXTENDED FALSE FROM FULL GROUP HAVING HOPPING HOURS IN INNER
    INSERT INTO IS JOIN LEFT LIKE LIMIT LIST LOAD MATERIALIZED MILLISECOND MILLISECONDS MINUTES MONTHS NAMESPACE NOT
    NULL ON OR OUTER PRINT PROPERTIES QUERIES QUERY RENAME RETENTION RIGHT RUN SAMPLE SCRIPT SECONDS SELECT SIZE
    STREAM STREAMS TABLE TERMINATE THEN TO TOPIC TOPICS TRUE TUMBLING UNSET VALUES VIEW WHEN WHERE WINDOW WITH
    WITHIN YEARS
    """.split()
)
"""Keywords that need quotes to be a name; the same as ksqlDB's."""

NON_RESERVED = frozenset(
    """
    ADD ALTER ANALYZE ARRAY ASSERT CHANGES COLUMN COLUMNS DATE DAY DEFINE EMIT ESCAPE EXPLAIN FINAL FUNCTION
    FUNCTIONS GRACE HEADER HEADERS HOUR ID IF INTEGER INTERVAL KEY MAP MINUTE MONTH PARTITION PARTITIONS PAUSE
    PERIOD PLUGINS PRIMARY REPLACE RESET RESUME SCHEMA SECOND SESSION SET SHOW SINK SOURCE STRING STRUCT SUBJECT
    SYSTEM TABLES TIME TIMEOUT TIMESTAMP TYPE TYPES UNDEFINE VARIABLES YEAR ZONE
    """.split()
)
"""Keywords that can be names without quotes."""

KEYWORDS = RESERVED | NON_RESERVED

COMPLETIONS = tuple(sorted(KEYWORDS | {"BIGINT", "BOOLEAN", "BYTES", "DOUBLE", "INT", "SPOOL", "VARCHAR"}))
"""Words that a shell completes: keywords, types and the shell's own commands."""

_PLAIN = re.compile(r"(?![0-9]+(?:E[0-9]+)?\Z)[A-Z0-9_][A-Z0-9_@]*\Z")  # digits alone and `1E5` are numbers


def needs_quotes(name: str) -> bool:
    """Whether the name, as stored, would be parsed as something else without quotes."""
    return name in RESERVED or not _PLAIN.match(name)


def write_name(name: str) -> str:
    """The name as a statement writes it: in back quotes only where it needs them."""
    return "`" + name.replace("`", "``") + "`" if needs_quotes(name) else name
