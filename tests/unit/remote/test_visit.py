# SPDX-License-Identifier: LGPL-2.1-or-later
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from cockpit_getmail import remote
from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.remote.visit import Visit
from tests.support.fetching import make_connector
from tests.support.hostile import Script, Server, close, imap, pop3, repeat, tagged

IMAP, POP3 = "SimpleIMAPRetriever", "SimplePOP3Retriever"


def test_nobody_connects_before_it_is_needed() -> None:
    with Server(imap({})) as server, Visit(make_connector(IMAP, server.port), None, 5) as visit:
        assert (visit.protocol, server.connections) == ("imap", 0)


def test_one_session_is_logged_out_of_at_the_end() -> None:
    with Server(imap({})) as server:
        with Visit(make_connector(IMAP, server.port), None, 5) as visit:
            assert visit.retriever is visit.retriever
            assert visit.imap is visit.imap
            assert "UIDPLUS" in visit.session.capabilities()
            visit.imap.noop()
        assert server.connections == 1
    commands = [line.split()[1] for line in server.received]
    assert commands == [b"CAPABILITY", b"LOGIN", b"CAPABILITY", b"NOOP", b"LOGOUT"]


def test_a_maildrop_has_no_imap() -> None:
    with Server(pop3()) as server:
        with Visit(make_connector(POP3, server.port), None, 5) as visit:
            with pytest.raises(Problem) as caught:
                visit.imap  # noqa: B018
            assert visit.retriever.select().messages == 0
        assert caught.value.type == "Conflict"
    assert server.received[-1] == b"QUIT"


def met(script: Script, act: Callable[[Visit], object]) -> Problem:
    """Return what comes out of a visit."""

    def make(port: int) -> None:
        with Visit(make_connector(IMAP, port), None, 5) as visit:
            act(visit)

    with Server(script) as server, pytest.raises(Problem) as caught:
        make(server.port)
    return caught.value


def test_who_cannot_log_in_is_told_what_to_do() -> None:
    problem = met(imap({"LOGIN .*": tagged(status=b"NO no")}), lambda visit: visit.retriever)
    assert isinstance(problem.attributes, dict)
    assert problem.attributes["status"] == "INVALID_CREDENTIALS"


def test_what_goes_wrong_in_it_is_a_problem() -> None:
    script = imap({"LIST .*": tagged(status=b"NO never"), "NOOP": [b"* BYE\r\n", close]})
    assert met(script, lambda visit: visit.imap.list_folders()).cause == "mailbox"
    assert met(script, lambda visit: visit.imap.noop()).cause == "network"


def test_who_talks_nonsense_is_left_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else what it says on would be taken for an answer to LOGOUT."""
    script = imap({"NOOP": [b"nonsense\r\n", repeat(b"* OK still here\r\n")]})
    kind = SimpleNamespace(answer=lambda visit, _request: visit.imap.noop())
    monkeypatch.setattr(remote, "_load", lambda _request: kind)
    with Server(script) as server, pytest.raises(Problem) as caught:
        remote.answer(make_connector(IMAP, server.port), None, 60, {})
    assert isinstance(caught.value.attributes, dict)
    assert caught.value.cause == "protocol"
    # What to do about it is told, too.
    assert caught.value.attributes["hint"]
    assert server.received[-1].endswith(b"NOOP")


def test_a_problem_of_ours_stays_as_it_is() -> None:
    ours = failure("mailbox", "There is no such message.", kind="NotFound")

    def act(visit: Visit) -> None:
        visit.imap.noop()
        raise ours

    assert met(imap({}), act) is ours
