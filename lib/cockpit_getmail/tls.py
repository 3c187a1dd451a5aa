# SPDX-License-Identifier: LGPL-2.1-or-later
"""TLS with a verified peer. Certificates and host names are always checked."""

import hashlib
import hmac
import os
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from cockpit_getmail.endpoint import Endpoint, ascii_host
from cockpit_getmail.problem import Problem, failure, printable

_ABOUT_CLIENT = re.compile("ALERT_(NO_|BAD_|UNSUPPORTED_)?CERTIFICATE|ALERT_UNKNOWN_CA")
"""Alerts of a server (RFC 8446 section 6.2): it has no other certificate to complain of."""
_BINDING_HASH = {"md5": "sha256", "sha1": "sha256"}
"""RFC 5929 section 4.1."""


class Inspected(Problem):
    """The end of a handshake that shows a certificate, in DER, and whether it is trusted."""

    def __init__(self, message: str, certificate: bytes, *, trusted: bool = False, **attributes: Any) -> None:
        super().__init__("GenericError", message, {"cause": "tls", **attributes})
        self.certificate = certificate
        self.trusted = trusted


def shake_hands(sock: socket.socket, endpoint: Endpoint) -> ssl.SSLSocket:
    """Return the socket on which TLS is spoken with a verified peer.

    Raises Problem (tls; settings for a CAFile without a certificate), and OSError for what a network does.
    """
    server = endpoint.server
    try:
        encrypted = _context(endpoint).wrap_socket(
            sock, server_hostname=ascii_host(server), suppress_ragged_eofs=False
        )
    except ssl.SSLCertVerificationError as error:
        message = f"The certificate of {server} is not trusted: {printable(error.verify_message)}."
        raise failure("tls", message, untrusted=True) from error
    except ssl.SSLError as error:
        if error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST"):
            raise failure("tls", f"{server} does not speak TLS on port {endpoint.port}.") from error
        raise _explain_refusal(error, endpoint) or failure(
            "tls", f"TLS with {server} failed: {_reason(error)}."
        ) from error
    try:
        _check_certificate(encrypted, endpoint)
    except Problem:
        encrypted.close()
        raise
    return encrypted


def is_end(error: OSError) -> bool:
    """Whether an error tells that the other end has closed the connection without saying so in TLS."""
    return isinstance(error, ssl.SSLEOFError)


def explain(error: OSError, endpoint: Endpoint) -> Problem | None:
    """Return the Problem of an encrypted connection that broke; None if it is no matter of TLS."""
    if not isinstance(error, ssl.SSLError):
        return None
    # In TLS 1.3 a client learns of it after its handshake.
    return _explain_refusal(error, endpoint) or failure(
        "tls", f"The encrypted connection to {endpoint.server} broke: {_reason(error)}."
    )


def find_binding(sock: socket.socket) -> tuple[str, bytes] | None:
    """Return the name and data of a channel binding (RFC 5929), None where there is none.

    That of TLS 1.3 (RFC 9266) is out of Python's reach: there it is the server's certificate.
    """
    if not isinstance(sock, ssl.SSLSocket):
        return None
    if sock.version() != "TLSv1.3":
        unique = sock.get_channel_binding("tls-unique")
        return ("tls-unique", unique) if unique else None
    certificate = sock.getpeercert(binary_form=True)
    if certificate is None:
        return None
    from cryptography import x509

    with readable():
        algorithm = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
        name = algorithm.name if algorithm else ""
        return "tls-server-end-point", hashlib.new(_BINDING_HASH.get(name, name), certificate).digest()
    return None


def describe_certificate(certificate: bytes) -> dict[str, Any]:
    """Return fingerprint, subject and issuer (RFC 4514) of a certificate in DER. It has not been verified."""
    from cryptography import x509

    found: dict[str, Any] = {"fingerprint": hashlib.sha256(certificate).hexdigest()}
    found["subject"] = found["issuer"] = ""
    with readable():
        parsed = x509.load_der_x509_certificate(certificate)
        found["subject"] = printable(parsed.subject.rfc4514_string())
        found["issuer"] = printable(parsed.issuer.rfc4514_string())
    return found


@contextmanager
def readable() -> Iterator[None]:
    """End where a certificate cannot be read, with whatever was read of it: a server may show anything."""
    import warnings

    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm

    faults = (LookupError, TypeError, ValueError, UnsupportedAlgorithm, x509.InvalidVersion)
    with warnings.catch_warnings(), suppress(*faults):
        # Of what is merely odd.
        warnings.simplefilter("ignore")
        yield


def _context(endpoint: Endpoint) -> ssl.SSLContext:
    context = _peer_context(endpoint)
    if endpoint.client_pem and not endpoint.inspect:
        try:
            load_client(context, endpoint.client_pem)
        except ValueError as error:
            message = f"The certificate of ClientCert cannot be used: {error}."
            raise failure("connector", message, parameter="ClientCert") from error
    return context


def load_client(context: ssl.SSLContext, pem: str) -> None:
    """Take a client's certificate and its private key. Raises ValueError, which says what is wrong."""
    # OpenSSL's functions in Python take a file; this one never touches a disk.
    file = os.memfd_create("client", os.MFD_CLOEXEC)
    try:
        with open(file, "wb", closefd=False) as stream:
            stream.write(pem.encode())
        # Without a password it would ask for one on the terminal.
        context.load_cert_chain(f"/proc/self/fd/{file}", password="")
    except ssl.SSLError as error:
        raise ValueError(_reason(error)) from error
    finally:
        os.close(file)


def _peer_context(endpoint: Endpoint) -> ssl.SSLContext:
    if endpoint.fingerprint or endpoint.inspect:
        # The very certificate is compared after the handshake, before a single octet is sent.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    try:
        return ssl.create_default_context(cadata=endpoint.ca_pem)
    except ssl.SSLError as error:
        raise failure("settings", f"CAFile holds no certificate in PEM form: {_reason(error)}.") from error


def _check_certificate(sock: ssl.SSLSocket, endpoint: Endpoint) -> None:
    if not (endpoint.fingerprint or endpoint.inspect or endpoint.verify):
        return
    certificate = sock.getpeercert(binary_form=True)
    if certificate is None:
        raise failure("tls", f"{endpoint.server} showed no certificate.")
    found = hashlib.sha256(certificate).hexdigest()
    pinned = (endpoint.fingerprint or "").replace(":", "").lower()
    if not endpoint.inspect and (not pinned or hmac.compare_digest(found, pinned)):
        if endpoint.verify:
            raise Inspected(f"The certificate of {endpoint.server} is trusted.", certificate, trusted=True)
        return
    message = f"The certificate of {endpoint.server} is not the one that was trusted."
    raise Inspected(message, certificate, untrusted=True, **describe_certificate(certificate))


def _explain_refusal(error: ssl.SSLError, endpoint: Endpoint) -> Problem | None:
    """Return the Problem of a server that wants another certificate of the client's, None for others."""
    if not _ABOUT_CLIENT.search(error.reason or ""):
        return None
    if endpoint.client_pem is None:
        message = f"{endpoint.server} wants a certificate of the client's."
        return failure("tls", message, hint="Set ClientCert and ClientKey.")
    message = f"{endpoint.server} does not take the client's certificate: {_reason(error)}."
    return failure("tls", message, hint="Check ClientCert and ClientKey.")


def _reason(error: ssl.SSLError) -> str:
    return printable((error.reason or str(error)).lower().replace("_", " "))
