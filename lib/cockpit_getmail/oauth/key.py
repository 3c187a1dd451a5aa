# SPDX-License-Identifier: LGPL-2.1-or-later
"""The KeyFile of a service account: the JSON that Google gives, or a private key in PEM form."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from cockpit_getmail import private_file
from cockpit_getmail.problem import failure, printable

if TYPE_CHECKING:
    from cockpit_getmail.connector import Connector
    from cockpit_getmail.problem import Problem

LIMIT = 64 << 10


class Key(NamedTuple):
    """Who signs and with what; `token_url` is where tokens are, empty if the file does not say."""

    issuer: str
    pem: str
    token_url: str


def read(connector: Connector) -> Key:
    """Return the key of a connector with Grant jwt. Raises Problem (connector, with `parameter`)."""
    path = connector.props.get("KeyFile", "")
    if not path:
        raise failure(
            "connector", "KeyFile is missing: a service account signs with it.", parameter="KeyFile"
        )
    text = _read(path)
    client_id = connector.props.get("ClientId", "")
    if not text.lstrip().startswith("{"):
        if not client_id:
            message = "ClientId is missing: it says whose key the KeyFile has."
            raise failure("connector", message, parameter="ClientId")
        return Key(client_id, text, "")
    try:
        found = json.loads(text)
        told = [found[name] for name in ("client_email", "private_key")]
    except (ValueError, LookupError, RecursionError) as error:
        raise _refuse(path, "it is not the JSON file of a service account") from error
    told.append(found.get("token_uri", ""))
    if not all(isinstance(value, str) for value in told):
        raise _refuse(path, "it is not the JSON file of a service account")
    issuer, pem, token_url = told
    return Key(issuer, pem, token_url)


def _read(path: str) -> str:
    try:
        return private_file.read(path, LIMIT).decode()
    except UnicodeDecodeError as error:
        raise _refuse(path, "it is not UTF-8 text") from error
    except ValueError as error:
        raise _refuse(path, str(error)) from error


def _refuse(path: str, reason: str) -> Problem:
    message = f"The KeyFile {printable(path)} cannot be used: {reason}."
    return failure("connector", message, parameter="KeyFile")
