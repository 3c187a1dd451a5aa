# SPDX-License-Identifier: LGPL-2.1-or-later
"""What commands ask the helpers for: of a password that is stored, never itself."""

from pathlib import Path

import pytest

from cockpit_getmail.problem import Problem
from tests.unit.command.conftest import Commands

NAME = "ann@h"
FOUND = {"state": "success", "tls": "TLSv1.3", "capabilities": [], "folder": "INBOX", "messages": 2}
ANSWER = {"connectors": [{"name": NAME}], "name": NAME, **FOUND}


@pytest.mark.long
@pytest.mark.parametrize(
    ("words", "given"),
    [
        ([], {}),
        (["--server", "other", "--port", "1"], {"Server": "other", "Port": "1"}),
        (["--tls", "none"], {"TLS": "none"}),
    ],
)
def test_check_of_a_connector_names_it(commands: Commands, words: list[str], given: dict[str, str]) -> None:
    commands.helpers.answer(ANSWER)
    assert commands.run("check", "work", "--of", "ann", *words) == 0
    assert commands.helpers.asked == [
        ("read", {"action": "status", "name": "work", "account": "ann"}),
        ("read", {"action": "check-credentials", "name": NAME, **given}),
    ]
    assert commands.lines == ["The log-in works: INBOX has 2 messages (TLSv1.3)."]


@pytest.mark.long
def test_change_is_checked_before_it_is_stored(commands: Commands) -> None:
    """With what is removed, and without what a log-in does not depend on."""
    commands.helpers.answer(ANSWER)
    assert commands.run("edit", "work", "--check", "--user", "bob", "--ca-file", "", "--time", "60") == 0
    changed = {"Username": "bob", "CAFile": None, "Time": "60"}
    asked = [(verb, data["action"]) for verb, data in commands.helpers.asked]
    assert asked == [
        ("read", "status"),
        ("validate", "update"),
        ("read", "check-credentials"),
        ("update", "update"),
    ]
    assert commands.helpers.asked[2][1] == {
        "action": "check-credentials", "name": NAME, "Username": "bob", "CAFile": None,
    }  # fmt: skip
    assert commands.helpers.asked[3][1] == {"action": "update", "name": NAME, **changed}


@pytest.mark.long
def test_secrets_come_from_a_file(commands: Commands, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("canary-1\nnot this\n")
    event = {"state": "success", "event": "cockpit-getmail-save", "status": "success", "name": "me@there"}
    commands.helpers.answer(event)
    words = "add --retriever imaps --server there --user me --account me --provider google --client-id app"
    assert commands.run(*words.split(), "--client-secret-from", str(secret)) == 0
    [(verb, data)] = commands.helpers.asked
    assert (verb, data["ClientSecret"], data["Provider"], "Password" in data) == (
        "create",
        "canary-1",
        "google",
        False,
    )
    assert "canary" not in commands.out.getvalue()
    assert "cockpit-getmail authorize me@there" in commands.out.getvalue()


def test_secret_that_cannot_be_read(commands: Commands, tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        commands.run("edit", "me", "--refresh-token-from", str(tmp_path / "none"))
    assert caught.value.cause == "connector"
    assert "cannot be read: No such file" in caught.value.message
