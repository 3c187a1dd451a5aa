# SPDX-License-Identifier: LGPL-2.1-or-later
"""Several filters as one."""

from dataclasses import dataclass, field

import pytest

from cockpit_getmail import filter as filters
from cockpit_getmail.filter.base import Envelope, Removal, Verdict
from cockpit_getmail.filter.clamd import Clamd
from cockpit_getmail.filter.rspamd import Rspamd
from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.settings import Settings
from cockpit_getmail.spool import Spool
from tests.support.fetching import make_connector
from tests.unit.filter.conftest import MakeSpool

ENVELOPE = Envelope("", "me")
HELD = [Verdict("drop", "d"), Verdict("quarantine", "q"), Verdict("later", "l"), Verdict("fail", "f")]


@dataclass
class Says:
    """A filter that says this of each message."""

    verdict: Verdict
    asked: list[Spool] = field(default_factory=list)

    def scan(self, message: Spool, envelope: Envelope) -> Verdict:
        assert envelope == ENVELOPE
        self.asked.append(message)
        return self.verdict


@pytest.mark.parametrize("held", HELD, ids=str)
def test_what_one_holds_back_no_other_sees(make_spool: MakeSpool, held: Verdict) -> None:
    first, second, third = Says(Verdict("deliver", "", b"A: 1\r\n")), Says(held), Says(Verdict("deliver"))
    message = make_spool(b"x")
    assert filters.Chain([first, second, third]).scan(message, ENVELOPE) == held
    assert (first.asked, second.asked, third.asked) == ([message], [message], [])


def test_changes_add_up(make_spool: MakeSpool) -> None:
    first = Says(Verdict("junk", "bad", b"A: 1\r\n", (Removal(b"A"),)))
    second = Says(Verdict("deliver", "", b"B: 2\r\n", (Removal(b"B", 1),)))
    for chain in ([first, second], [second, first]):
        found = filters.Chain(chain).scan(make_spool(b"x"), ENVELOPE)
        assert (found.action, found.reason) == ("junk", "bad")
        assert set(found.removed) == {Removal(b"A"), Removal(b"B", 1)}
        assert sorted(found.added.splitlines()) == [b"A: 1", b"B: 2"]


@pytest.mark.parametrize("is_up", [True, False])
def test_message_that_has_no_answer_fails_if_another_has_one(make_spool: MakeSpool, is_up: bool) -> None:
    problem = failure("filter", "It is silent.")
    message = make_spool(b"bomb")

    class Silent(Says):
        def scan(self, message: Spool, envelope: Envelope) -> Verdict:
            verdict = super().scan(message, envelope)
            if is_up and message.head(4) != b"bomb":
                return verdict
            raise problem

    chain = filters.Chain([Silent(Verdict("later"))])
    if is_up:
        assert chain.scan(message, ENVELOPE) == Verdict("fail", "It is silent.")
        return
    with pytest.raises(Problem) as caught:
        chain.scan(message, ENVELOPE)
    assert caught.value is problem


def test_trouble_of_our_own_is_no_fault_of_a_message(make_spool: MakeSpool) -> None:
    class Full(Says):
        def scan(self, message: Spool, envelope: Envelope) -> Verdict:
            super().scan(message, envelope)
            raise failure("quota", "No room.")

    full = Full(Verdict("deliver"))
    with pytest.raises(Problem, match="No room"):
        filters.Chain([full]).scan(make_spool(b"x"), ENVELOPE)
    assert len(full.asked) == 1


@pytest.mark.parametrize(
    ("props", "kinds"),
    [
        ({}, None),
        ({"VirusCheck": "disabled"}, None),
        ({"VirusCheck": "enabled"}, [Clamd]),
        ({"SpamCheck": "enabled"}, [Rspamd]),
        ({"FilterCheck": "enabled"}, [Rspamd]),
        ({"FilterCheck": "enabled", "SpamCheck": "enabled", "VirusCheck": "enabled"}, [Clamd, Rspamd]),
    ],
    ids=str,
)
def test_filters_of_a_connector(props: dict[str, str], kinds: list[type] | None) -> None:
    chain = filters.make(make_connector("SimpleIMAPRetriever", 1, **props), Settings())
    assert (chain and [type(each) for each in vars(chain)["_filters"]]) == kinds
