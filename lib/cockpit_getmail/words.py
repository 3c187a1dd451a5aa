# SPDX-License-Identifier: LGPL-2.1-or-later
"""The words that a Problem may use."""

from collections.abc import Mapping
from typing import Any, Literal

Type = Literal[
    "InvalidInput",
    "NotValid",
    "NotFound",
    "Conflict",
    "GenericError",
    "EventFailed",
    "Timeout",
    "InternalError",
]
Cause = Literal[
    "credentials", "network", "tls", "protocol", "mailbox", "quota", "delivery", "filter", "policy",
    "internal", "settings", "connector", "running",
]  # fmt: skip
Status = Literal["INVALID_CREDENTIALS", "CONNECTION_IMPOSSIBLE", "NO_ACCESS_TO_ALL_MAIL"]
Fault = Mapping[str, Any]
