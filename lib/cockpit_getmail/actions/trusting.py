# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether a connector can show the server the certificate that it names: found when it is saved."""

from __future__ import annotations

import os

from cockpit_getmail import schema
from cockpit_getmail.actions import refuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_DECIDE = ("ClientCert", "ClientKey")


def refuse_certificate(props: Mapping[str, str], before: Mapping[str, str] | None = None) -> None:
    """Raise Problem (NotValid) if the certificate and key of these props cannot be used.

    With what they were `before`, only if there is a change to judge.
    """
    if not props.get("ClientCert"):
        return
    if before is not None and all(props.get(prop) == before.get(prop) for prop in _DECIDE):
        return
    from cockpit_getmail.login.client_certificate import find_fault

    # Runs are root's to start, and who is not root may not be able to read what root can.
    if os.geteuid() != 0 and not all(os.access(props[prop], os.R_OK) for prop in _DECIDE if props.get(prop)):
        return
    if fault := find_fault(props):
        shown = schema.show(props.get(fault.prop))
        refuse([{"parameter": fault.prop, "value": shown, "error": fault.word}])
