# SPDX-License-Identifier: LGPL-2.1-or-later
"""What becomes of a `cockpit-getmail imap` that gives no session; those that do are in tests/mail."""

import json
import os
from pathlib import Path

import pytest
from imapclient.exceptions import IMAPClientAbortError

from cockpit_getmail import Client
from cockpit_getmail.client.channel import find_command
from cockpit_getmail.client.session import END_SECONDS
from cockpit_getmail.problem import Problem
from tests.support.limits import bounded
from tests.unit.client.conftest import Helpers

BYE = r"* BYE [XPROBLEM NotFound connector] There is none \033[2J\r\n"
SERVER = """\
#!/usr/bin/python3
import json, sys
json.dump(sys.argv[1:], open({argv!r}, "w"))
print("* PREAUTH [CAPABILITY IMAP4rev1] ready", end="\\r\\n", flush=True)
print("* 7 EXISTS", end="\\r\\n", flush=True)
for line in sys.stdin:
    tag, command = line.split()[:2]
    print("* CAPABILITY IMAP4rev1" if command == "CAPABILITY" else "* BYE", end="\\r\\n")
    print(tag, "OK done", end="\\r\\n", flush=True)
"""


GREEDY = SERVER.replace('"* CAPABILITY IMAP4rev1"', '"* CAPABILITY {{99999999999}}"')
LARGE = SERVER.replace(
    '"* BYE"',
    '"* SEARCH " + " ".join(map(str, range(1, 200001))) if command == "UID" else '
    '"* OK [UIDVALIDITY 7] ok" if command == "SELECT" else "* BYE"',
)
FLOOD = """\
#!/usr/bin/python3
import os, sys
os.write(1, b"* PREAUTH [CAPABILITY IMAP4rev1] ready\\r\\n")
sys.stdin.readline()
while True:
    os.write(1, {flood})
"""


def put(helpers: Helpers, script: str) -> Client:
    helpers.put("cockpit-getmail", script)
    return helpers.client


def fails(client: Client) -> Problem:
    with pytest.raises(Problem) as caught:
        client.mailbox("x")
    return caught.value


@pytest.mark.long
def test_session(helpers: Helpers) -> None:
    asked = helpers.folder / "argv"
    client = put(helpers, SERVER.format(argv=str(asked)))
    with client.mailbox("-a b", account="c") as mailbox:
        assert mailbox.imap.has_capability("IMAP4rev1")
        assert mailbox.imap.welcome == b"* PREAUTH [CAPABILITY IMAP4rev1] ready"
    assert json.loads(asked.read_text()) == ["imap", "--of", "c", "--", "-a b"]
    mailbox.close()


@pytest.mark.long
def test_no_room_is_made_for_whatever_is_announced(helpers: Helpers) -> None:
    client = put(helpers, GREEDY.format(argv=str(helpers.folder / "argv")))
    with pytest.raises(IMAPClientAbortError, match="more than 1024 MiB"), client.mailbox("x") as mailbox:
        mailbox.imap4.capability()


@pytest.mark.long
@pytest.mark.parametrize(
    ("flood", "message"),
    [
        (rb'b"* OK still here\r\n" * 1000', "more than 4 MiB in answer"),
        (rb'b"* 1 FETCH (BODY[] {100000}\r\n" + b"x" * 100000 + b")\r\n"', "more than 4 MiB in answer"),
        (b'b"x" * 65536', "a line of more than 8388608 octets"),
    ],
    ids=["lines", "literals", "no-line-end"],
)
def test_a_server_that_never_ends(
    helpers: Helpers, monkeypatch: pytest.MonkeyPatch, flood: bytes, message: str
) -> None:
    # With what it is, that takes longer.
    monkeypatch.setattr("cockpit_getmail.client.session.ANSWER_LIMIT", 4 << 20)
    client = put(helpers, FLOOD.format(flood=flood.decode()))
    with (
        bounded(seconds=END_SECONDS, mebibytes=100),
        pytest.raises(IMAPClientAbortError, match=message),
        client.mailbox("x") as mailbox,
    ):
        mailbox.imap.noop()


