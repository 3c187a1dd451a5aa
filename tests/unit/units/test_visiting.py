# SPDX-License-Identifier: LGPL-2.1-or-later
"""Visits where there is no systemd; tests/machine has the sandbox."""

from pathlib import Path
from typing import Any

import pytest

from cockpit_getmail import remote
from cockpit_getmail.problem import Problem
from cockpit_getmail.settings import Settings
from cockpit_getmail.units import systemd, visiting
from tests.support.fetching import make_connector
from tests.support.hostile import Server, hang, imap

REQUEST = {"about": "capabilities"}
ASKING = "SimpleIMAPRetriever"


@pytest.fixture(autouse=True)
def _no_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systemd, "BOOTED", Path("/nowhere"))


@pytest.mark.long
def test_a_visit_is_made_in_this_process() -> None:
    assert not visiting.checks_in_unit()
    with Server(imap({}, capabilities="IMAP4rev1 X-\x1b[2J")) as server:
        found = visiting.visit(make_connector(ASKING, server.port), Settings(), REQUEST)
    assert found == {"protocol": "imap", "tls": None, "capabilities": ["IMAP4REV1", "X-\\x1b[2J"]}


def test_it_has_its_own_limit_of_time() -> None:
    settings = Settings(remote_timeout=0.2, check_timeout=600)
    with Server(imap({"LOGIN .*": hang})) as server, pytest.raises(Problem) as caught:
        visiting.visit(make_connector(ASKING, server.port), settings, REQUEST)
    assert caught.value.cause == "network"


@pytest.mark.parametrize("found", [None, [], {}, {"protocol": "imap"}, {"protocol": "imap", "tls": 5}])
def test_what_is_no_answer_is_not_believed(monkeypatch: pytest.MonkeyPatch, found: Any) -> None:
    monkeypatch.setattr(remote, "answer", lambda *_: found)
    with pytest.raises(Problem) as caught:
        visiting.visit(make_connector(ASKING, 1), Settings(), REQUEST)
    assert caught.value.cause == "internal"


def test_a_ca_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        visiting.visit(make_connector(ASKING, 1, CAFile=str(tmp_path / "none")), Settings(), REQUEST)
    assert caught.value.cause == "connector"
