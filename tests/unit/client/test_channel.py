# SPDX-License-Identifier: LGPL-2.1-or-later
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cockpit_getmail import Client
from cockpit_getmail.client import channel
from cockpit_getmail.problem import Problem
from tests.unit.client.conftest import Helpers

ROOT = Path(__file__).parents[3]
SECRET = "geheim-4711"


def fail(client: Client, verb: str = "read") -> Problem:
    with pytest.raises(Problem) as caught:
        client.call(verb, "list")
    return caught.value


# What a helper answers


@pytest.mark.long
def test_an_answer_is_returned(helpers: Helpers) -> None:
    helpers.answer({"connectors": {}})
    assert helpers.client.call("read", "list", redact=True, account=None) == {"connectors": {}}
    assert helpers.asked == [("read", {"action": "list", "redact": True, "account": None})]


@pytest.mark.long
@pytest.mark.parametrize("attributes", [None, {"cause": "connector"}, [{"parameter": "x"}]])
def test_a_problem_is_raised(helpers: Helpers, attributes: object) -> None:
    answer = {"id": 1, "type": "NotFound", "message": "There is no connector x."}
    helpers.answer(answer if attributes is None else {**answer, "attributes": attributes})
    problem = fail(helpers.client)
    assert (problem.type, problem.message) == ("NotFound", "There is no connector x.")
    assert problem.attributes == attributes


def test_the_place_of_a_bug_is_told(helpers: Helpers) -> None:
    bug = '{"type": "InternalError", "message": "This is a bug."}'
    helpers.put("read", f"#!/bin/sh\nprintf 'line 7\\n\\033[2JKeyError\\n' >&2\necho '{bug}'\nexit 1\n")
    assert fail(helpers.client).__notes__ == ["line 7", "\\x1b[2JKeyError"]


@pytest.mark.long
def test_faults_are_told_in_a_traceback(helpers: Helpers) -> None:
    faults = [{"parameter": "Time", "value": 3, "error": "minimum"}, {"parameter": "x", "error": "type"}]
    helpers.answer({"type": "NotValid", "message": "validation_failed", "attributes": faults})
    assert fail(helpers.client).__notes__ == ["Time: minimum", "x: type"]


# What is no answer


@pytest.mark.parametrize(
    "output",
    ["", "Welcome!", "[]", '{"connectors"', "\\377", "[" * 100_000, '{"connectors": {}}\nlogged out'],
    ids=["nothing", "text", "list", "cut", "octets", "deep", "more"],
)
def test_what_is_no_answer_is_a_problem(helpers: Helpers, output: str) -> None:
    (helpers.folder / "output").write_bytes(output.encode().replace(b"\\377", b"\xff"))
    helpers.put("read", "#!/bin/sh\ncat ${0%/*}/output\n")
    problem = fail(helpers.client)
    assert (problem.type, problem.cause) == ("GenericError", "internal")
    assert problem.message == "The helper read gave no answer (exit status 0)."


@pytest.mark.parametrize(("status", "answer"), [(2, "{}"), (1, "{}"), (1, '{"connectors": {}}')])
def test_an_answer_and_its_status_agree(helpers: Helpers, status: int, answer: str) -> None:
    helpers.put("read", f"#!/bin/sh\necho '{answer}'\nexit {status}\n")
    assert fail(helpers.client).message == f"The helper read gave no answer (exit status {status})."


def test_a_helper_that_is_killed(helpers: Helpers) -> None:
    helpers.put("read", "#!/bin/sh\nprintf '{\"connectors\"'\nkill -9 $$\n")
    assert fail(helpers.client).message == "The helper read gave no answer (signal 9)."


def test_the_last_it_said_is_told(helpers: Helpers) -> None:
    helpers.put("read", "#!/bin/sh\nprintf 'one\\n\\033[31mtwo\\n\\n' >&2\nexit 3\n")
    assert fail(helpers.client).message == "The helper read gave no answer: \\x1b[31mtwo"


def test_a_helper_that_is_not_there(helpers: Helpers) -> None:
    problem = fail(helpers.client)
    assert problem.cause == "internal"
    assert problem.message == f"{helpers.folder}/read cannot be run: No such file or directory."


def test_input_that_nobody_reads(helpers: Helpers) -> None:
    helpers.put("read", "#!/bin/sh\nexec <&-\necho '{}'\n")
    assert helpers.client.call("read", "list", account="x" * 1_000_000) == {}


@pytest.mark.long
def test_an_answer_may_be_large(helpers: Helpers) -> None:
    helpers.put("read", f"#!{sys.executable} -IS\nprint('{{\"lines\": \"' + 'x' * 5_000_000 + '\"}}')\n")
    assert len(helpers.client.call("read", "log")["lines"]) == 5_000_000


# What is asked


@pytest.mark.parametrize("verb", ["", "../read", "read;id", "fetch"])
def test_only_helpers_are_called(helpers: Helpers, verb: str) -> None:
    assert fail(helpers.client, verb).type == "NotValid"


