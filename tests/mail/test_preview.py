# SPDX-License-Identifier: LGPL-2.1-or-later
"""read preview against a real Dovecot: what would come of which folder, and nothing does."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.support.dovecot import Dovecot, make_message

PASSWORD = "geheim-4711"
RETRIEVERS = {"SimpleIMAPRetriever": "imap", "SimplePOP3Retriever": "pop3"}
LARGE = make_message(99, 100_000)

pytestmark = pytest.mark.root
both = pytest.mark.parametrize("retriever", RETRIEVERS)


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    users = {f"user{number}": PASSWORD for number in range(20)}
    with Dovecot(users, special_uses={"Sent": "\\Sent"}) as running:
        yield running


_numbers = iter(range(20))


@pytest.fixture
def user(dovecot: Dovecot) -> str:
    return f"user{next(_numbers)}"


def make_props(dovecot: Dovecot, user: str, retriever: str, **props: str) -> dict[str, str]:
    fixed = {
        "Retriever": retriever,
        "Server": dovecot.host,
        "Port": str(getattr(dovecot, RETRIEVERS[retriever])),
        "Username": user,
        "Password": PASSWORD,
    }
    return {**fixed, **props}


def subjects(answer: dict[str, Any]) -> list[str]:
    return [message["subject"] for message in answer["messages"]]


@both
def test_all_of_a_mailbox(dovecot: Dovecot, api: Api, user: str, retriever: str) -> None:
    dovecot.fill(user, 25)
    name = api.add(**make_props(dovecot, user, retriever))
    answer = api.succeed("read", "preview", name=name)
    assert answer["folders"] == [{"name": "INBOX", "messages": 25, "wanted": 25, "passed": 0}]
    assert (answer["wanted"], answer["passed"], answer["left"], answer["more"]) == (25, 0, 0, 0)
    assert subjects(answer) == [f"Message {number}" for number in range(25, 5, -1)]
    first = answer["messages"][0]
    assert first["folder"] == "INBOX"
    assert first["sent_from"] == [{"name": "Sender 25", "email": "sender25@example.com"}]
    assert "headers" not in first


@both
def test_size_and_number(dovecot: Dovecot, api: Api, user: str, retriever: str) -> None:
    dovecot.fill(user, 3, 1000)
    dovecot.add_message(user, LARGE)
    form = make_props(dovecot, user, retriever, MaxSize="50000", MaxMessages="2")
    answer = api.succeed("read", "preview", form={"action": "check-credentials", **form})
    assert answer["folders"] == [{"name": "INBOX", "messages": 4, "wanted": 3, "passed": 1}]
    assert (answer["wanted"], answer["passed"], answer["left"]) == (3, 1, 1)
    assert subjects(answer) == ["Message 3", "Message 2", "Message 1"]


def test_folders_and_search(dovecot: Dovecot, api: Api, user: str) -> None:
    for folder in ("Projects", "Projects.Old", "Sent", "Empty"):
        dovecot.make_folder(user, folder)
    for number, folder in enumerate(
        ("INBOX",) * 4 + ("Projects",) * 3 + ("Projects.Old", "Sent", "Sent"), 1001
    ):
        dovecot.add_message(user, make_message(number, 900), folder)
    dovecot.add_message(user, LARGE, "Sent")
    wanted = {
        "Folders": "INBOX, Proj*, \\Sent, Empty, !Projects.Old",
        "Search": 'NOT SUBJECT "Message 1002" NOT FROM "Zoë"',
        "MaxSize": "50000",
    }
    name = api.add(**make_props(dovecot, user, "SimpleIMAPRetriever", **wanted))
    answer = api.succeed("read", "preview", name=name)
    assert {folder["name"]: (folder["wanted"], folder["passed"]) for folder in answer["folders"]} == {
        "INBOX": (3, 1),
        "Projects": (3, 0),
        "Sent": (2, 1),
        "Empty": (0, 0),
    }
    assert (answer["wanted"], answer["passed"], answer["more"]) == (8, 2, 0)
    assert len(answer["messages"]) == 8
    assert {message["folder"] for message in answer["messages"]} == {"INBOX", "Projects", "Sent"}
    assert "Message 1002" not in subjects(answer)
    assert set(dovecot.flags(user)) == {""}


def test_folder_that_is_not_there(dovecot: Dovecot, api: Api, user: str) -> None:
    dovecot.fill(user, 2)
    props = make_props(dovecot, user, "SimpleIMAPRetriever")
    form = {"action": "check-credentials", **props, "Folders": "INBOX, Nowhere, \\Junk"}
    answer = api.succeed("read", "preview", form=form)
    assert [folder["name"] for folder in answer["folders"]] == ["INBOX"]
    assert (answer["wanted"], answer["more"]) == (2, 2)
    problem = api.fail("read", "preview", form={**form, "Folders": "Nowhere"})
    assert problem["attributes"]["cause"] == "mailbox"


def test_form_that_changes_a_connector(dovecot: Dovecot, api: Api, user: str) -> None:
    dovecot.fill(user, 3)
    name = api.add(**make_props(dovecot, user, "SimpleIMAPRetriever", Search="SUBJECT nothing"))
    form = {"action": "check-credentials", "name": name, "Password": ""}
    assert api.succeed("read", "preview", form=form)["wanted"] == 0
    assert api.succeed("read", "preview", form={**form, "Search": "UID 2:*"})["wanted"] == 2
    assert api.succeed("read", "preview", form={**form, "Search": None})["wanted"] == 3


def test_search_that_goes_wrong(dovecot: Dovecot, api: Api, user: str) -> None:
    dovecot.fill(user, 1)
    form = {"action": "check-credentials", **make_props(dovecot, user, "SimpleIMAPRetriever")}
    problem = api.fail("read", "preview", form={**form, "Search": "ALL)"})
    assert problem["attributes"] == [{"parameter": "form.Search", "value": "ALL)", "error": "format"}]
    problem = api.fail("read", "preview", form={**form, "Search": "X-GM-RAW x"})
    assert problem["attributes"]["cause"] == "connector"
