"""Grants the programs of a secured platform the rights that the declarations give them, and revokes all others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from bifrost.clients.kafka_access import KafkaAccess, Right
from bifrost.security.rights import platform_rights
from bifrost.security.roles import KAFKA_ROLES
from bifrost.settings import Settings


class RightsStore(Protocol):
    """The part of Kafka's administration that is needed (`KafkaAccess`)."""

    def rights(self, users: tuple[str, ...]) -> frozenset[Right]:
        """The rights of these users."""
        ...

    def grant(self, rights: frozenset[Right]) -> None:
        """Add rights."""
        ...

    def revoke(self, rights: frozenset[Right]) -> None:
        """Remove rights."""
        ...


@dataclass(frozen=True, slots=True)
class GrantedRights:
    """The rights of the roles in one cluster; `fixed` are those that no declaration takes away."""

    store: RightsStore
    fixed: frozenset[Right]

    @contextmanager
    def during(self, declared: frozenset[Right]) -> Iterator[None]:
        """Grant what is missing before the declarations are deployed, and revoke what is too much after it.

        Args:
            declared: the rights that follow from the declarations.

        Raises:
            Refused: the deployer may not grant rights.
            Unreachable: no broker answered in time.
        """
        wanted, live = self.fixed | declared, self.store.rights(KAFKA_ROLES)
        self.store.grant(wanted - live)
        yield
        self.store.revoke(live - wanted)


def granted_rights(settings: Settings) -> GrantedRights | None:
    """The rights of a secured platform; none on others, whose rights are not ours to grant."""
    if not settings.is_secured:
        return None
    return GrantedRights(KafkaAccess(settings.kafka_client()), platform_rights(settings.ksql_service_id))
