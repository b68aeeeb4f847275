"""The properties of the server and of a session, as SHOW PROPERTIES lists them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bifrost.engine.planner.properties import RULES, Effect
from bifrost.engine.statements.results import PropertyEntry


def property_entries(service_id: str, server: Mapping[str, str], session: Mapping[str, str]) -> Iterator[PropertyEntry]:
    """All properties by name; the session's values override the server's, which override the defaults.

    Each entry says what the property does in this engine: `honoured`, `ignored`, `fixed` (only the default is
    supported) or `server` (only the server's configuration sets it).
    """
    own = {"ksql.service.id": service_id, **server}
    for name in sorted({*RULES, *own, *session}):
        rule = RULES.get(name)
        default = rule.default if rule is not None else None
        yield PropertyEntry(
            name=name,
            value=session.get(name, own.get(name, default)),
            level=rule.level if rule is not None else "SERVER",
            is_editable=name in session or (rule is not None and rule.is_editable),
            is_default=name not in own and name not in session,
            is_overwritten=name in session,
            effect=(rule.effect if rule is not None else Effect.IGNORED).value,
        )
