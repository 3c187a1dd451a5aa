# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tasks by their tokens, as far as it goes without systemd; the rest is in tests/machine."""

import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from cockpit_getmail import status_file
from cockpit_getmail.connector import folder_name, make_token
from tests.api.conftest import BOOTED, Api
from tests.unit.test_status_file import REPORT

pytestmark = pytest.mark.long


def tell(api: Api, name: str, **told: Any) -> str:
    """Leave what a run of a connector has told; return its token."""
    folder = Path(api.state, folder_name(name))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    token = make_token(name)
    kind = told.get("kind", "run")
    file = status_file.VERIFY if kind == "verify" else status_file.RUN
    status_file.write(folder, {**REPORT, **told, "token": token}, file, durably=False)  # type: ignore[typeddict-item]
    if os.geteuid() == 0:
        # Runs are nobody's.
        user = pwd.getpwnam("nobody")
        for path in (api.folder, api.state, folder, *folder.iterdir()):
            os.chown(path, user.pw_uid, user.pw_gid)
        api.folder.chmod(0o755)
    return token


def test_run_that_failed(api: Api) -> None:
    token = tell(api, api.add())
    assert api.succeed("read", "progress", token=token) == {
        "token": token,
        "statusVersion": 3,
        "statusCode": "failed",
        "percentProgress": 50,
        "statusText": "1 of 2 delivered.",
        "logOutput": "2 new messages.\n1 of 2 delivered.\n",
        "result": {
            "messages": 1,
            "bytes": 20,
            "failed": 0,
            "setAside": 0,
            "deleted": 0,
            "passedOver": 0,
            "left": 0,
            "baselined": 0,
        },
        "error": {
            "message": "The connection broke.",
            "cause": "network",
            "hint": "Check server name, port and network, then try again.",
        },
    }


def test_only_what_is_new_is_told(api: Api) -> None:
    token = tell(api, api.add())
    found = [api.succeed("read", "progress", token=token, version=n)["logOutput"] for n in (1, 2, 3, 9)]
    assert found == ["2 new messages.\n1 of 2 delivered.\n", "1 of 2 delivered.\n", None, None]


def test_run_that_is_no_more_was_cut_off(api: Api) -> None:
    token = tell(api, api.add(), state="running", ended=None, cause=None, message="")
    answer = api.succeed("read", "progress", token=token, version=3)
    assert (answer["statusCode"], answer["statusVersion"]) == ("failed", 4)
    assert answer["logOutput"] == f"{status_file.CUT_OFF}\n"
    assert (answer["error"]["cause"], answer["error"]["message"]) == ("internal", status_file.CUT_OFF)
    assert api.succeed("read", "progress", token=token, version=4)["logOutput"] is None


def test_verification_has_its_own_result(api: Api) -> None:
    gone = [{"folder": "INBOX", "uid": "7", "message_id": None}]
    found = {"checked": 9, "present": 7, "moved": 1, "elsewhere": 0, "missing": gone, "missing_count": 1}
    result = {**found, "sound": True, "problems": []}
    token = tell(api, api.add(), kind="verify", state="succeeded", cause=None, message="", result=result)
    answer = api.succeed("read", "progress", token=token)
    assert (answer["statusCode"], answer["percentProgress"]) == ("succeeded", 100)
    assert answer["result"] == result
    assert answer["error"] is None


@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 9000, b"\xff", b'{"token": 1}'])
def test_report_that_cannot_be_believed_is_none(api: Api, content: bytes) -> None:
    name = api.add()
    token = tell(api, name)
    Path(api.state, folder_name(name), status_file.RUN).write_bytes(content)
    assert api.fail("read", "progress", token=token)["type"] == "NotFound"


@pytest.mark.parametrize(("verb", "action"), [("read", "progress"), ("read", "log"), ("execute", "cancel")])
def test_token_that_nobody_knows(api: Api, verb: str, action: str) -> None:
    api.add()
    assert api.fail(verb, action, token="0" * 32)["type"] == "NotFound"
    for wrong in ("", "0" * 31, "g" * 32, "0" * 16, "0" * 32 + "\n"):
        assert api.faults(verb, action, token=wrong) == {"token": "format"}


def test_nothing_to_cancel(api: Api) -> None:
    name = api.add()
    token = tell(api, name)
    for which in ({"name": name}, {"token": token}):
        answer = api.fail("execute", "cancel", **which)
        assert (answer["type"], answer["attributes"]["cause"]) == ("Conflict", "connector")
    assert api.fail("execute", "cancel", name="none")["type"] == "NotFound"


@pytest.mark.parametrize(
    ("after", "word"),
    [
        ("", "format"),
        ("s=1\n", "format"),
        ("s=1 --file=/etc/passwd", "format"),
        ("\u00e9", "format"),
        ("s" * 513, "maxLength"),
        (None, "type"),
        (7, "type"),
    ],
)
def test_cursor_that_is_none(api: Api, after: Any, word: str) -> None:
    assert api.faults("read", "log", name=api.add(), after=after) == {"after": word}


@pytest.mark.skipif(BOOTED, reason="Here is a journal.")
def test_without_systemd_there_is_no_journal(api: Api) -> None:
    name = api.add()
    for which in ({"name": name}, {"token": tell(api, name)}):
        answer = api.fail("read", "log", **which)
        assert api.fail("read", "log", **which, after="s=1") == answer
        assert answer["attributes"]["cause"] == "internal"
        assert "no journal" in answer["message"]


@pytest.mark.parametrize(
    ("wait", "word"), [(-1, "minimum"), (600_001, "maximum"), ("1", "type"), (1.5, "type"), (None, "type")]
)
def test_wait_that_is_none(api: Api, wait: Any, word: str) -> None:
    assert api.faults("execute", "run", name=api.add(), wait=wait) == {"wait": word}
