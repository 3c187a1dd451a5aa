# SPDX-License-Identifier: LGPL-2.1-or-later
"""Looking into a remote mailbox and acting in it by root: in the sandbox, in bounded time, believed only in
its shape.
"""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.certificates import Authority
from tests.support.dovecot import Dovecot
from tests.support.hostile import Server, drip, hang, imap, repeat, tagged
from tests.support.installed import HELPERS, PASSWORD, PYTHON, Installed
from tests.support.limits import soon
from tests.support.sandboxes import TAKEN_OVER, find_checks, find_users_talking_to

TIMEOUT = 2.0
IMPATIENT = {"COCKPIT_GETMAIL_REMOTE_TIMEOUT": str(TIMEOUT)}
SEALING = {"COCKPIT_GETMAIL_ENCRYPT_SECRETS": "yes"}
COUNT = 3
BODY = "The body that nobody logs."
MESSAGE = """\
From: =?utf-8?q?Zo=C3=AB?= <zoe@example.com>\r
Subject: Odd \x1b[2J\r
Message-ID: <odd@example.com>\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary=b\r
\r
--b\r
\r
{body}\r
--b\r
Content-Type: text/csv\r
Content-Disposition: attachment; filename=a.csv\r
\r
a,b\r
--b--\r
"""


@pytest.fixture(scope="module")
def dovecot(authority: Authority) -> Iterator[Dovecot]:
    uses = {"Sent": "\\Sent"}
    with Dovecot(
        {"u": PASSWORD},
        certificate=authority.issue(),
        separator="/",
        special_uses=uses,
        quota="10M",
        acl=True,
    ) as dovecot:
        dovecot.fill("u", COUNT)
        dovecot.make_folder("u", "Größe/2026")
        dovecot.add_message("u", MESSAGE.format(body=BODY).encode(), "Größe/2026")
        yield dovecot


@pytest.fixture(scope="module")
def name(installed: Installed, dovecot: Dovecot) -> str:
    installed.add("u@remote", "SimpleIMAPRetriever", dovecot.imap, Account="remote", TLS="none")
    return "u@remote"


def read(installed: Installed, action: str, name: str, **data: Any) -> dict[str, Any]:
    answer = installed.call("read", action=action, name=name, **data)
    assert "type" not in answer, answer
    return answer


def test_what_is_told_of_an_account(installed: Installed, dovecot: Dovecot, name: str) -> None:
    folders = {folder["name"]: folder for folder in read(installed, "folders", name)["folders"]}
    assert folders["INBOX"]["messages"] == COUNT
    assert folders["Größe/2026"]["unseen"] == 1
    assert folders["Sent"]["special_use"] == "\\Sent"
    assert "QUOTA" in read(installed, "capabilities", name)["capabilities"]
    [quota] = read(installed, "quota", name, folder="Größe/2026")["quotas"]
    assert quota["limit"] == 10 << 10
    assert "r" in read(installed, "rights", name)["rights"]
    assert read(installed, "namespace", name)["personal"] == [{"prefix": "", "separator": "/"}]


def test_what_would_be_fetched(installed: Installed, dovecot: Dovecot, name: str) -> None:
    form = {"action": "check-credentials", "name": name, "Folders": "*", "Search": "FROM Zoë"}
    answer = installed.call("read", action="preview", form=form)
    assert (answer["wanted"], answer["passed"], answer["more"]) == (1, COUNT, 0)
    assert [message["folder"] for message in answer["messages"]] == ["Größe/2026"]


def test_a_message_is_read(installed: Installed, dovecot: Dovecot, name: str) -> None:
    """And nothing of it, nor the password, is logged or lies anywhere."""
    where: dict[str, Any] = {"folder": "Größe/2026"}
    [listed] = read(installed, "messages", name, **where)["messages"]
    assert listed["subject"] == "Odd \\x1b[2J"
    assert listed["sent_from"] == [{"name": "Zoë", "email": "zoe@example.com"}]
    where["uid"] = listed["uid"]
    answer = read(installed, "message", name, **where)
    assert [text.strip() for text in answer["message"]["body"]["plain"]] == [BODY]
    [file] = answer["attachments"]
    assert read(installed, "files", name, **where)["files"] == [file]
    assert read(installed, "file", name, file=file["id"], **where)["data"] == "YSxi"
    assert dovecot.flags("u", "Größe/2026") == [""]
    journal = installed.machine.journal(None, "--output=export")
    assert BODY not in journal
    assert PASSWORD not in journal
    assert installed.files_with(BODY, "/run", "/tmp", "/var/log", "/var/lib/cockpit-getmail") == []


def test_messages_are_marked_and_moved(installed: Installed, dovecot: Dovecot, name: str) -> None:
    uid = dovecot.uids("u")[0]
    done = installed.call("update", action="mark-seen", name=name, uids=[uid])
    assert "type" not in done, done
    assert dovecot.flags("u") == ["S", *[""] * (COUNT - 1)]
    created = installed.call("create", action="folder", name=name, folder="Done")
    assert "type" not in created, created
    moved = installed.call("execute", action="move", name=name, uids=[uid], target="Done")
    assert "type" not in moved, moved
    assert len(dovecot.messages("u")) == COUNT - 1
    assert len(dovecot.messages("u", "Done")) == 1


