# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mail connectors: pull remote POP3 and IMAP accounts into local ones."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cockpit_getmail.client import Client as Client

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    # Helpers and runs import this package, and no client.
    if name == "Client":
        from cockpit_getmail.client import Client

        return Client
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
