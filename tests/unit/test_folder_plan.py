# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which folders a run goes through, by what a server lists. With servers: tests/mail."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from cockpit_getmail import folder_plan, imap_utf7
from cockpit_getmail.connector import Connector
from cockpit_getmail.problem import Problem
from cockpit_getmail.retriever.base import ALL, INBOX, Listed, Retriever, Status
from tests.support.fetching import Log


@dataclass
class Account:
    """A server that lists folders, and nothing else."""

    listed: list[Listed]
    prefix: str = ""
    capabilities: Sequence[str] = ()
    status: Status | None = None
    asked: list[Any] = field(default_factory=list)

    def list_folders(self, patterns: Sequence[bytes] = ALL) -> list[Listed]:
        self.asked.append(list(patterns))
        are_names = not any(b"*" in pattern for pattern in patterns)
        return [folder for folder in self.listed if not are_names or folder.wire in patterns]

    def add_statuses(self, listed: Sequence[Listed]) -> list[Listed]:
        self.asked.append("status")
        return [folder._replace(status=folder.status or self.status) for folder in listed]

    def find_prefix(self) -> str:
        self.asked.append("prefix")
        return self.prefix


def make(account: Account, log: Log | None = None, **props: str) -> folder_plan.Plan:
    connector = Connector.from_record("me", {"Server": "mail.example", **props})
    return folder_plan.make(connector, cast("Retriever", account), log or Log())


def folder(name: str, *attributes: str) -> Listed:
    return Listed(name, imap_utf7.encode(name), ".", frozenset(attributes))


@pytest.mark.parametrize("props", [{}, {"Folders": "inbox"}, {"FolderMap": "keep", "Folder": "Old"}])
def test_for_inbox_alone_nobody_asks(props: dict[str, str]) -> None:
    account = Account([])
    assert make(account, None, **props) == folder_plan.Plan([INBOX])
    assert account.asked == []


def test_folder_that_the_server_hides_has_levels_as_others_have() -> None:
    account = Account([INBOX, folder("a.b")])
    assert make(account, Folders="Hidden.c").folders == [folder("Hidden.c")]
    assert account.asked == [[b"Hidden.c"], [b"*"]]


def test_folder_is_found_by_its_name_in_another_form() -> None:
    account = Account([INBOX, folder("Bu\u0308ro")])
    assert make(account, Folders="INBOX, B\u00fcro").folders == [INBOX, folder("Bu\u0308ro")]


def test_all_go_to_one() -> None:
    account = Account([folder("a.b"), INBOX])
    assert make(account, Folders="*").folders == [INBOX, folder("a.b")]
    assert account.asked == [[b"*"], "status"]


def find_places(account: Account, **props: str) -> dict[str, str]:
    connector = Connector.from_record("me", {"FolderMap": "keep", **props})
    return folder_plan.find_places(connector, cast("Retriever", account), account.listed)


def test_each_goes_to_its_own() -> None:
    account = Account([INBOX, folder("INBOX.a"), folder("INBOX.b.c")], "INBOX.")
    assert find_places(account, Folder="Old") == {"INBOX.a": "Old/a", "INBOX.b.c": "Old/b/c"}
    assert account.asked == ["prefix"]


def test_without_levels_no_prefix_matters() -> None:
    account = Account([INBOX, folder("a")], "INBOX.")
    assert find_places(account) == {"a": "a"}
    assert account.asked == []


@pytest.mark.parametrize(("listed", "folder_map"), [([INBOX], "keep"), ([INBOX, folder("INBOX.a")], "inbox")])
def test_what_goes_to_the_connectors_own_folder_has_no_place(listed: list[Listed], folder_map: str) -> None:
    account = Account(listed, "INBOX.")
    assert find_places(account, FolderMap=folder_map) == {}
    assert account.asked == []


def test_status_is_asked_for_where_the_listing_does_not_tell_it() -> None:
    status = Status(7, 3, 2)
    plan = make(Account([INBOX, folder("a")], status=status), Folders="*")
    assert [each.status for each in plan.folders] == [status, status]
    told = [each._replace(status=status) for each in (INBOX, folder("a"))]
    for account in (Account(told), Account([INBOX])):
        make(account, Folders="*")
        assert "status" not in account.asked


@pytest.mark.parametrize(("capabilities", "count"), [([], 1), (["X-GM-EXT-1"], 2)])
def test_what_shows_all_is_fetched_where_copies_are_known(capabilities: list[str], count: int) -> None:
    log = Log()
    plan = make(Account([INBOX, folder("All", "\\all")], "", capabilities), log, Folders="*")
    assert len(plan.folders) == count
    assert ('"All" shows' in "".join(log.said)) == (count == 1)


@pytest.mark.parametrize(
    ("folders", "there"),
    [("*, !b", {"INBOX", "a", "b"}), ("\\Sent, INBOX", {"INBOX", "a", "b"}), ("a*", None)],
)
def test_who_asks_for_all_knows_what_is_gone(folders: str, there: set[str] | None) -> None:
    assert make(Account([INBOX, folder("a"), folder("b")]), Folders=folders).there == there


def test_use_that_no_folder_has_is_told() -> None:
    assert make(Account([INBOX]), Folders="\\Sent, INBOX").unused == ["\\sent"]
    assert make(Account([INBOX]), Folders="\\Sent").unused == ["\\sent"]


@pytest.mark.parametrize(("folders", "cause"), [("Nothing*", "mailbox"), ("a,,b", "connector")])
def test_what_is_no_plan(folders: str, cause: str) -> None:
    with pytest.raises(Problem) as caught:
        make(Account([INBOX]), Folders=folders)
    assert caught.value.cause == cause
