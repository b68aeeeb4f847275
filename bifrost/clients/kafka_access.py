"""Users and rights (ACLs) of a Kafka cluster with an authorizer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from confluent_kafka import KafkaError
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)

from bifrost.clients.kafka import KafkaAdmin
from bifrost.errors import Refused

Resource = Literal["cluster", "topic", "group", "transaction"]
Operation = Literal[
    "alter", "alter configs", "create", "delete", "describe", "describe configs", "read", "write", "idempotent write"
]
CLUSTER = "kafka-cluster"
"""The only name of the resource `cluster`."""
ITERATIONS = 4096
"""Of SCRAM; the fewest that Kafka accepts, and enough for random passwords."""

_MECHANISMS: Mapping[str, ScramMechanism] = {
    "SCRAM-SHA-512": ScramMechanism.SCRAM_SHA_512,
    "SCRAM-SHA-256": ScramMechanism.SCRAM_SHA_256,
}
_RESOURCES: Mapping[Resource, ResourceType] = {
    "cluster": ResourceType.BROKER,
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "transaction": ResourceType.TRANSACTIONAL_ID,
}
_OPERATIONS: Mapping[Operation, AclOperation] = {
    "alter": AclOperation.ALTER,
    "alter configs": AclOperation.ALTER_CONFIGS,
    "create": AclOperation.CREATE,
    "delete": AclOperation.DELETE,
    "describe": AclOperation.DESCRIBE,
    "describe configs": AclOperation.DESCRIBE_CONFIGS,
    "read": AclOperation.READ,
    "write": AclOperation.WRITE,
    "idempotent write": AclOperation.IDEMPOTENT_WRITE,
}


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """What a user may do with a resource, or with all whose names begin with `name`; `is_denied` forbids it instead."""

    user: str
    resource: Resource
    name: str
    operation: Operation
    is_prefix: bool = False
    is_denied: bool = False

    def __str__(self) -> str:
        name = f"{self.name}*" if self.is_prefix else self.name
        return f"{self.user} {'may not' if self.is_denied else 'may'} {self.operation} {self.resource} {name}"


class KafkaAccess(KafkaAdmin):
    """An administration client that also reads and changes users and rights."""

    def set_passwords(self, passwords: Mapping[str, str], mechanism: str = "SCRAM-SHA-512") -> None:
        """Create users for a mechanism of SCRAM, or give them these passwords; connections that exist stay.

        Raises:
            Refused: the account may not do this.
            Unreachable: no broker answered in time.
        """
        how = ScramCredentialInfo(_MECHANISMS[mechanism], ITERATIONS)
        changes: list[UserScramCredentialAlteration] = [
            UserScramCredentialUpsertion(user, how, password.encode()) for user, password in passwords.items()
        ]
        for user, future in self._client.alter_user_scram_credentials(changes).items():
            self._result(f"set the password of user {user}", future)

    def remove_passwords(self, users: Iterable[str], mechanism: str) -> None:
        """Remove users from a mechanism of SCRAM; those that it does not have are not an error.

        Raises:
            Refused: the account may not do this.
            Unreachable: no broker answered in time.
        """
        gone: list[UserScramCredentialAlteration] = [
            UserScramCredentialDeletion(user, _MECHANISMS[mechanism]) for user in users
        ]
        for user, future in self._client.alter_user_scram_credentials(gone).items():
            try:
                self._result(f"remove the password of user {user}", future)
            except Refused as error:
                if error.status != KafkaError.RESOURCE_NOT_FOUND:
                    raise

    def rights(self, users: tuple[str, ...]) -> frozenset[Right]:
        """The rights of these users.

        Raises:
            Refused: the account may not do this.
            Unreachable: no broker answered in time.
        """
        # The library's types do not say that None stands for every name.
        every: tuple[Any, Any, Any, Any, Any] = (ResourceType.ANY, None, ResourcePatternType.ANY, None, None)
        wanted = AclBindingFilter(*every, AclOperation.ANY, AclPermissionType.ANY)
        found = self._result("list rights", self._client.describe_acls(wanted))
        rights = (_right(binding) for binding in found)
        return frozenset(right for right in rights if right is not None and right.user in users)

    def grant(self, rights: frozenset[Right]) -> None:
        """Add rights; those that exist stay.

        Raises:
            Refused: the account may not do this.
            Unreachable: no broker answered in time.
        """
        bindings = [_binding(right) for right in sorted(rights)]
        for binding, future in (self._client.create_acls(bindings) if bindings else {}).items():
            self._result(f"grant {_right(binding)}", future)

    def revoke(self, rights: frozenset[Right]) -> None:
        """Remove rights; missing ones are not an error.

        Raises:
            Refused: the account may not do this.
            Unreachable: no broker answered in time.
        """
        filters = [_filter(right) for right in sorted(rights)]
        for future in (self._client.delete_acls(filters) if filters else {}).values():
            self._result("revoke rights", future)


def _binding(right: Right) -> AclBinding:
    return AclBinding(*_acl(right))


def _filter(right: Right) -> AclBindingFilter:
    return AclBindingFilter(*_acl(right))


def _acl(right: Right) -> tuple[Any, ...]:
    return (
        _RESOURCES[right.resource],
        right.name,
        ResourcePatternType.PREFIXED if right.is_prefix else ResourcePatternType.LITERAL,
        f"User:{right.user}",
        "*",
        _OPERATIONS[right.operation],
        AclPermissionType.DENY if right.is_denied else AclPermissionType.ALLOW,
    )


def _right(binding: AclBinding) -> Right | None:
    """The right of a binding; none for kinds that this project does not use."""
    resource = next((name for name, kind in _RESOURCES.items() if kind == binding.restype), None)
    operation = next((name for name, kind in _OPERATIONS.items() if kind == binding.operation), None)
    if resource is None or operation is None:
        return None
    is_prefix = binding.resource_pattern_type == ResourcePatternType.PREFIXED
    user = binding.principal.removeprefix("User:")
    is_denied = binding.permission_type == AclPermissionType.DENY
    return Right(user, resource, binding.name, operation, is_prefix, is_denied)