@pytest.mark.long
def test_a_command_has_its_own_room(helpers: Helpers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cockpit_getmail.client.session.ANSWER_LIMIT", 10 << 10)
    client = put(helpers, SERVER.format(argv=str(helpers.folder / "argv")))
    with client.mailbox("x") as mailbox:
        for _ in range(100):
            mailbox.imap4.capability()


@pytest.mark.long
def test_more_messages_than_imaplib_takes(helpers: Helpers) -> None:
    client = put(helpers, LARGE.format(argv=str(helpers.folder / "argv")))
    with client.mailbox("x") as mailbox:
        mailbox.imap.select_folder("INBOX")
        assert len(mailbox.imap.search("ALL")) == 200_000


@pytest.mark.long
def test_a_block_that_fails_ends_at_once(helpers: Helpers) -> None:
    client = put(helpers, SERVER.format(argv=str(helpers.folder / "argv")))
    soon = bounded(seconds=END_SECONDS / 2, mebibytes=100)
    before = os.listdir("/proc/self/fd")
    with soon, pytest.raises(ZeroDivisionError), client.mailbox("x") as _mailbox:
        raise ZeroDivisionError
    assert len(os.listdir("/proc/self/fd")) == len(before)


@pytest.mark.long
def test_session_on_another_machine(helpers: Helpers, ssh: Path) -> None:
    asked = helpers.folder / "argv"
    put(helpers, SERVER.format(argv=str(asked)))
    with Client("root@h", helpers=helpers.folder).mailbox("a 'b' $c") as mailbox:
        assert mailbox.imap.has_capability("IMAP4rev1")
    assert json.loads(asked.read_text()) == ["imap", "--", "a 'b' $c"]
    assert (ssh / "argv").read_text().splitlines()[:4] == [
        "-T",
        "-oBatchMode=yes",
        *("-oConnectTimeout=30", "-oServerAliveInterval=20"),
    ]


def test_problem_of_the_log_in(helpers: Helpers) -> None:
    problem = fails(put(helpers, f"#!/bin/sh\nprintf '{BYE}'\nexit 66\n"))
    assert (problem.type, problem.cause) == ("NotFound", "connector")
    assert problem.message == r"There is none \x1b[2J"


@pytest.mark.long
@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exit 3", "cockpit-getmail imap gave no session (exit status 3)."),
        ("echo no >&2; echo such command >&2; exit 64", "cockpit-getmail imap gave no session: such command"),
        ("yes | tr -d '\\n'", "cockpit-getmail imap gave no session"),
    ],
)
def test_no_session(helpers: Helpers, script: str, message: str) -> None:
    problem = fails(put(helpers, f"#!/bin/sh\n{script}\n"))
    assert problem.cause == "internal"
    assert problem.message.startswith(message)


@pytest.mark.long
def test_program_that_neither_speaks_nor_ends(helpers: Helpers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cockpit_getmail.client.session.END_SECONDS", 0.2)
    script = "#!/bin/sh\necho lost >&2\nexec sleep 60 <&- >&-\n"
    with bounded(seconds=30, mebibytes=100):
        assert fails(put(helpers, script)).message == "cockpit-getmail imap gave no session: lost"


def test_no_program(helpers: Helpers) -> None:
    assert "cannot be run: No such file" in fails(helpers.client).message


@pytest.mark.parametrize(
    ("status", "message"),
    [(255, "The connection to h failed: no way"), (127, "cockpit-getmail imap on h gave no session: no way")],
)
def test_no_session_on_another_machine(helpers: Helpers, ssh: Path, status: int, message: str) -> None:
    put(helpers, f"#!/bin/sh\necho no way >&2\nexit {status}\n")
    problem = fails(Client("h", helpers=helpers.folder))
    assert (problem.cause, problem.message) == ("network", message)


@pytest.mark.parametrize(
    ("helpers", "command"),
    [
        ("/usr/local/libexec/cockpit-getmail", "/usr/local/sbin/cockpit-getmail"),
        ("/usr/libexec/cockpit-getmail/", "/usr/sbin/cockpit-getmail"),
        ("/src/getmail/api", "/src/getmail/.venv/bin/cockpit-getmail"),
        ("/else/where", "/else/where/cockpit-getmail"),
    ],
)
def test_where_the_command_is(helpers: str, command: str) -> None:
    assert find_command(helpers) == command
