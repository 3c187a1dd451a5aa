# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a callback says: the object that Context.IO posts, and how it is signed."""

from __future__ import annotations

import hashlib
import hmac
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from cockpit_getmail.connector import Connector


def make_complete(connector: Connector, at: float) -> dict[str, Any]:
    """Return the message that the first complete run was done `at` (seconds since 1970), not signed yet."""
    return {
        "account_id": connector.account,
        "source_label": connector.props.get("Label") or connector.name,
        "timestamp": int(at),
        "token": os.urandom(16).hex(),
    }


def make_status(
    connector: Connector, condition: Mapping[str, Any], previous: str, at: float
) -> dict[str, Any]:
    """Return the message that the status was seen `at` to have changed from a previous one."""
    return {
        **make_complete(connector, at),
        "status": condition["status"],
        "previous_status": previous,
        "cause": condition.get("cause"),
        "message": condition.get("message"),
    }


def sign(message: Mapping[str, Any], secret: str) -> dict[str, Any]:
    """Return a message with its signature: hexadecimal HMAC-SHA256 of timestamp and token."""
    signed = f"{message['timestamp']}{message['token']}".encode()
    return {**message, "signature": hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}
