"""The broker of a secured platform: TLS, users and rights."""

from __future__ import annotations

from bifrost.clients.kafka_access import KafkaAccess
from bifrost.default_settings import LOOPBACK
from bifrost.security.rights import platform_rights
from bifrost.security.roles import BROKER, KAFKA_ROLES
from bifrost.security.rotation import write_kafka_users
from bifrost.security.secure_folder import MECHANISM, SECOND_MECHANISM, secure_folder
from bifrost.settings import Settings

_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"

PREPARE_S = 60.0
"""How long each request of a broker's preparation may take: on a busy machine its controller starts late, and a broker
that cannot be prepared is stopped and started again."""


def secured_listeners(settings: Settings) -> dict[str, object]:
    """The properties of the listeners, of the users and of the authorizer; they hold passwords.

    The users of the programs are SCRAM users, which the broker keeps in its metadata. The broker itself cannot be one
    of them, because no user could create it at the first start. So its user is PLAIN, over TLS, and in this file alone;
    a platform that ran without security before needs no other data folder.
    """
    folder = secure_folder(settings)
    password = folder.password(BROKER)
    own = f'{_PLAIN} required username="{BROKER}" password="{password}" user_{BROKER}="{password}";'
    return {
        "controller.quorum.voters": f"1@{LOOPBACK}:{settings.port('kafka_controller')}",
        "inter.broker.listener.name": "SASL_SSL",
        "listener.security.protocol.map": "SASL_SSL:SASL_SSL,CONTROLLER:SASL_SSL",
        "listeners": (
            f"SASL_SSL://{LOOPBACK}:{settings.port('kafka')},"
            f"CONTROLLER://{LOOPBACK}:{settings.port('kafka_controller')}"
        ),
        "advertised.listeners": f"SASL_SSL://{LOOPBACK}:{settings.port('kafka')}",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "sasl.mechanism.controller.protocol": "PLAIN",
        "listener.name.sasl_ssl.sasl.enabled.mechanisms": f"{MECHANISM},{SECOND_MECHANISM},PLAIN",
        "listener.name.sasl_ssl.plain.sasl.jaas.config": own,
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": f"{_SCRAM} required;",
        "listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config": f"{_SCRAM} required;",
        "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.controller.plain.sasl.jaas.config": own,
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": folder.server_pem,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": folder.authority_certificate,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:{BROKER}",
        "allow.everyone.if.no.acl.found": "false",
    }


def prepare_users(settings: Settings) -> KafkaAccess:
    """Give the users their passwords, and the rights without which no program starts; returns the client of the broker.

    Raises:
        RemoteError: the broker does not answer, or refuses it.
    """
    folder = secure_folder(settings)
    # Not the password of the role's file, which a rotation may write only after the broker's start.
    client = {**settings.with_values(BIFROST_ROLE=BROKER).kafka_client(), "sasl.password": folder.password(BROKER)}
    access = KafkaAccess(client, timeout_s=PREPARE_S)
    write_kafka_users(access, folder.kafka_passwords(folder.rotation.state()))
    fixed = platform_rights(settings.ksql_service_id)
    access.grant(fixed - access.rights(KAFKA_ROLES))
    return access
