# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a run needs of a place to deliver to."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol


class Staged(NamedTuple):
    """A message taken in whole, not yet delivered: `name` finds it again, `size` is in octets as stored."""

    name: str
    size: int


class Staging(Protocol):
    """One message on its way in."""

    def write(self, data: bytes) -> None:
        """Take the next octets, lines ended by CRLF."""

    def finish(self) -> Staged:
        """The message is whole."""

    def abort(self) -> None:
        """Forget the message and what was written of it."""


class Destination(Protocol):
    """One account's mail. The calls for a batch are stage..., sync, publish; fetch does what is between."""

    location: str

    def stage(self) -> Staging:
        """Begin a message."""

    def sync(self, batch: Sequence[Staged]) -> None:
        """Make the staged messages durable, or discard them all and raise a Problem (delivery or quota)."""

    def discard(self, batch: Sequence[Staged]) -> None:
        """Forget staged messages and what was written of them, as far as that is possible. Never raises."""

    def publish(self, batch: Sequence[Staged]) -> None:
        """Deliver them, durably."""

    def recover(self, open_intents: Iterable[Staged]) -> set[str]:
        """After a run that was cut off: return the names that are delivered, durably; all others are not."""
