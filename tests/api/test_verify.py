# SPDX-License-Identifier: LGPL-2.1-or-later
"""execute verify and the command for it, as far as they go without systemd; the rest is in tests/machine."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cockpit_getmail import status_file
from cockpit_getmail.connector import folder_name
from cockpit_getmail.status_file import VERIFY
from tests.api.conftest import ROOT, STORED, Api
from tests.api.test_quarantine import give, make_state

if TYPE_CHECKING:
    from collections.abc import Callable

OLD = "getmail|Account|me|Password|p|Retriever|SimplePOP3Retriever|Server|old.example|Username|u"


def run(api: Api, name: str, *options: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-I", str(ROOT / "lib/cockpit_getmail/__main__.py"), "verify", "--foreground"]
    setpriv = api.argv(ROOT)[:-1]
    return subprocess.run(
        [*setpriv, *argv, *options, name],
        env=api.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd="/",
    )


@pytest.mark.long
def test_without_systemd_the_foreground_is_named(api: Api, put: Callable[[str], None]) -> None:
    put(f"x={OLD}\ny={OLD}|status|disabled\n")
    for name in ("x", "y"):
        answer = api.fail("execute", "verify", name=name)
        assert (answer["type"], answer["attributes"]["cause"]) == ("GenericError", "internal")
        assert f"cockpit-getmail verify --foreground {name}" in answer["message"]
    assert api.fail("execute", "verify", name="z")["type"] == "NotFound"
    assert api.faults("execute", "verify", name="x", wait=-1) == {"wait": "minimum"}


@pytest.mark.long
def test_foreground_of_another_user(nobody: Api) -> None:
    name = nobody.add(Label="work")
    assert "never fetched anything" in run(nobody, name).stderr
    assert "never fetched anything" in run(nobody, "work", "--of", STORED["Account"]).stderr
    assert "There is no connector work of account else." in run(nobody, "work", "--of", "else").stderr
    folder = make_state(nobody, name)
    give(nobody)
    done = run(nobody, name)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "Finished. No errors have been found."
    told = status_file.read(folder, VERIFY)
    assert told
    assert (told["state"], told["kind"]) == ("succeeded", "verify")
    # It tells in the helper, too.
    progress = nobody.succeed("read", "progress", token=told["token"])
    assert progress["result"]["sound"] is True
    assert progress["statusCode"] == "succeeded"


@pytest.mark.long
def test_foreground_knows_no_json(api: Api) -> None:
    done = run(api, "x", "--json")
    assert done.returncode == 64
    assert folder_name("x") not in {path.name for path in api.folder.iterdir()}
