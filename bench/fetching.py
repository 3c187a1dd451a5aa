# SPDX-License-Identifier: LGPL-2.1-or-later
"""What people wait for: a first fetch, a poll that finds nothing, a few new messages in a large mailbox."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench import polling, table
from bench.mailboxes import mixed_sizes
from bench.matches import HEAD, ROUND_TRIPS, list_versions, make_row, name_work
from bench.pairs import Failed, Pairs, compare, once
from bench.peers import FDM, FETCHMAIL, FLOOR, GETMAIL, MBSYNC, MPOP, OURS, Program, Protocol
from bench.place import Place

# A program that waits for an answer after each message takes minutes over a line with a delay.
SLOW = (GETMAIL, FETCHMAIL, FDM)


@dataclass(frozen=True)
class Scale:
    """Messages of a first fetch, one by a slow peer over a delay, a slow peer's warm-up, a large mailbox."""

    first: int = 2000
    slow: int = 500
    warm_up: int = 50
    stock: int = 20_000
    pairs: int = 5


QUICK = Scale(first=200, slow=40, warm_up=5, stock=1000, pairs=1)


@dataclass(frozen=True)
class Match:
    """A peer, and which part of its time is the target at each round trip; None is no target."""

    peer: Program
    limits: Sequence[float | None] = (None, None)
    shorter: bool = False
    """Over a delay on a smaller mailbox."""
    tls: bool = False
    """Both with TLS from the start."""


FIRST: dict[Protocol, Sequence[Match]] = {
    "IMAP": (
        Match(MBSYNC, (0.8, 0.8)),
        Match(MBSYNC, tls=True),
        Match(GETMAIL, (1 / 15, 1 / 35)),
        Match(FETCHMAIL, shorter=True),
        Match(FDM, shorter=True),
        Match(FLOOR),
    ),
    "POP3": (
        Match(MPOP, (0.8, 0.8)),
        Match(MPOP, tls=True),
        Match(GETMAIL, shorter=True),
        Match(FETCHMAIL, shorter=True),
        Match(FDM, shorter=True),
        Match(FLOOR),
    ),
}


def sections(quick: bool) -> Iterator[table.Section]:
    scale = QUICK if quick else Scale()
    sizes = {
        "first": mixed_sizes(scale.first),
        "slow": mixed_sizes(scale.slow),
        "warm-up": mixed_sizes(scale.warm_up),
        polling.USER: [polling.SIZE] * scale.stock,
    }
    with Place(sizes) as place:
        yield first_fetch(place, "IMAP", scale.pairs)
        yield first_fetch(place, "POP3", scale.pairs)
        yield polling.section(place, scale.pairs)


def first_fetch(place: Place, protocol: Protocol, pairs: int) -> table.Section:
    mailbox = place.mailboxes["first"]
    title = f"First fetch, {protocol}, {mailbox.count} messages, {table.show_octets(mailbox.octets)}"
    programs = [OURS, *(match.peer for match in FIRST[protocol] if match.peer is not FLOOR)]
    section = table.Section(title, HEAD, remarks=[list_versions(programs)])
    for number, round_trip in enumerate(ROUND_TRIPS):
        for match in FIRST[protocol]:
            user = "slow" if match.shorter and round_trip else "first"
            what = f"{place.mailboxes[user].count} messages{', TLS' if match.tls else ''}"
            work = name_work(what, round_trip)
            found = _compare_first(place, match, protocol, user, round_trip, pairs)
            section.rows.append(make_row(work, match.peer, found, match.limits[number]))
    return section


def _compare_first(
    place: Place, match: Match, protocol: Protocol, user: str, round_trip: float, pairs: int
) -> Pairs:
    peer = match.peer
    ours = place.fetcher(OURS, protocol, user, round_trip, match.tls)
    theirs = place.fetcher(peer, protocol, user, round_trip, match.tls)
    warm_up = place.fetcher(peer, protocol, "warm-up", round_trip) if peer in SLOW else theirs
    once(ours)
    try:
        once(warm_up)
    except Failed as failed:
        return Pairs([once(ours)], [], str(failed))
    found = compare(ours, theirs, pairs, warm_up=0)
    place.forget_seen(user)
    return found
