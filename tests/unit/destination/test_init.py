# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which destination a setting and an account name."""

import pwd
from pathlib import Path

import pytest

from cockpit_getmail.connector import Connector
from cockpit_getmail.destination import expand, find_target, make
from cockpit_getmail.problem import Problem
from cockpit_getmail.settings import Settings

TOKEN = "0123456789abcdef"


@pytest.mark.parametrize(
    ("template", "account", "expected"),
    [
        ("/srv/{account}", "me@example.org", "/srv/me@example.org"),
        ("/srv/{domain}/{user}", "me@example.org", "/srv/example.org/me"),
        ("/srv/{user}/Maildir", "me", "/srv/me/Maildir"),
        ("/srv/{account}", "{user}", "/srv/{user}"),
        ("//srv/./mail//{account}/", "me", "/srv/mail/me"),
        ("/srv/{account}", "a b'$(id)\"é", "/srv/a b'$(id)\"é"),
    ],
)
def test_account_goes_into_the_path_by_value(template: str, account: str, expected: str) -> None:
    assert expand(template, account) == expected


@pytest.mark.parametrize(
    ("template", "account"),
    [
        ("/srv/{account}", ".."),
        ("/srv/{account}", "."),
        ("/srv/{account}", ""),
        ("/srv/{account}", "../root"),
        ("/srv/{account}", "a/b"),
        ("/srv/{account}", "a\0b"),
        ("/srv/{domain}", "me"),
        ("/srv/{user}", "@example.org"),
        ("/srv/{domain}/{user}", "me@.."),
    ],
)
def test_account_that_would_leave_its_folder_is_refused(template: str, account: str) -> None:
    with pytest.raises(Problem) as caught:
        expand(template, account)
    assert caught.value.cause == "delivery"


def make_connector(**props: str) -> Connector:
    return Connector("me@mail.example", {"Account": "me@example.org", **props})


def test_target_is_the_props_or_else_the_settings() -> None:
    settings = Settings(destination="maildir:/srv/{user}")
    assert find_target(make_connector(), settings) == ("maildir", "/srv/me", "me@example.org", "", "")
    sent = make_connector(Destination="lmtp:unix:/run/lmtp", Folder="In")
    assert find_target(sent, settings) == ("lmtp", "unix:/run/lmtp", "me@example.org", "In", "")
    assert (find_target(make_connector(), settings).maildir, find_target(sent, settings).maildir) == (
        "/srv/me",
        None,
    )


def test_location_is_what_the_destination_says(tmp_path: Path) -> None:
    settings = Settings(destination=f"maildir:{tmp_path}/a:b")
    made = make(make_connector(), settings, TOKEN, tmp_path)
    assert made.location == find_target(make_connector(), settings).location == f"maildir:{tmp_path}/a:b"


def test_home_is_that_of_the_accounts_user(monkeypatch: pytest.MonkeyPatch) -> None:
    user = pwd.struct_passwd(("me", "x", 1000, 1000, "", "/home/me/", "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwnam", {"me": user}.__getitem__)
    connector = make_connector(Destination="maildir:~/mail/{domain}/", Folder="In")
    found = find_target(connector, Settings())
    assert found == ("maildir", "/home/me/mail/example.org", "me@example.org", "In", "me")


@pytest.mark.parametrize("spec", ["mbox:/x", "maildir:x", "maildir:/x/{name}", "command:lda", "lmtp:x"])
def test_destination_that_is_none_is_told_with_whose_it_is(spec: str) -> None:
    with pytest.raises(Problem, match="The prop Destination ") as caught:
        find_target(make_connector(Destination=spec), Settings())
    assert caught.value.cause == "connector"
    with pytest.raises(Problem, match="The setting DESTINATION ") as caught:
        find_target(make_connector(), Settings(destination=spec))
    assert caught.value.cause == "settings"


def test_unknown_kind_names_the_setting() -> None:
    with pytest.raises(Problem) as caught:
        find_target(make_connector(), Settings(destination="mbox:/srv/mail"))
    assert caught.value.cause == "settings"
    assert isinstance(caught.value.attributes, dict)
    assert caught.value.attributes["setting"] == "DESTINATION"
