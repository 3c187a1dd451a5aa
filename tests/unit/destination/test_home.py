# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whose home an Account has."""

import pwd

import pytest

from cockpit_getmail.destination.home import find_user
from cockpit_getmail.problem import Problem


def known(monkeypatch: pytest.MonkeyPatch, *names: str, uid: int = 1000, home: str = "/home/x") -> None:
    users = {name: pwd.struct_passwd((name, "x", uid, uid, "", home, "/bin/sh")) for name in names}
    monkeypatch.setattr(pwd, "getpwnam", users.__getitem__)


@pytest.mark.parametrize(
    ("account", "name"), [("ann", "ann"), ("ann@here", "ann@here"), ("ann@there", "ann"), ("ann@a@b", "ann")]
)
def test_user_is_the_whole_account_or_its_first_part(
    account: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(monkeypatch, "ann", "ann@here")
    assert find_user(account).pw_name == name


@pytest.mark.parametrize("account", ["ann", "ann@here", "", "@bob", "bob.ann", "a\0b", "\ud800"])
def test_nobody_else_takes_the_place_of_a_user(account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, "bob")
    with pytest.raises(Problem, match="no user of this machine") as caught:
        find_user(account)
    assert caught.value.cause == "connector"


def test_real_names_are_asked_for() -> None:
    assert find_user("nobody@here").pw_uid == pwd.getpwnam("nobody").pw_uid
    for account in ("no-such-user", "a\0b", "\ud800"):
        with pytest.raises(Problem):
            find_user(account)


def test_root_has_no_mail_here(monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, "toor", uid=0)
    with pytest.raises(Problem, match="never fetched as root"):
        find_user("toor@here")


def test_home_is_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, "ann", home="")
    with pytest.raises(Problem, match="has no home"):
        find_user("ann")
