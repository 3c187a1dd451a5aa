# SPDX-License-Identifier: LGPL-2.1-or-later
"""The body of a callback is Context.IO's, and its signature what others compute."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.callbacks.message import make_complete, make_status, sign
from cockpit_getmail.connector import Connector

CONNECTOR = Connector("u@h", {"Account": "ann@x"})
BLOCK = 64


def hmac_sha256(key: bytes, text: bytes) -> str:
    """Return what RFC 2104 defines."""
    key = (hashlib.sha256(key).digest() if len(key) > BLOCK else key).ljust(BLOCK, b"\0")
    inner = hashlib.sha256(bytes(octet ^ 0x36 for octet in key) + text).digest()
    return hashlib.sha256(bytes(octet ^ 0x5C for octet in key) + inner).hexdigest()


def test_signature_is_what_openssl_computes() -> None:
    # printf '1795253170ef87107aabc4d88e76d0eba7745bc554' | openssl dgst -sha256 -hmac k
    message = {"timestamp": 1795253170, "token": "ef87107aabc4d88e76d0eba7745bc554"}
    signature = "275eea3530e85061bebf7588e7d3727b1ef5e7232684751f80cd276e3c64c205"
    assert sign(message, "k") == {**message, "signature": signature}


@pytest.mark.long
@given(st.integers(0, 2**40), st.text("0123456789abcdef"), st.text(st.characters(codec="utf-8"), min_size=1))
def test_signature(timestamp: int, token: str, secret: str) -> None:
    signed = sign({"timestamp": timestamp, "token": token, "status": "OK"}, secret)
    assert signed["signature"] == hmac_sha256(secret.encode(), f"{timestamp}{token}".encode())


def test_complete() -> None:
    message = make_complete(CONNECTOR, 1_700_000_000.9)
    token = message.pop("token")
    assert len(bytes.fromhex(token)) == 16
    assert message == {"account_id": "ann@x", "source_label": "u@h", "timestamp": 1_700_000_000}
    assert make_complete(CONNECTOR, 0)["token"] != token


def test_label_comes_before_the_name() -> None:
    labelled = Connector("u@h", {"Account": "ann@x", "Label": "work"})
    assert make_complete(labelled, 0)["source_label"] == "work"


def test_status() -> None:
    condition = {"status": "TEMP_DISABLED", "cause": "credentials", "message": "No.", "hint": "x", "bytes": 3}
    message = make_status(CONNECTOR, condition, "OK", 1.5)
    del message["token"]
    assert message == {
        "account_id": "ann@x",
        "source_label": "u@h",
        "timestamp": 1,
        "status": "TEMP_DISABLED",
        "previous_status": "OK",
        "cause": "credentials",
        "message": "No.",
    }
    fine = make_status(CONNECTOR, {"status": "OK"}, "TEMP_DISABLED", 1.5)
    assert (fine["cause"], fine["message"]) == (None, None)
