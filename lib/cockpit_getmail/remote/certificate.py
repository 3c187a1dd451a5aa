# SPDX-License-Identifier: LGPL-2.1-or-later
"""The certificate that a server shows. Nobody logs in, and no secret is sent."""

from __future__ import annotations

import re

from cockpit_getmail.shape import number, optional, text, texts, truth

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from cryptography.x509 import Certificate

    from cockpit_getmail.problem import Problem
    from cockpit_getmail.remote import Found, Request
    from cockpit_getmail.remote.visit import Visit

NAMES_LIMIT = 1000
PEM_LIMIT = 100_000
TIME_LIMIT = 1 << 40
"""A certificate ends before the year 10000, and may begin before 1970."""
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n")


def answer(visit: Visit, _request: Request) -> Found:
    """Return what schemas/read/certificate.output.json says. Raises Problem."""
    from cockpit_getmail.problem import with_status
    from cockpit_getmail.tls import Inspected

    met = shown = _shake_hands(visit, verify=True)
    if isinstance(met.attributes, dict) and met.attributes.get("untrusted"):
        shown = met if isinstance(met, Inspected) else _shake_hands(visit, inspect=True)
    if not isinstance(shown, Inspected):
        raise with_status(shown)
    trusted = isinstance(met, Inspected) and met.trusted
    return {**_describe(shown.certificate), "trusted": trusted, "reason": None if trusted else met.message}


def check(_request: Request, found: Any) -> Found:
    """Return the answer in its shape."""
    if not re.fullmatch("[0-9a-f]{64}", found["fingerprint"]):
        raise ValueError
    if len(found["pem"]) > PEM_LIMIT or not _PEM.fullmatch(found["pem"]):
        raise ValueError
    return {
        "subject": text(found["subject"]),
        "issuer": text(found["issuer"]),
        "not_before": optional(_time, found["not_before"]),
        "not_after": optional(_time, found["not_after"]),
        "names": texts(found["names"], NAMES_LIMIT),
        "fingerprint": found["fingerprint"],
        "pem": found["pem"],
        "trusted": truth(found["trusted"]),
        "reason": optional(text, found["reason"]),
    }


def _time(value: Any) -> int:
    return number(value + TIME_LIMIT, 2 * TIME_LIMIT) - TIME_LIMIT


def _shake_hands(visit: Visit, *, inspect: bool = False, verify: bool = False) -> Problem:
    """Return how the handshake ended: in a Problem, as it is only to show the certificate."""
    from cockpit_getmail import retriever as retrievers
    from cockpit_getmail.problem import Problem, failure

    retriever = retrievers.make(
        visit.connector,
        ca_pem=visit.ca_pem,
        timeout=visit.timeout,
        deadline=visit.deadline,
        inspect=inspect,
        verify=verify,
    )
    try:
        retriever.open()
    except Problem as problem:
        return problem
    finally:
        retriever.close()
    return failure("tls", f"{visit.connector.server} showed no certificate.")


def _describe(certificate: bytes) -> Found:
    """Return what is in a certificate in DER, as far as it can be told."""
    import ssl

    from cryptography import x509

    from cockpit_getmail.tls import describe_certificate, readable

    found = {
        **describe_certificate(certificate),
        "pem": ssl.DER_cert_to_PEM_cert(certificate),
        **dict.fromkeys(("not_before", "not_after")),
        "names": [],
    }
    # Of one that is broken, what can be read is told.
    with readable():
        parsed = x509.load_der_x509_certificate(certificate)
        found["not_before"], found["not_after"] = map(_seconds, _find_validity(parsed))
        found["names"] = _find_names(parsed)
    return found


def _find_validity(certificate: Certificate) -> tuple[datetime, datetime]:
    # Newer versions warn of the names that older ones have.
    if hasattr(certificate, "not_valid_before_utc"):
        return certificate.not_valid_before_utc, certificate.not_valid_after_utc
    from datetime import UTC

    return certificate.not_valid_before.replace(tzinfo=UTC), certificate.not_valid_after.replace(tzinfo=UTC)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _find_names(certificate: Certificate) -> list[str]:
    """Return the host names and addresses (RFC 5280 section 4.2.1.6)."""
    from cryptography import x509

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return []
    found = [name for name in names if isinstance(name, x509.DNSName | x509.IPAddress)]
    return [str(name.value) for name in found[:NAMES_LIMIT]]
