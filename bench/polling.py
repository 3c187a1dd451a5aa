# SPDX-License-Identifier: LGPL-2.1-or-later
"""A large mailbox that was fetched before: nothing new in it, and then a few messages."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench import table
from bench.fetchers import Fetcher
from bench.matches import HEAD, ROUND_TRIPS, make_row, name_work
from bench.pairs import Failed, Pairs, compare, once
from bench.peers import MBSYNC, MBSYNC_PULL, MPOP, OURS, Program, Protocol
from bench.place import Place

USER = "stock"
SIZE = 2000
NEW = 20
POLL_LIMIT, NEW_LIMIT = 1.5, 1.2
WIRE_LIMIT = 2048


@dataclass(frozen=True)
class Poll:
    """Ours and a peer, each with what it remembers of the mailbox, unless the peer's first fetch failed."""

    protocol: Protocol
    round_trip: float
    peer: Program
    ours: Fetcher
    theirs: Fetcher
    failure: str = ""

    @property
    def has_target(self) -> bool:
        return self.protocol == "IMAP"

    def compare(self, pairs: int) -> Pairs:
        if self.failure:
            return Pairs([once(self.ours)], [], self.failure)
        return compare(self.ours, self.theirs, pairs)


def section(place: Place, pairs: int) -> table.Section:
    """Compare, and leave the mailbox with the few messages more."""
    found = table.Section(f"A mailbox of {place.mailboxes[USER].count} messages, fetched before", HEAD)
    polls = [*_polls(place, "IMAP", (MBSYNC, MBSYNC_PULL)), *_polls(place, "POP3", (MPOP,))]
    found.rows.extend(_compare(poll, "nothing new", pairs, POLL_LIMIT) for poll in polls)
    found.rows.extend(_count_octets(place, poll) for poll in polls if poll.round_trip)
    place.add(USER, [SIZE] * NEW)
    found.rows.extend(_compare(poll, f"{NEW} new", pairs, NEW_LIMIT) for poll in polls)
    return found


def _polls(place: Place, protocol: Protocol, peers: tuple[Program, ...]) -> Iterator[Poll]:
    for round_trip in ROUND_TRIPS:
        ours = place.fetcher(OURS, protocol, USER, round_trip)
        settle(ours)
        for peer in peers:
            theirs = place.fetcher(peer, protocol, USER, round_trip)
            failure = ""
            try:
                settle(theirs)
            except Failed as failed:
                failure = str(failed)
            yield Poll(protocol, round_trip, peer, ours, theirs, failure)


def settle(fetcher: Fetcher) -> None:
    """Let each of its runs begin where a first fetch and a poll have ended."""
    once(fetcher)
    fetcher.keep()
    once(fetcher)
    fetcher.keep()


def _compare(poll: Poll, what: str, pairs: int, limit: float) -> table.Row:
    work = name_work(f"{what}, {poll.protocol}", poll.round_trip)
    return make_row(work, poll.peer, poll.compare(pairs), limit if poll.has_target else None)


def _count_octets(place: Place, poll: Poll) -> table.Row:
    """Return what a poll takes on the wire, in both directions together."""
    work = f"nothing new, {poll.protocol}, octets on the wire"
    ours = _octets(place, poll, poll.ours)
    cells = [table.show_octets(ours), poll.peer.name, f"failed: {poll.failure}", "-"]
    if not poll.failure:
        theirs = _octets(place, poll, poll.theirs)
        cells[2:] = [table.show_octets(theirs), f"{ours / theirs:.3f}"]
    if not poll.has_target:
        return table.Row(work, cells)
    return table.Row(work, cells, f"< {WIRE_LIMIT} B", ours < WIRE_LIMIT)


def _octets(place: Place, poll: Poll, fetcher: Fetcher) -> int:
    place.count_octets(poll.protocol, poll.round_trip)
    once(fetcher)
    return place.count_octets(poll.protocol, poll.round_trip)
