# SPDX-License-Identifier: LGPL-2.1-or-later
"""Verifications as units of a real systemd, and what is set aside, asked for in the sandbox."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from cockpit_getmail.connector import token_prefix, verification_unit
from tests.support.dovecot import Dovecot
from tests.support.installed import HELPERS, PASSWORD, PYTHON, Installed

if TYPE_CHECKING:
    from collections.abc import Iterator

COUNT = 8
NAMES = ["verify@here", "a b", "%n $(id)", "@x@h", "x" * 300]
HOLD = """
import sqlite3, subprocess, sys
helper, database, unit, *folders = sys.argv[1:]
db = sqlite3.connect(database, isolation_level=None)
db.execute("BEGIN IMMEDIATE")
request = b'{"action": "verify", "name": "verify@here"}'
answers = [subprocess.run([helper], input=request, capture_output=True).stdout for _ in range(2)]
show = ["systemctl", "show", "--property=MainPID,User,DropInPaths,NoNewPrivileges", unit]
shown = subprocess.run(show, capture_output=True, text=True).stdout
pid = dict(line.split("=", 1) for line in shown.splitlines())["MainPID"]
inside = ["nsenter", "--target", pid, "--mount", "--"]
touches = [[*inside, "touch", f"{folder}/x"] for folder in folders]
tries = [subprocess.run(touch, capture_output=True, text=True) for touch in touches]
seen = subprocess.run([*inside, "ls", "/var/lib/cockpit-getmail/mail"], capture_output=True, text=True)
given = subprocess.run(["ls", f"/proc/{pid}/root/run/credentials/{unit}"], capture_output=True, text=True)
db.execute("ROLLBACK")
import json
print(json.dumps({
    "answers": [json.loads(answer) for answer in answers],
    "shown": shown,
    "tries": [done.stderr for done in tries],
    "seen": seen.stdout,
    "given": given.stdout.split(),
}))
"""
"""Looks at a verification that cannot end, as somebody else writes into its state."""


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with Dovecot({"u": PASSWORD}) as dovecot:
        dovecot.fill("u", COUNT)
        yield dovecot


@pytest.fixture
def fetched(installed: Installed, dovecot: Dovecot, request: pytest.FixtureRequest) -> str:
    """The name of a connector whose mail is fetched."""
    name: str = getattr(request, "param", NAMES[0])
    installed.add(name, "SimpleIMAPRetriever", dovecot.imap, Account=f"verify {len(name)}")
    installed.run(name)
    return name


def mail(installed: Installed, name: str) -> list[os.DirEntry[str]]:
    return list(os.scandir(installed.folder / f"mail/verify {len(name)}/new"))


def verify(installed: Installed, name: str) -> dict[str, Any]:
    """Verify to the end; return its result."""
    status = installed.call("execute", action="verify", name=name, wait=30_000)
    assert status["statusCode"] == "succeeded", status
    assert status["percentProgress"] == 100
    result: dict[str, Any] = status["result"]
    return result


@pytest.mark.parametrize("fetched", NAMES, indirect=True, ids=lambda name: str(name)[:12])
def test_all_that_was_fetched_is_there(installed: Installed, fetched: str) -> None:
    files = mail(installed, fetched)
    assert len(files) >= COUNT
    result = verify(installed, fetched)
    assert (result["checked"], result["present"], result["missing"], result["sound"]) == (
        len(files),
        len(files),
        [],
        True,
    )


def test_what_is_missing_is_told_by_progress_log_and_result(installed: Installed, fetched: str) -> None:
    lost, *_ = mail(installed, fetched)
    os.rename(lost.path, installed.folder / "lost")
    try:
        answer = installed.call("execute", action="verify", name=fetched)
        unit, token = verification_unit(fetched), answer["token"]
        assert answer == {"unit": unit, "token": token}
        assert token.startswith(token_prefix(fetched))
        installed.wait(unit)
        status = installed.call("read", action="progress", token=token)
    finally:
        os.rename(installed.folder / "lost", lost.path)
    assert status["statusCode"] == "succeeded"
    assert status["statusText"] == "Finished. Missing messages: 1."
    assert f"{COUNT} messages verified.\n" in status["logOutput"]
    result = status["result"]
    assert (result["missing_count"], result["present"]) == (1, COUNT - 1)
    [missing] = result["missing"]
    assert missing["folder"] == "INBOX"
    assert missing["uid"].isdigit()
    log = installed.machine.journal(unit, "--priority=warning")
    assert f"Missing: INBOX, UID {missing['uid']}" in log
    # Another one knows better, and the first is still told of.
    assert verify(installed, fetched)["missing"] == []
    assert installed.call("read", action="progress", token=token)["result"] == result


def test_maildir_is_read_only_there_and_nothing_else_is_seen(installed: Installed, fetched: str) -> None:
    unit = verification_unit(fetched)
    state = f"/var/lib/cockpit-getmail/state/{fetched}"
    maildir = f"/var/lib/cockpit-getmail/mail/verify {len(fetched)}"
    argv = [PYTHON, "-I", "-c", HOLD, f"{HELPERS}/execute", f"{state}/state.sqlite", f"{unit}.service"]
    done = installed.machine.run([*argv, f"{maildir}/new", maildir, "/usr", state])
    found = json.loads(done.stdout)
    first, second = found["answers"]
    assert (first["unit"], second) == (unit, {**first, "running": True})
    assert "User=cockpit-getmail\n" in found["shown"]
    assert "10-fetch.conf" in found["shown"]
    assert "NoNewPrivileges=yes" in found["shown"]
    assert ["Read-only file system" in error for error in found["tries"]] == [True, True, True, False]
    assert found["seen"] == f"verify {len(fetched)}\n"
    assert found["given"] == ["connector"]
    installed.wait(unit)
    os.unlink(f"{installed.folder}/state/{fetched}/x")
    status = installed.call("read", action="progress", token=first["token"])
    assert status["statusCode"] == "succeeded"


def test_it_can_be_cancelled_and_then_begun_anew(installed: Installed, fetched: str) -> None:
    answer = installed.call("execute", action="verify", name=fetched)
    token = answer["token"]
    while not installed.call("read", action="progress", token=token)["statusVersion"]:
        pass
    request = json.dumps({"action": "cancel", "token": token})
    installed.machine.run([f"{HELPERS}/execute"], input=request, check=False)
    installed.wait(answer["unit"])
    status = installed.call("read", action="progress", token=token)
    # It may have been quicker.
    assert status["statusCode"] in ("cancelled", "succeeded")
    assert verify(installed, fetched)["missing_count"] == 0


def test_connector_that_is_disabled_or_never_ran_can_be_verified(installed: Installed) -> None:
    installed.add("never@here", "SimpleIMAPRetriever", 1, Account="never", status="disabled")
    assert verify(installed, "never@here")["checked"] == 0
    assert not (installed.folder / "mail/never").exists()
    assert installed.call("delete", name="never@here")["state"] == "success"
    assert not (installed.folder / "state/never@here").exists()


def test_foreground_is_the_runs_user_and_tells_what_is_missing(installed: Installed, fetched: str) -> None:
    argv = ["cockpit-getmail", "verify", "--foreground", fetched]
    done = installed.machine.run(argv)
    assert done.stdout.endswith("Finished. No errors have been found.\n")
    lost, *_ = mail(installed, fetched)
    os.rename(lost.path, installed.folder / "lost")
    try:
        done = installed.machine.run(argv, check=False)
    finally:
        os.rename(installed.folder / "lost", lost.path)
    assert done.returncode == 65
    assert done.stdout.endswith("Finished. Missing messages: 1.\n")


# What is set aside


def test_quarantine_is_asked_for_in_the_sandbox(installed: Installed, fetched: str) -> None:
    database = f"/var/lib/cockpit-getmail/state/{fetched}/state.sqlite"
    aside = "UPDATE message SET state = 'quarantined' WHERE uid IN (SELECT min(uid) FROM message)"
    code = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute(sys.argv[2]); db.commit()"
    installed.machine.run([PYTHON, "-I", "-c", code, database, aside])
    [entry] = installed.call("read", action="quarantine", name=fetched)["messages"]
    assert entry["folder"] == "INBOX"
    assert "1 message delivered" not in installed.run(fetched)
    answer = installed.call("execute", action="retry", name=fetched, uid=entry["uid"])
    assert answer == {"state": "success", "messages": 1}
    assert "1 message delivered" in installed.run(fetched)
    installed.machine.run([PYTHON, "-I", "-c", code, database, aside])
    assert installed.call("execute", action="skip", name=fetched)["messages"] == 1
    assert installed.call("read", action="quarantine", name=fetched) == {"messages": []}
    assert "0 messages delivered" in installed.run(fetched)
    [status] = installed.call("read", action="status", name=fetched)["connectors"]
    assert status["status"] == "OK"