@pytest.mark.parametrize("retriever", ["SimpleIMAPSSLRetriever", "SimplePOP3Retriever"])
def test_a_certificate_is_shown(
    installed: Installed, dovecot: Dovecot, authority: Authority, retriever: str
) -> None:
    port = dovecot.imaps if "SSL" in retriever else dovecot.pop3
    form: dict[str, Any] = {"Retriever": retriever, "Server": "127.0.0.1", "Port": port}
    shown = installed.call("read", action="certificate", form=form)
    assert shown["subject"] == "CN=Test server"
    assert not shown["trusted"]
    ca = "/root/remote-ca.pem"
    installed.machine.copy(authority.ca, ca, mode=0o600)
    trusted = installed.call("read", action="certificate", form={**form, "CAFile": ca})
    assert trusted == {**shown, "trusted": True, "reason": None}


def test_a_sealed_password_is_opened_for_the_visit(installed: Installed, dovecot: Dovecot) -> None:
    name = "u@sealed-remote"
    installed.add(name, "SimpleIMAPRetriever", dovecot.imap, Account="sealed-remote", TLS="none")
    installed.call("update", SEALING, action="update", name=name, Password=PASSWORD)
    stored = installed.path("/var/lib/cockpit-getmail/connectors").read_text().splitlines()
    [record] = [line for line in stored if line.startswith(f"{name}=")]
    assert PASSWORD not in record
    assert "SealedPassword" in record
    assert read(installed, "folders", name)["folders"][0]["name"] == "INBOX"
    form = {"action": "check-credentials", "name": name, "Folders": "*"}
    answer = installed.call("read", action="folders", form=form)
    assert all(folder["chosen"] for folder in answer["folders"] if folder["selectable"])


def test_who_talks_to_the_server_is_confined(installed: Installed) -> None:
    with Server(imap({"LIST .*": hang, "LSUB .*": hang})) as silent:
        installed.add("u@silent-remote", "SimpleIMAPRetriever", silent.port, Account="silent-remote")
        request = json.dumps({"action": "folders", "name": "u@silent-remote"})
        helper = installed.begin(f"{HELPERS}/read", stdin=request, env=IMPATIENT)
        with helper:
            deadline = time.monotonic() + 20
            while not silent.commands(".* LIST .*"):
                assert time.monotonic() < deadline
                time.sleep(0.02)
            [unit] = find_checks(installed)
            status = installed.status(unit)
            talking = find_users_talking_to(silent.port)
            shown = installed.machine.run(["systemctl", "show", f"{unit}.service"]).stdout
            processes = installed.machine.read_processes()
            output, _ = helper.communicate()
    answer = json.loads(output)
    assert answer["attributes"]["cause"] == "network"
    assert status["Uid"].split() == [str(installed.uid)] * 4
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert talking == {installed.uid}
    assert find_checks(installed) == []
    assert not any(PASSWORD in text for text in (shown, processes, output))


@pytest.mark.parametrize("answer", ["drip", "flood", "literal"])
def test_a_server_that_means_no_good_is_left_in_time(installed: Installed, answer: str) -> None:
    steps: dict[str, Any] = {
        "drip": drip(b"* OK still here\r\n", 0.05),
        "flood": repeat(b'* LIST () "/" a\r\n'),
        "literal": tagged(b'* LIST () "/" {4294967295}\r\n'),
    }
    name = f"u@{answer}-remote"
    with Server(imap({"LIST .*": steps[answer]})) as server:
        installed.add(name, "SimpleIMAPRetriever", server.port, Account=f"{answer}-remote")
        with soon():
            problem = installed.call("read", IMPATIENT, action="folders", name=name)
    assert problem["type"] == "GenericError"
    assert problem["attributes"]["cause"] in ("network", "protocol")
    assert find_checks(installed) == []


# What comes out of a sandbox that was taken over

VISIT = TAKEN_OVER % 'visit(connector, settings.load(), {"about": "capabilities"})'
WORDS = {"protocol": "imap", "tls": "\x1b[2J", "capabilities": ["A" * 5000]}


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["yes"], "its answer had no end"),
        (["true"], "without an answer"),
        (["echo", '{"found": {"protocol": "smtp", "tls": null, "capabilities": []}}'], "without an answer"),
        (["echo", '{"found": {"protocol": "imap", "tls": null, "capabilities": [5]}}'], "without an answer"),
        (["echo", "[" * 100_000], "without an answer"),
        (["echo", '{"problem": {"type": "NotValid", "message": "x"}}'], "could not tell"),
    ],
    ids=lambda value: str(value)[-20:],
)
def test_sandbox_that_was_taken_over_is_not_believed(
    installed: Installed, command: list[str], told: str
) -> None:
    done = installed.machine.run([PYTHON, "-I", "-c", VISIT, *command], env=IMPATIENT)
    kind, message, _ = json.loads(done.stdout)
    assert (kind, told in message) == ("GenericError", True), message


def test_what_is_said_there_is_printable(installed: Installed) -> None:
    command = ["echo", json.dumps({"found": WORDS})]
    done = installed.machine.run([PYTHON, "-I", "-c", VISIT, *command], env=IMPATIENT)
    answer = json.loads(done.stdout)
    assert answer["tls"] == "\\x1b[2J"
    assert len(answer["capabilities"][0]) < 1100


def test_without_systemd_it_is_done_in_this_process(installed: Installed, name: str) -> None:
    request = json.dumps({"action": "folders", "name": name})
    script = f"mount -t tmpfs none /run/systemd && exec {HELPERS}/read"
    done = installed.machine.run(["unshare", "--mount", "sh", "-c", script], input=request)
    assert "INBOX" in [folder["name"] for folder in json.loads(done.stdout)["folders"]]