def test_what_json_cannot_carry_is_not_told(helpers: Helpers) -> None:
    helpers.answer({})
    with pytest.raises(Problem) as caught:
        helpers.client.call("create", "create", Password={SECRET})
    assert caught.value.type == "InvalidInput"
    assert SECRET not in str(caught.value)


def test_a_secret_is_in_no_command_line(helpers: Helpers) -> None:
    helpers.put("create", "#!/bin/sh\ntr '\\0' ' ' </proc/$$/cmdline >$0.argv\nenv >$0.env\ncat\n")
    assert helpers.client.call("create", "create", Password=SECRET)["Password"] == SECRET
    for file in ("create.argv", "create.env"):
        assert SECRET not in (helpers.folder / file).read_text()


# Where the helpers are


def test_a_checkout_has_its_own() -> None:
    assert channel.find_helpers() == str(ROOT / "api")


@pytest.mark.long
def test_an_installation_has_its_own(tmp_path: Path) -> None:
    site = tmp_path / "opt/lib/cockpit-getmail/lib/python3.11/site-packages"
    libexec = tmp_path / "opt/libexec/cockpit-getmail"
    shutil.copytree(ROOT / "lib/cockpit_getmail", site / "cockpit_getmail", ignore=lambda *_: ["accept"])
    libexec.mkdir(parents=True)
    assert find_helpers(site) == channel.INSTALLED
    (libexec / "read").touch()
    assert find_helpers(site) == str(libexec)


def find_helpers(site: Path) -> str:
    """Return which helpers the package in this folder finds."""
    script = f"import sys; sys.path[:0] = [{str(site)!r}]; import cockpit_getmail.client.channel as found"
    argv = [sys.executable, "-I", "-c", f"{script}; print(found.find_helpers())"]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


# Over ssh


@pytest.mark.long
def test_a_call_over_ssh(helpers: Helpers, ssh: Path) -> None:
    helpers.answer({"connectors": {}})
    client = Client("root@mail.example.com", helpers=helpers.folder)
    assert client.call("read", "list", account=SECRET) == {"connectors": {}}
    assert helpers.asked == [("read", {"action": "list", "account": SECRET})]
    argv = (ssh / "argv").read_text().splitlines()
    assert argv[-3:] == ["--", "root@mail.example.com", f"{helpers.folder}/read"]
    assert "-oBatchMode=yes" in argv
    assert SECRET not in "".join(argv)


def test_the_folder_there_may_have_any_name(tmp_path: Path, ssh: Path) -> None:
    folder = tmp_path / "a b;touch c $(touch d)'"
    folder.mkdir()
    helpers = Helpers(folder)
    helpers.put("read", "#!/bin/sh\necho '{}'\n")
    assert Client("there", helpers=folder).call("read", "list") == {}
    assert sorted(os.listdir(tmp_path)) == [folder.name, "bin"]


def test_the_usual_folder_there(ssh: Path) -> None:
    problem = fail(Client("there"))
    assert problem.cause == "network"
    assert problem.message.startswith("There is no helper /usr/local/libexec/cockpit-getmail/read on there: ")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (
            "echo 'ssh: connect to host there port 22: Connection refused' >&2; exit 255",
            "The connection to there failed: ssh: connect to host there port 22: Connection refused",
        ),
        ("exit 255", "The connection to there failed (exit status 255)."),
        ("echo 'This account is closed.'", "The helper read on there gave no answer (exit status 0)."),
        ("echo '\033[2Jno' >&2; exit 1", "The helper read on there gave no answer: \\x1b[2Jno"),
        ("printf '{\"state\": '; kill -9 $$", "The helper read on there gave no answer (signal 9)."),
    ],
)
def test_a_connection_that_fails(ssh: Path, script: str, message: str) -> None:
    (ssh / "ssh").write_text(f"#!/bin/sh\n{script}\n")
    problem = fail(Client("there"))
    assert (problem.type, problem.cause, problem.message) == ("GenericError", "network", message)


def test_no_ssh_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert fail(Client("there")).message == "ssh cannot be run: No such file or directory."


@pytest.mark.parametrize(
    "host",
    [
        *("", "-", "-oProxyCommand=id", "root@-oProxyCommand=id", "-l@there", "a b", "a\nb", "$(id)", "a;id"),
        *("ssh://-oProxyCommand=id", "`id`", "a'b", "there/id", "@there", "root@", "é"),
    ],
)
def test_what_cannot_be_a_host(host: str) -> None:
    with pytest.raises(Problem) as caught:
        Client(host)
    assert caught.value.type == "NotValid"
    assert caught.value.attributes[0]["parameter"] == "host"  # type: ignore[index]


@pytest.mark.parametrize(
    "host",
    ["there", "mail.example.com", "root@192.0.2.1", "2001:db8::1", "ssh://me@[::1]:22", "fe80::1%eth0"],
)
def test_what_can_be_a_host(host: str) -> None:
    assert repr(Client(host)) == f"Client(host={host!r}, helpers='/usr/local/libexec/cockpit-getmail')"
