# SPDX-License-Identifier: LGPL-2.1-or-later
"""What of the files that a connector names goes to its server, and what is wrong with them."""

import os
import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from cockpit_getmail import tls
from cockpit_getmail.connector import CLIENT_PEM, Connector
from cockpit_getmail.login import client_certificate, resolve
from cockpit_getmail.problem import Problem
from cockpit_getmail.settings import Settings
from tests.support.certificates import Authority, Certificate

NO_ENCRYPTION = serialization.NoEncryption()
PKCS8, OPENSSL = serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL


@pytest.fixture
def client(authority: Authority) -> Certificate:
    found = authority.issue_client("giacomo")
    found.key.chmod(0o600)
    return found


def both(client: Certificate) -> dict[str, str]:
    return {"ClientCert": str(client.pem), "ClientKey": str(client.key)}


def write(path: Path, *contents: bytes, mode: int = 0o600) -> dict[str, str]:
    path.write_bytes(b"\n".join(contents))
    path.chmod(mode)
    return {"ClientCert": str(path)}


def private(
    client: Certificate,
    form: serialization.PrivateFormat,
    encryption: serialization.KeySerializationEncryption,
) -> bytes:
    key = serialization.load_pem_private_key(client.key.read_bytes(), None)
    return key.private_bytes(serialization.Encoding.PEM, form, encryption)


def loads(pem: str | None) -> None:
    assert pem
    tls.load_client(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), pem)


def test_without_a_certificate_there_is_none() -> None:
    assert client_certificate.read({}) is None
    assert client_certificate.read({"ClientCert": ""}) is None
    assert client_certificate.find_fault({}) is None


@pytest.mark.parametrize("form", [PKCS8, OPENSSL])
def test_certificate_and_key(
    form: serialization.PrivateFormat, client: Certificate, authority: Authority, tmp_path: Path
) -> None:
    key = private(client, form, NO_ENCRYPTION)
    props = write(tmp_path / "all.pem", b"# mine", key, client.pem.read_bytes(), authority.ca.read_bytes())
    pem = client_certificate.read(props)
    loads(pem)
    assert pem
    assert pem.count("BEGIN CERTIFICATE") == 2
    assert "# mine" not in pem
    loads(client_certificate.read(both(client)))


def test_of_the_file_with_certificates_nothing_else_is_taken(client: Certificate, tmp_path: Path) -> None:
    props = write(tmp_path / "c.pem", b"root:secret", client.pem.read_bytes(), b"secret", mode=0o644)
    pem = client_certificate.read({**props, "ClientKey": str(client.key)})
    loads(pem)
    assert pem
    assert "secret" not in pem


def test_a_key_with_a_passphrase(client: Certificate, tmp_path: Path) -> None:
    locked = serialization.BestAvailableEncryption(b"geheim")
    for form in (PKCS8, OPENSSL):
        path = tmp_path / "locked.key"
        write(path, private(client, form, locked))
        fault = client_certificate.find_fault({"ClientCert": str(client.pem), "ClientKey": str(path)})
        assert fault
        assert (fault.prop, fault.word) == ("ClientKey", "format")
        assert "passphrase" in fault.reason


def test_a_key_of_another_certificate(client: Certificate, authority: Authority, tmp_path: Path) -> None:
    other = authority.issue_client("other")
    other.key.chmod(0o600)
    fault = client_certificate.find_fault({"ClientCert": str(client.pem), "ClientKey": str(other.key)})
    assert fault
    assert (fault.prop, fault.word) == ("ClientKey", "conflict")
    props = write(tmp_path / "all.pem", client.pem.read_bytes(), other.key.read_bytes())
    fault = client_certificate.find_fault(props)
    assert fault
    assert (fault.prop, fault.word) == ("ClientCert", "format")


def test_files_that_hold_something_else(client: Certificate, tmp_path: Path) -> None:
    junk = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    junk_key = junk.replace(b"CERTIFICATE", b"PRIVATE KEY")
    for certificate, key, prop in (
        (b"nothing", client.key.read_bytes(), "ClientCert"),
        (client.pem.read_bytes(), b"nothing", "ClientKey"),
        (b"", b"", "ClientCert"),
        (
            client.pem.read_bytes(),
            junk_key,
            "ClientKey",
        ),
        (junk, client.key.read_bytes(), "ClientCert"),
    ):
        props = write(tmp_path / "c.pem", certificate)
        write(tmp_path / "k.pem", key)
        fault = client_certificate.find_fault({**props, "ClientKey": str(tmp_path / "k.pem")})
        assert fault
        assert (fault.prop, fault.word) == (prop, "format")
        with pytest.raises(Problem) as caught:
            client_certificate.read({**props, "ClientKey": str(tmp_path / "k.pem")})
        assert caught.value.cause == "connector"
        assert f"The {prop} {tmp_path}" in caught.value.message


def test_a_certificate_without_its_key(client: Certificate) -> None:
    fault = client_certificate.find_fault({"ClientCert": str(client.pem)})
    assert fault
    assert (fault.prop, fault.word) == ("ClientCert", "format")
    assert "ClientKey" in fault.reason


def test_files_that_cannot_be_read_or_are_others(client: Certificate, tmp_path: Path) -> None:
    readable = tmp_path / "readable.key"
    write(readable, client.key.read_bytes(), mode=0o640)
    os.mkfifo(tmp_path / "pipe")
    missing = str(tmp_path / "missing")
    open_to_all = write(tmp_path / "all.pem", client.pem.read_bytes(), client.key.read_bytes(), mode=0o644)
    for props, prop in (
        ({**both(client), "ClientKey": missing}, "ClientKey"),
        ({**both(client), "ClientKey": str(readable)}, "ClientKey"),
        ({**both(client), "ClientKey": str(tmp_path / "pipe")}, "ClientKey"),
        ({**both(client), "ClientCert": missing}, "ClientCert"),
        ({**both(client), "ClientCert": str(tmp_path)}, "ClientCert"),
        ({**both(client), "ClientCert": "/dev/zero"}, "ClientCert"),
        ({"ClientCert": missing}, "ClientCert"),
        (open_to_all, "ClientCert"),
    ):
        fault = client_certificate.find_fault(props)
        assert fault
        assert (fault.prop, fault.word) == (prop, "unknown")


def connector(**props: str) -> Connector:
    base = {"Retriever": "SimpleIMAPSSLRetriever", "Server": "h", "Username": "u", "Account": "a"}
    return Connector("u@h", {**base, **props}, {"Password": "geheim"})


def test_a_run_gets_it_as_a_secret(client: Certificate) -> None:
    found, problem = resolve(connector(**both(client)), Settings())
    assert problem is None
    assert found.secrets["Password"] == "geheim"
    loads(found.secrets[CLIENT_PEM])
    assert found.secrets[CLIENT_PEM] not in repr(found)
    missing = {**both(client), "ClientKey": "/missing"}
    found, problem = resolve(connector(**missing), Settings())
    assert problem
    assert problem.cause == "connector"
    assert not found.secrets


def test_a_run_gets_no_tunnel_that_is_not_allowed() -> None:
    tunnelled = connector(Tunnel="/bin/cat")
    found, problem = resolve(tunnelled, Settings())
    assert problem
    assert problem.cause == "settings"
    assert "ALLOW_TUNNEL=yes" in problem.message
    assert not found.secrets
    assert resolve(tunnelled, Settings(allow_tunnel=True))[1] is None
