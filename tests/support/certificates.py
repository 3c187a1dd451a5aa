# SPDX-License-Identifier: LGPL-2.1-or-later
"""A certificate authority for tests, and certificates of servers, good and bad.

authority = Authority(folder)
authority.ca            the PEM file that clients are to believe
authority.issue()       a good Certificate for localhost, 127.0.0.1 and the like
authority.expired(), authority.wrong_host(), authority.self_signed()
authority.issue_client(name)    one that a client logs in with
"""

import datetime
import hashlib
import ipaddress
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LOCAL = ("localhost", "127.0.0.1", "127.0.0.2", "::1")
DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Certificate:
    """Two PEM files; `key` is the private one."""

    pem: Path
    key: Path
    der: bytes

    @property
    def fingerprint(self) -> str:
        """SHA-256 as 64 hex digits."""
        return hashlib.sha256(self.der).hexdigest()


class Authority:
    def __init__(self, folder: Path, name: str = "Test authority") -> None:
        self._folder = folder
        self._numbers = itertools.count(1)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
        builder = _begin(self._name, self._name, self._key, self._key, DAY * 30)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.certificate = self._write(
            builder.add_extension(usage, critical=True), self._key, self._key, "ca"
        )
        self.ca = self.certificate.pem

    def issue(
        self, hosts: Sequence[str] = LOCAL, *, days: int = 30, subject: str = "Test server"
    ) -> Certificate:
        """Make one for these host names and addresses; with negative `days` it ended so long ago."""
        return self._issue(hosts, days, subject, self._name, self._key)

    def issue_client(self, subject: str) -> Certificate:
        """Make one for a client of this name."""
        return self._issue([], 30, subject, self._name, self._key, ExtendedKeyUsageOID.CLIENT_AUTH)

    def expired(self) -> Certificate:
        return self.issue(days=-1, subject="Expired server")

    def wrong_host(self) -> Certificate:
        return self.issue(["mail.example.com"], subject="Another server")

    def self_signed(self) -> Certificate:
        """Make a certificate that no authority vouches for."""
        return self._issue(LOCAL, 30, "Private server", None, None)

    def _issue(
        self,
        hosts: Sequence[str],
        days: int,
        subject: str,
        issuer: x509.Name | None,
        signer: ec.EllipticCurvePrivateKey | None,
        purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
    ) -> Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
        builder = _begin(name, issuer or name, key, signer or key, DAY * days)
        if hosts:
            names = x509.SubjectAlternativeName([_alternative(host) for host in hosts])
            builder = builder.add_extension(names, False)
        usage = x509.ExtendedKeyUsage([purpose])
        return self._write(builder.add_extension(usage, False), key, signer or key, "server")

    def _write(
        self,
        builder: x509.CertificateBuilder,
        key: ec.EllipticCurvePrivateKey,
        signer: ec.EllipticCurvePrivateKey,
        what: str,
    ) -> Certificate:
        made = builder.sign(signer, hashes.SHA256())
        stem = f"{what}-{next(self._numbers)}"
        pem, private = self._folder / f"{stem}.pem", self._folder / f"{stem}.key"
        pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return Certificate(pem, private, made.public_bytes(serialization.Encoding.DER))


def _begin(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    lifetime: datetime.timedelta,
) -> x509.CertificateBuilder:
    end = datetime.datetime.now(datetime.UTC) + lifetime
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - DAY * 60)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False)
    )


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
