# SPDX-License-Identifier: LGPL-2.1-or-later
"""A first fetch that ends in a Dovecot by LMTP, and not in a folder."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from bench import table
from bench.mailboxes import digest, mixed_sizes
from bench.matches import HEAD, ROUND_TRIPS, list_versions, make_row, name_work
from bench.pairs import Failed, Usage, compare
from bench.peers import ACCOUNT, FETCHMAIL, GETMAIL, OURS, PASSWORD, Program, Recipe, Source
from bench.place import Place
from tests.support.dovecot_lmtp import DovecotLmtp

Deliver = Callable[[Recipe, int], Recipe]


def sections(quick: bool) -> Iterator[table.Section]:
    count, pairs = (40, 1) if quick else (500, 3)
    sizes = {"first": mixed_sizes(count)}
    target = DovecotLmtp({ACCOUNT: PASSWORD})
    with Place(sizes, "delivering") as place, target:
        mailbox = place.mailboxes["first"]
        title = f"First fetch into LMTP, IMAP, {mailbox.count} messages, {table.show_octets(mailbox.octets)}"
        section = table.Section(title, HEAD, remarks=[list_versions([OURS, *(peer for peer, _ in PEERS)])])
        for round_trip in ROUND_TRIPS:
            ours = Sender(place, OURS, _ours, target, round_trip)
            for peer, deliver in PEERS:
                theirs = Sender(place, peer, deliver, target, round_trip)
                work = name_work(f"{mailbox.count} messages", round_trip)
                section.rows.append(make_row(work, peer, compare(ours, theirs, pairs), None))
                place.forget_seen("first")
        yield section


class Sender:
    """A program that fetches a mailbox and hands it on to a Dovecot, which begins with nothing each time."""

    def __init__(
        self, place: Place, program: Program, deliver: Deliver, target: DovecotLmtp, round_trip: float
    ) -> None:
        def recipe(source: Source, folder: Path) -> Recipe:
            return deliver(program.recipe(source, folder), target.lmtp)

        self._fetcher = place.fetcher(replace(program, recipe=recipe), "IMAP", "first", round_trip)
        self._mailbox = place.mailboxes["first"]
        self._target = target
        self._is_ours = program is OURS
        self.name, self.version = self._fetcher.name, self._fetcher.version

    def prepare(self) -> None:
        self._target.doveadm("expunge", "-u", ACCOUNT, "mailbox", "INBOX", "ALL")
        self._fetcher.prepare()

    def run(self) -> Usage:
        return self._fetcher.run()

    def check(self) -> None:
        """Raises Failed unless all was delivered; ours must have it octet by octet."""
        there = self._target.delivered(ACCOUNT)
        if len(there) != self._mailbox.count:
            raise Failed(f"{len(there)} of {self._mailbox.count} messages delivered")
        if self._is_ours and Counter(map(digest, there)) != self._mailbox.digests:
            raise Failed("a message is not what the server has")


def _ours(recipe: Recipe, port: int) -> Recipe:
    env = {**recipe.env, "COCKPIT_GETMAIL_DESTINATION": f"lmtp:127.0.0.1:{port}"}
    return replace(recipe, env=env)


def _getmail(recipe: Recipe, port: int) -> Recipe:
    before, _, after = recipe.files["getmailrc"].partition("[destination]")
    options = after[after.index("[options]") :]
    lmtp = f"type = MDA_lmtp\nhost = 127.0.0.1\nport = {port}\noverride = {ACCOUNT}\n"
    return replace(recipe, files={**recipe.files, "getmailrc": f"{before}[destination]\n{lmtp}\n{options}"})


def _fetchmail(recipe: Recipe, port: int) -> Recipe:
    before, _, _ = recipe.files["fetchmailrc"].partition("  mda ")
    lmtp = f'  lmtp smtphost "127.0.0.1/{port}" smtpname "{ACCOUNT}"\n'
    return replace(recipe, files={**recipe.files, "fetchmailrc": before + lmtp})


PEERS: Sequence[tuple[Program, Deliver]] = ((GETMAIL, _getmail), (FETCHMAIL, _fetchmail))
