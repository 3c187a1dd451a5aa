# SPDX-License-Identifier: LGPL-2.1-or-later
"""Callbacks: that a connector's first complete run is done, and each change of its status, to a URL.

Root notes what changed in a queue of its own (observe, note) and hands what is due to a unit (send_due);
that unit alone talks to the receivers (unit).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from cockpit_getmail.callbacks.sender import send_due
    from cockpit_getmail.callbacks.watch import forget, note, observe

PROPS = {"complete": "CallbackUrl", "status": "StatusCallbackUrl"}
"""The prop that has the URL, by what is told there."""
_MODULES = {"forget": "watch", "note": "watch", "observe": "watch", "send_due": "sender"}

__all__ = ["PROPS", "are_wanted", "forget", "note", "observe", "send_due"]


def are_wanted(props: Mapping[str, str]) -> bool:
    """Whether a connector with these props has anything told."""
    return any(props.get(prop) for prop in PROPS.values())


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _MODULES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
