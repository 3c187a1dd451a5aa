# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whom mail can be delivered to."""

import pwd
from pathlib import Path

import pytest

from cockpit_getmail.actions.read import accounts
from cockpit_getmail.settings import Settings
from tests.support.schemas import check_schema

PEOPLE = [
    pwd.struct_passwd((name, "x", uid, uid, "", f"/home/{name}", "/bin/sh"))
    for name, uid in (("root", 0), ("daemon", 1), ("zoe", 1000), ("giacomo", 1001), ("nobody", 65534))
]


@pytest.fixture(autouse=True)
def limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(pwd, "getpwall", lambda: PEOPLE)
    path = tmp_path / "login.defs"
    monkeypatch.setattr(accounts, "LOGIN_DEFS", str(path))
    return path


def names(settings: Settings) -> list[tuple[str, bool, int]]:
    answer = accounts.answer({}, settings)
    check_schema("read/accounts.output.json", answer)
    return [(found["name"], found["user"], found["connectors"]) for found in answer["accounts"]]


def test_people_of_this_machine(settings: Settings) -> None:
    assert names(settings) == [("giacomo", True, 0), ("zoe", True, 0)]


def test_accounts_of_connectors(settings: Settings) -> None:
    Path(settings.connectors_db).write_text(
        "a=getmail|Account|giacomo\nb=getmail|Account|giacomo\nc=getmail|Account|me@here\n"
        "d=getmail|Account|\ne=other|Account|x\nf=getmail|Account|root\n"
    )
    assert names(settings) == [
        ("giacomo", True, 2), ("me@here", False, 1), ("root", False, 1), ("zoe", True, 0)
    ]  # fmt: skip


def test_limits_of_login_defs(settings: Settings, limits: Path) -> None:
    limits.write_text("# UID_MIN 1\nUID_MIN\t\t 1001\n  UID_MAX 70000 \nSYS_UID_MIN 100\n")
    assert names(settings) == [("giacomo", True, 0), ("nobody", True, 0)]
    limits.write_text("UID_MIN many\n")
    assert names(settings) == [("giacomo", True, 0), ("zoe", True, 0)]


def test_only_users_fit_where_mail_goes_to_homes(settings: Settings) -> None:
    Path(settings.connectors_db).write_text("a=getmail|Account|nobody@here\nb=getmail|Account|no-such-user\n")
    home = Settings(settings.connectors_db, destination="maildir:~/Maildir")
    fits = {found["name"] for found in accounts.answer({}, home)["accounts"] if found["fits"]}
    assert fits == {"nobody@here"}
    assert all(found["fits"] for found in accounts.answer({}, settings)["accounts"])
