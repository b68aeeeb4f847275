"""The platform's own certificate authority and the certificate of its servers, as PEM and PKCS #12 bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from secrets import token_hex

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_DAYS = 3650
SERVER_DAYS = 397
"""What browsers accept at most."""
RENEW_DAYS = 30
"""How long before its end a certificate is renewed."""
LOCAL_NAMES = ("localhost", "127.0.0.1")
_CLOCK_TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def certificate_pem(self) -> bytes:
        """The certificate, which may be shared."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The private key, as PKCS #8 without a password."""
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def is_valid_for(self, days: int, now: datetime) -> bool:
        """Whether the certificate is valid now and for longer than these days.

        One that was made while the clock was ahead is not valid yet.
        """
        ends_in = self.certificate.not_valid_after_utc - now
        return self.certificate.not_valid_before_utc <= now and ends_in > timedelta(days=days)


def read_key_pair(pem: bytes) -> KeyPair:
    """Read a key and its certificate, the first one in the text.

    Raises:
        ValueError: the text lacks one of them, or they are malformed.
    """
    try:
        key = serialization.load_pem_private_key(pem, None)
    except (TypeError, UnsupportedAlgorithm) as error:
        raise ValueError(f"the private key cannot be read: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("the private key is not one of an elliptic curve")
    certificate = x509.load_pem_x509_certificates(pem)[0]
    if certificate.public_key() != key.public_key():
        raise ValueError("the certificate belongs to another key")
    return KeyPair(certificate, key)


def new_authority(now: datetime) -> KeyPair:
    """A certificate authority that signs the certificates of servers and of nothing else."""
    key = ec.generate_private_key(ec.SECP256R1())
    # Two authorities of one day must differ by name: clients look them up by it.
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, f"Bifrost local authority {now:%Y-%m-%d} {token_hex(3)}")]
    )
    usage = _key_usage(signs_certificates=True)
    certificate = (
        _builder(name, name, key, now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return KeyPair(certificate, key)


def new_server(authority: KeyPair, now: datetime, names: tuple[str, ...] = LOCAL_NAMES) -> KeyPair:
    """A certificate for servers that are called by these host names and addresses, signed by the authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    certificate = (
        _builder(name, authority.certificate.subject, key, now, SERVER_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general_name(text) for text in names]), critical=False)
        .add_extension(issuer_key, critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return KeyPair(certificate, key)


def new_client(authority: KeyPair, now: datetime, role: str) -> KeyPair:
    """A certificate with which a role proves who it is to a server; no server can use it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, role)])
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    certificate = (
        _builder(name, authority.certificate.subject, key, now, SERVER_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(issuer_key, critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return KeyPair(certificate, key)


def server_names(server: KeyPair) -> tuple[str, ...]:
    """The host names and addresses that a server's certificate is for; none where it does not say."""
    try:
        found = server.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(str(name.value) for name in found)


def is_signed_by(server: KeyPair, authority: KeyPair) -> bool:
    """Whether the authority signed a server's certificate."""
    try:
        server.certificate.verify_directly_issued_by(authority.certificate)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def pkcs12_store(server: KeyPair, authority: KeyPair, password: str) -> bytes:
    """Key and certificates as the servers of Java read them that cannot read PEM."""
    encryption = serialization.BestAvailableEncryption(password.encode())
    return pkcs12.serialize_key_and_certificates(
        b"server", server.key, server.certificate, [authority.certificate], encryption
    )


def trust_store(authorities: Sequence[KeyPair], password: str) -> bytes:
    """The authorities as the servers of Java read whom they trust."""
    trusted = [
        pkcs12.PKCS12Certificate(each.certificate, f"authority{number}".encode())
        for number, each in enumerate(authorities)
    ]
    return pkcs12.serialize_java_truststore(trusted, serialization.BestAvailableEncryption(password.encode()))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    begin = now.astimezone(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin - _CLOCK_TOLERANCE)
        .not_valid_after(begin + timedelta(days=days))
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)
