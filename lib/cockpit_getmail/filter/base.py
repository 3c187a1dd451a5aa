# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a run needs of a filter."""

from typing import Literal, NamedTuple, Protocol, TypeAlias

from cockpit_getmail.spool import Spool

Action: TypeAlias = Literal["deliver", "junk", "drop", "quarantine", "later", "fail"]


class Removal(NamedTuple):
    """A header that goes: its name, and which of those of this name.

    0 is all of them, 1 the first from above, -1 the last.
    """

    name: bytes
    which: int = 0


class Verdict(NamedTuple):
    """What is to be done with a message.

    `deliver` and `junk` (into the folder for that) change its header: what is `removed`, and `added` above
    it, whole lines with CRLF. `drop`: it is never fetched again. `quarantine`: it is set aside for `reason`.
    `later`: the next run asks again. `fail`: it cannot be scanned, which counts as a failed attempt.
    """

    action: Action
    reason: str = ""
    added: bytes = b""
    removed: tuple[Removal, ...] = ()


class Envelope(NamedTuple):
    """Who a message is from and for; an empty sender is that of a bounce, or not known."""

    sender: str
    recipient: str


class Filter(Protocol):
    """A program that looks at messages. Several threads may call scan() at once."""

    def scan(self, message: Spool, envelope: Envelope) -> Verdict:
        """Return what is to be done with a message. Raises Problem (filter) where there is no answer."""
