# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is taken for search criteria, a real Dovecot takes too, and understands as it was meant."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cockpit_getmail.criteria import parse
from cockpit_getmail.retriever.imap import Imap
from cockpit_getmail.retriever.imap_fetch import Fetcher
from tests.mail.conftest import FAST
from tests.mail.test_imap_hostile import imap_session
from tests.support.dovecot import Dovecot
from tests.support.fetching import enter
from tests.support.searches import TEXTS, make_searches, quote

MESSAGES = 3
NUMBERS = st.sampled_from(["1", "1:3", "2,3", "*", "1:*", "3:2"])
PLAIN = "  imap_capability = IMAP4rev1\n"
"""A server that wants to be asked before each literal."""


@pytest.fixture(scope="module", params=["", PLAIN], ids=["literals at once", "literals one by one"])
def box(request: pytest.FixtureRequest) -> Iterator[Imap]:
    extra = f"{FAST}protocol imap {{\n{request.param}}}\n"
    with Dovecot({"u": "geheim-4711"}, extra=extra) as dovecot:
        dovecot.fill("u", MESSAGES)
        session = imap_session(dovecot.imap, timeout=30.0)
        enter(session)
        assert ("LITERAL+" in session.session.capabilities()) == (not request.param)
        yield session
        session.close()


def search(box: Imap, text: str) -> list[int]:
    extended = "ESEARCH" in box.session.capabilities()
    return list(Fetcher(box.session).search(parse(text), "1:*", MESSAGES, extended=extended))


many = settings(
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@given(text=make_searches(numbers=NUMBERS))
@many
def test_server_takes_it(box: Imap, text: str) -> None:
    assert set(search(box, text)) <= {1, 2, 3}


@given(text=make_searches(numbers=NUMBERS))
@many
def test_server_takes_it_for_one_search(box: Imap, text: str) -> None:
    assert search(box, f"OR ({text}) ALL") == [1, 2, 3]
    assert search(box, f"({text}) NOT ALL") == []


@given(text=TEXTS)
@many
def test_text_is_one_text_whatever_it_holds(box: Imap, text: str) -> None:
    assert search(box, f"OR SUBJECT {quote(text)} ALL") == [1, 2, 3]
