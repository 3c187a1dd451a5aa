# SPDX-License-Identifier: LGPL-2.1-or-later
"""The certificate that a connector shows to its server: of ClientCert, with the private key of ClientKey.

The files are read at the start of each run, by whoever starts it, which is root for units. A run gets what
is in them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from cockpit_getmail import private_file
from cockpit_getmail.problem import failure, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

LIMIT = 64 << 10
_CERTIFICATES = re.compile(rb"^-----BEGIN CERTIFICATE-----\s[A-Za-z0-9+/=\s]*-----END CERTIFICATE-----", re.M)
_KEY = re.compile(
    rb"^-----BEGIN ((?:[A-Z]+ )?PRIVATE KEY)-----\s[A-Za-z0-9+/=:,\s-]*?-----END \1-----", re.MULTILINE
)
"""In PEM form (RFC 7468), or as OpenSSL wrote it before."""
_PASSPHRASE = re.compile(rb"BEGIN ENCRYPTED|^Proc-Type: 4,ENCRYPTED", re.MULTILINE)


class Fault(NamedTuple):
    """What is wrong: which prop, the word for it of problem.json, and why."""

    prop: str
    word: str
    reason: str


def read(props: Mapping[str, str]) -> str | None:
    """Return certificate and key (PEM) of a connector's props, None if it has none.

    Raises Problem (cause connector).
    """
    if not props.get("ClientCert"):
        return None
    found = _find(props)
    if isinstance(found, Fault):
        path = printable(props.get(found.prop, ""))
        message = f"The {found.prop} {path} cannot be used: {found.reason}."
        raise failure("connector", message, parameter=found.prop)
    return found


def find_fault(props: Mapping[str, str]) -> Fault | None:
    """Return what is wrong with the certificate and key of a connector's props."""
    found = _find(props) if props.get("ClientCert") else None
    return found if isinstance(found, Fault) else None


def _find(props: Mapping[str, str]) -> str | Fault:
    certificate, key = props["ClientCert"], props.get("ClientKey")
    holder = "ClientKey" if key else "ClientCert"
    try:
        # A certificate alone is no secret.
        public = private_file.read_any(certificate, LIMIT)
    except ValueError as error:
        return Fault("ClientCert", "unknown", str(error))
    certificates = [match[0] for match in _CERTIFICATES.finditer(public)]
    if not certificates:
        return Fault("ClientCert", "format", "it has no certificate in PEM form")
    if not key and not _KEY.search(public):
        return Fault("ClientCert", "format", "it has no private key in PEM form, and there is no ClientKey")
    try:
        secret = private_file.read(key or certificate, LIMIT)
    except ValueError as error:
        return Fault(holder, "unknown", str(error))
    found = _KEY.search(secret)
    if found is None:
        return Fault(holder, "format", "it has no private key in PEM form")
    if _PASSPHRASE.search(found[0]):
        return Fault(holder, "format", "its private key has a passphrase; `openssl pkey` takes it off")
    pem = b"\n".join((*certificates, found[0], b"")).decode()
    return _find_mismatch(b"\n".join(certificates).decode(), pem, holder) or pem


def _find_mismatch(certificates: str, pem: str, holder: str) -> Fault | None:
    import ssl

    from cockpit_getmail import tls

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=certificates)
    except ssl.SSLError:
        return Fault("ClientCert", "format", "what it has is no certificate")
    try:
        tls.load_client(context, pem)
    except ValueError as error:
        is_other = "mismatch" in str(error)
        reason = "its private key is not the certificate's" if is_other else str(error)
        return Fault(holder, "conflict" if is_other and holder == "ClientKey" else "format", reason)
    return None
