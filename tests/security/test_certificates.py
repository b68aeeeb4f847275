"""The platform's own certificates, checked by a TLS client and server of the standard library."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import pkcs12

from bifrost.security import certificates
from bifrost.security.certificates import KeyPair, new_authority, new_server, read_key_pair

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def authority() -> KeyPair:
    return new_authority(NOW)


def greeting(server: KeyPair, trusted: KeyPair, name: str, folder: Path) -> str:
    """What a client that trusts one authority and calls a server by a name gets, or raises."""
    file = folder / "server.pem"
    file.write_bytes(server.key_pem + server.certificate_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    ours, theirs = socket.socketpair()

    def serve() -> None:
        # The client that refuses the certificate leaves.
        with ours, suppress(OSError), context.wrap_socket(ours, server_side=True) as secured:
            secured.sendall(b"hello")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    client = ssl.create_default_context(cadata=trusted.certificate_pem.decode())
    try:
        with theirs, client.wrap_socket(theirs, server_hostname=name) as secured:
            return secured.recv(5).decode()
    finally:
        thread.join(10)


@pytest.mark.parametrize("name", certificates.LOCAL_NAMES)
def test_a_client_that_trusts_the_authority_accepts_the_server_by_each_local_name(
    authority: KeyPair, tmp_path: Path, name: str
) -> None:
    assert greeting(new_server(authority, NOW), authority, name, tmp_path) == "hello"


def test_a_client_that_trusts_another_authority_refuses_the_server(authority: KeyPair, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        greeting(new_server(authority, NOW), new_authority(NOW), "localhost", tmp_path)


def test_a_client_refuses_the_server_under_another_name(authority: KeyPair, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match=r"example\.org"):
        greeting(new_server(authority, NOW), authority, "example.org", tmp_path)


def test_an_expired_certificate_is_refused(authority: KeyPair, tmp_path: Path) -> None:
    old = new_server(authority, NOW - timedelta(days=certificates.SERVER_DAYS + 1))
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        greeting(old, authority, "localhost", tmp_path)


def test_a_certificate_is_due_for_renewal_a_month_before_it_ends(authority: KeyPair) -> None:
    server = new_server(authority, NOW)
    assert server.is_valid_for(certificates.RENEW_DAYS, NOW + timedelta(days=360))
    assert not server.is_valid_for(certificates.RENEW_DAYS, NOW + timedelta(days=370))


def test_a_server_is_known_as_signed_by_its_own_authority_only(authority: KeyPair) -> None:
    server = new_server(authority, NOW)
    assert certificates.is_signed_by(server, authority)
    assert not certificates.is_signed_by(server, new_authority(NOW))


def test_a_key_pair_is_read_as_it_was_written(authority: KeyPair) -> None:
    read = read_key_pair(authority.key_pem + authority.certificate_pem)
    assert read.certificate == authority.certificate
    assert read.key_pem == authority.key_pem


def test_a_certificate_of_another_key_is_not_read(authority: KeyPair) -> None:
    with pytest.raises(ValueError, match="another key"):
        read_key_pair(authority.key_pem + new_authority(NOW).certificate_pem)


def test_the_store_for_java_opens_with_its_password_alone(authority: KeyPair) -> None:
    server = new_server(authority, NOW)
    store = certificates.pkcs12_store(server, authority, "opened")
    key, certificate, chain = pkcs12.load_key_and_certificates(store, b"opened")
    assert (certificate, chain) == (server.certificate, [authority.certificate])
    assert key is not None
    with pytest.raises(ValueError, match="password"):
        pkcs12.load_key_and_certificates(store, b"guessed")
