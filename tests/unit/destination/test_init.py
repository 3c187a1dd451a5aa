# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which destination a setting and an account name."""

from pathlib import Path

import pytest

from cockpit_getmail.destination import expand, make
from cockpit_getmail.problem import Problem

TOKEN = "0123456789abcdef"


@pytest.mark.parametrize(
    ("spec", "account", "expected"),
    [
        ("maildir:/srv/{account}", "me@example.org", "/srv/me@example.org"),
        ("maildir:/srv/{domain}/{user}", "me@example.org", "/srv/example.org/me"),
        ("maildir:/srv/{user}/Maildir", "me", "/srv/me/Maildir"),
        ("maildir:/srv/{account}", "{user}", "/srv/{user}"),
        ("maildir://srv/./mail//{account}/", "me", "/srv/mail/me"),
        ("maildir:/srv/{account}", "a b'$(id)\"é", "/srv/a b'$(id)\"é"),
    ],
)
def test_account_goes_into_the_path_by_value(spec: str, account: str, expected: str) -> None:
    assert expand(spec, account) == ("maildir", expected)


@pytest.mark.parametrize(
    ("spec", "account"),
    [
        ("maildir:/srv/{account}", ".."),
        ("maildir:/srv/{account}", "."),
        ("maildir:/srv/{account}", ""),
        ("maildir:/srv/{account}", "../root"),
        ("maildir:/srv/{account}", "a/b"),
        ("maildir:/srv/{account}", "a\0b"),
        ("maildir:/srv/{domain}", "me"),
        ("maildir:/srv/{user}", "@example.org"),
        ("maildir:/srv/{domain}/{user}", "me@.."),
    ],
)
def test_account_that_would_leave_its_folder_is_refused(spec: str, account: str) -> None:
    with pytest.raises(Problem) as caught:
        expand(spec, account)
    assert caught.value.cause == "delivery"


def test_location_comes_back_as_the_same_destination(tmp_path: Path) -> None:
    path = tmp_path / "a:b"
    first = make(f"maildir:{path}", TOKEN)
    assert first.location == f"maildir:{path}"
    assert make(first.location, TOKEN).location == first.location


def test_unknown_kind_names_the_setting() -> None:
    with pytest.raises(Problem) as caught:
        make("mbox:/srv/mail", TOKEN)
    assert caught.value.cause == "settings"
    assert isinstance(caught.value.attributes, dict)
    assert caught.value.attributes["setting"] == "DESTINATION"
