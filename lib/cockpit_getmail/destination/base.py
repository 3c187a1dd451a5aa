# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a run needs of a place to deliver to."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from cockpit_getmail.problem import Problem

POSTPONED = 3
"""After so many in a row that shall wait, for no fault of theirs, all others wait too."""
REFUSED = 5
"""After so many that are refused, and none that is taken, it is rather the destination that is wrong."""


class Staged(NamedTuple):
    """A message taken in whole, not yet delivered: `name` finds it again, `size` is in octets as stored."""

    name: str
    size: int


class Refusal(NamedTuple):
    """Why a message was not delivered; `for_good` if it never will be as it is, else a later run tries.

    What was not `tried`, as another was in the way, keeps its place in the order.
    """

    reason: str
    for_good: bool
    tried: bool = True


class Staging(Protocol):
    """One message on its way in."""

    def write(self, data: bytes) -> None:
        """Take the next octets, lines ended by CRLF."""

    def finish(self) -> Staged:
        """The message is whole."""

    def abort(self) -> None:
        """Forget the message and what was written of it."""


class Destination(Protocol):
    """One account's mail. The calls for a batch are stage..., sync, publish; delivery does the rest."""

    location: str
    batch_messages: int
    """So many messages are published together at most."""
    remembers: bool
    """Whether recover() knows what was delivered.

    Where it does not, each batch is recorded right after it, and comes again if the run is cut off before.
    """
    trouble: Problem | None
    """Why nothing more can be delivered, if publish() has met that."""

    def require_folders(self) -> None:
        """Raise Problem if messages cannot go to folders of the account that are not its inbox."""

    def stage(self, folder: str | None = None) -> Staging:
        """Begin a message for a folder of the account: None is the connector's own (prop Folder).

        Where no folder can be named, it goes where all goes: what a filter wants in another is marked by it.
        """

    def sync(self, batch: Sequence[Staged]) -> None:
        """Make the staged messages durable, or discard them all and raise a Problem (delivery or quota)."""

    def discard(self, batch: Sequence[Staged]) -> None:
        """Forget staged messages and what was written of them, as far as that is possible. Never raises."""

    def publish(self, batch: Sequence[Staged]) -> Mapping[str, Refusal]:
        """Deliver them in order, durably; return why not by name, of those that are not delivered.

        Where that breaks off, `trouble` says why, and all that were not confirmed are refused. Raises a
        Problem only if recover() will know what was delivered.
        """

    def recover(self, open_intents: Iterable[Staged]) -> set[str]:
        """After a run that was cut off: return the names that are delivered, durably; all others are not."""

    def close(self) -> None:
        """Leave. Never raises."""
