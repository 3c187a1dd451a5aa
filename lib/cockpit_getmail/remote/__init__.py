# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reading and acting in a remote mailbox: a module per kind of request, each with answer() and check().

As root's, a request is answered in a sandbox (units.visit), and what comes out of it is held against check():
what a mail server says is in it.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeAlias

    from cockpit_getmail.connector import Connector

    Request: TypeAlias = Mapping[str, Any]
    Found: TypeAlias = dict[str, Any]

_MODULES: Mapping[str, str] = {
    "append": "acting_append",
    "capabilities": "capabilities",
    "certificate": "certificate",
    "change-folder": "acting_folders",
    "copy": "acting",
    "create-folder": "acting_folders",
    "file": "files",
    "files": "files",
    "flag": "acting",
    "folders": "folders",
    "message": "message",
    "messages": "messages",
    "move": "acting",
    "namespace": "namespace",
    "preview": "preview",
    "quota": "quota",
    "remove": "acting",
    "remove-folder": "acting_folders",
    "rights": "rights",
}
"""The module of each kind, which is what a request is `about`."""


def answer(connector: Connector, ca_pem: str | None, timeout: float, request: Request) -> Found:
    """Do what is asked in the connector's mailbox, within `timeout` seconds overall. Raises Problem."""
    from cockpit_getmail.problem import Problem, with_status
    from cockpit_getmail.remote.visit import BROKEN, Visit

    try:
        with Visit(connector, ca_pem, timeout) as visit:
            found: Found = _load(request).answer(visit, request)
    except Problem as problem:
        if problem.cause not in BROKEN:
            raise
        raise with_status(problem) from problem
    return found


def check(request: Request, found: Any) -> Found:
    """Return the answer and nothing in it but what belongs there.

    Raises ValueError, LookupError or TypeError.
    """
    checked: Found = _load(request).check(request, found)
    return checked


def _load(request: Request) -> Any:
    return import_module(f"cockpit_getmail.remote.{_MODULES[request['about']]}")
