# SPDX-License-Identifier: LGPL-2.1-or-later
"""The commands for people, as processes beside the helpers."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import ENOUGH, ROOT, Api
from tests.support.certificates import Authority
from tests.support.dovecot import Dovecot
from tests.support.hostile import Server, hang, pop3
from tests.support.schemas import check_schema
from tests.support.terminal import Terminal

pytestmark = pytest.mark.long

PASSWORD = "kanari-4711"
NAME = "giacomo@my.remote.com"
GIVEN = ["--retriever", "imaps", "--server", "my.remote.com", "--user", "giacomo", "--account", "giacomo"]
COMMAND = [sys.executable, "-I", "-m", "cockpit_getmail"]


def argv(api: Api, *arguments: str) -> list[str]:
    program, *prefix = reversed(api.argv(Path(COMMAND[0])))
    return [*reversed(prefix), program, *COMMAND[1:], *arguments]


def run(api: Api, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv(api, *arguments),
        input=stdin,
        env=api.environment,
        capture_output=True,
        text=True,
        timeout=ENOUGH,
        check=False,
        cwd=ROOT,
    )


def succeed(api: Api, *arguments: str, stdin: str = "") -> str:
    done = run(api, *arguments, stdin=stdin)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    return done.stdout


def terminal(api: Api, *arguments: str) -> Terminal:
    return Terminal(argv(api, *arguments), api.environment)


@pytest.fixture(scope="module")
def dovecot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dovecot]:
    certificate = Authority(tmp_path_factory.mktemp("authority")).issue()
    with Dovecot({"giacomo": PASSWORD}, certificate=certificate) as dovecot:
        dovecot.fill("giacomo", 3)
        yield dovecot


def test_life_of_a_connector(api: Api) -> None:
    assert succeed(api, "list") == "There are no connectors yet: `cockpit-getmail add` makes one.\n"
    words = [*GIVEN, "--label", "work", "--delete", "7", "--password-stdin"]
    assert f"Added {NAME}." in succeed(api, "add", *words, stdin=f"{PASSWORD}\n")
    assert api.props(NAME)["Password"] == PASSWORD
    lines = succeed(api, "list").splitlines()
    assert lines[0].split() == ["NAME", "LABEL", "ACCOUNT", "EVERY", "STATUS"]
    assert lines[1].split(maxsplit=5) == [NAME, "work", "giacomo", "30", "min", "never run"]
    succeed(api, "edit", "work", "--time", "60", "--label", "")
    assert api.props(NAME) == {
        "Account": "giacomo",
        "Delete": "7",
        "Password": PASSWORD,
        "Retriever": "SimpleIMAPSSLRetriever",
        "Server": "my.remote.com",
        "Time": "60",
        "Username": "giacomo",
        "status": "enabled",
        "type": "getmail",
    }
    succeed(api, "disable", NAME)
    assert "disabled" in succeed(api, "status", "0", "--of", "giacomo")
    succeed(api, "enable", NAME)
    shown = succeed(api, "show", NAME)
    assert PASSWORD not in shown
    assert "Time       60\n" in shown
    succeed(api, "reset", NAME)
    assert succeed(api, "remove", NAME) == f"Removed {NAME}.\n"
    assert not api.connectors()


@pytest.mark.parametrize(
    ("arguments", "verb", "data"),
    [
        (["list"], "read", {"action": "list", "redact": True}),
        (["list", "--failing"], "read", {"action": "list", "redact": True, "status_ok": 0}),
        (["status", "--account", "admin"], "read", {"action": "status", "account": "admin"}),
        (["status", NAME], "read", {"action": "status", "name": NAME}),
        (["enable", NAME], "update", {"action": "enable", "name": NAME}),
        (["disable", NAME], "update", {"action": "disable", "name": NAME}),
        (["reset", NAME], "update", {"action": "reset", "name": NAME}),
        (["edit", NAME, "--time", "9"], "update", {"action": "update", "name": NAME, "Time": "9"}),
        (["edit", NAME, "--time", "3"], "update", {"action": "update", "name": NAME, "Time": "3"}),
        (["edit", NAME, "--dry-run", "--port", ""], "validate", {"action": "update", "name": NAME, "Port": None}),  # noqa: E501
        (["history", NAME, "--limit", "3"], "read", {"action": "history", "name": NAME, "limit": 3}),
        (["quarantine", NAME], "read", {"action": "quarantine", "name": NAME}),
        (["info"], "read", {"action": "info"}),
        (["accounts"], "read", {"action": "accounts"}),
        (["cancel", NAME], "execute", {"action": "cancel", "name": NAME}),
        (["retry", NAME, "--uid", "7"], "execute", {"action": "retry", "name": NAME, "uid": "7"}),
        (["skip", "nobody"], "execute", {"action": "skip", "name": "nobody"}),
        (["log", "--token", "x"], "read", {"action": "log", "token": "x"}),
        (["run", "nobody"], "execute", {"action": "run", "name": "nobody"}),
        (["add", "--port", "x"], "create", {"Port": "x"}),
        (["add", "--dry-run", "--port", "x"], "validate", {"action": "create", "Port": "x"}),
        (["remove", "nobody"], "delete", {"name": "nobody"}),
    ],
)  # fmt: skip
def test_json_is_the_answer_of_the_helper(
    api: Api, arguments: list[str], verb: str, data: dict[str, Any]
) -> None:
    api.add()
    done = run(api, "--json", *arguments)
    answer = json.loads(api.run(verb, json.dumps(data).encode()).stdout)
    told = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    assert (done.returncode == 0, done.stderr) == ("type" not in answer, "")
    if "type" in answer:
        check_schema("problem.json", told)
    assert steady(told) == steady(answer)


def steady(value: Any) -> Any:
    """Return an answer without its times."""
    if isinstance(value, dict):
        return {key: steady(item) for key, item in value.items() if key not in ("id", "next_run")}
    return [steady(item) for item in value] if isinstance(value, list) else value


def test_faults_are_told_in_words(api: Api) -> None:
    done = run(api, "add", *GIVEN, "--time", "3", "--port", "x")
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr.splitlines() == [
        "cockpit-getmail: This cannot be done:",
        "  Password (--password): is missing",
        "  Port (--port): must be a whole number",
        "  Time (--time): must be at least 5, not 3",
    ]


def test_check_of_what_is_stored(api: Api, dovecot: Dovecot) -> None:
    name = api.add(Server="127.0.0.1", Port=str(dovecot.imap), Password=PASSWORD, TLS="none")
    assert succeed(api, "check", name) == "The log-in works: INBOX has 3 messages (in clear).\n"
    done = run(api, "check", name, "--password-stdin", stdin="wrong")
    assert done.returncode == 77
    assert "app password" in done.stderr


def test_add_with_check_stores_only_what_works(api: Api, dovecot: Dovecot) -> None:
    words = ["--server", "127.0.0.1", "--port", str(dovecot.imap), "--tls", "none", "--retriever", "imap"]
    words = ["add", "--check", *words, "--user", "giacomo", "--account", "here", "--password-stdin"]
    assert run(api, *words, stdin="wrong").returncode == 77
    assert not api.connectors()
    assert "The log-in works" in succeed(api, *words, stdin=PASSWORD)
    [listed] = api.connectors()["here"]
    assert run(api, "edit", listed["name"], "--check", "--user", "nobody").returncode == 77
    succeed(api, "edit", listed["name"], "--check", "--time", "60")
    assert api.props(listed["name"])["Time"] == "60"


def test_password_is_in_no_command_line_and_no_environment(api: Api) -> None:
    with Server(pop3(overrides={"PASS .*": hang})) as server:
        words = ["--retriever", "pop3", "--server", "127.0.0.1", "--port", str(server.port)]
        process = subprocess.Popen(
            argv(api, "check", *words, "--user", "giacomo", "--password-stdin"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=api.environment,
            cwd=ROOT,
        )
        killer = threading.Timer(ENOUGH, process.kill)
        killer.start()
        assert process.stdin
        process.stdin.write(PASSWORD.encode())
        process.stdin.close()
        process.stdin = None
        while not any(PASSWORD.encode() in line for line in server.received):
            assert process.poll() is None
        telling = [path for path in find_told() if PASSWORD.encode() in read(path)]
        process.terminate()
        process.communicate()
        killer.cancel()
    assert not telling


def find_told() -> Iterator[Path]:
    """Yield the files that tell others of what processes were started with."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            yield from (folder / "cmdline", folder / "environ")


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_a_person_is_asked_for_what_is_missing(api: Api, dovecot: Dovecot) -> None:
    with terminal(api, "add", "--port", str(dovecot.imaps)) as person:
        person.expect("Protocol: imaps, imap, pop3s or pop3 [imaps]: ")
        person.type("")
        person.expect("Server: ")
        person.type("")
        person.expect("Server: ")
        person.type("127.0.0.1")
        person.expect("User name there: ")
        person.type("giacomo")
        person.expect("Local account that gets the mail: ")
        person.type("here")
        person.expect("Password there: ")
        person.type(PASSWORD)
        # Dovecot's certificate is of an authority that nobody knows.
        person.expect("fingerprint: ")
        person.expect("[y/N] ")
        person.type("y")
        person.expect("The log-in works: 3 messages there.")
        person.expect("Added giacomo@127.0.0.1.")
        assert person.wait() == 0
    assert PASSWORD not in person.raw
    stored = api.props("giacomo@127.0.0.1")
    assert (stored["Password"], len(stored["Fingerprint"])) == (PASSWORD, 64)


def test_a_person_may_decline(api: Api, dovecot: Dovecot) -> None:
    words = ["--retriever", "imaps", "--server", "127.0.0.1", "--port", str(dovecot.imaps)]
    with terminal(api, "add", *words, "--user", "giacomo", "--account", "here") as person:
        person.expect("Password there: ")
        person.type(PASSWORD)
        person.expect("[y/N] ")
        person.type("n")
        assert person.wait() == 76
    assert not api.connectors()


def test_a_person_may_store_what_does_not_work_yet(api: Api) -> None:
    words = ["--retriever", "imaps", "--server", "127.0.0.1", "--port", "1", "--user", "a", "--account", "b"]
    with terminal(api, "add", *words) as person:
        person.expect("Password there: ")
        person.type(PASSWORD)
        person.expect("refuses connections on port 1")
        person.expect("Store it all the same? [y/N] ")
        person.type("yes")
        assert person.wait() == 0
    assert api.props("a@127.0.0.1")["Password"] == PASSWORD


@pytest.mark.parametrize(("answer", "left"), [("n", 1), ("", 1), ("y", 0)])
def test_a_person_is_asked_before_a_connector_goes(api: Api, answer: str, left: int) -> None:
    api.add(Label="work")
    with terminal(api, "remove", "work") as person:
        person.expect(f"Remove {NAME} and the record of what it fetched?")
        person.type(answer)
        assert person.wait() == 0
    assert len(api.connectors()) == left


def test_nobody_is_asked_with_yes(api: Api) -> None:
    api.add()
    with terminal(api, "remove", "--yes", NAME) as person:
        assert person.wait() == 0
    assert not api.connectors()


@pytest.mark.parametrize(("answer", "status"), [("n", 0), ("y", 70)])
def test_a_person_is_asked_before_all_is_marked_as_seen(api: Api, answer: str, status: int) -> None:
    """Without systemd no unit can be started: that is told only to who wants it."""
    api.add()
    with terminal(api, "baseline", NAME) as person:
        person.expect(f"Never fetch any message that {NAME} has at its server now?")
        person.type(answer)
        assert person.wait() == status


@pytest.mark.parametrize(
    ("words", "question", "told"),
    [
        (("baseline", "--foreground", "work"), "Never fetch any message that work has", "Nothing is marked."),
        (("delete-messages", "work", "7"), "Delete 1 message at the server for good?", "Nothing is deleted."),
    ],
)
def test_who_says_no_is_told_that_nothing_is_done(
    api: Api, words: tuple[str, ...], question: str, told: str
) -> None:
    api.add(Label="work")
    with terminal(api, *words) as person:
        person.expect(question)
        person.type("n")
        person.expect(told)
        assert person.wait() == 0


def test_end_of_input_ends_the_questions(api: Api) -> None:
    with terminal(api, "add") as person:
        person.expect("Protocol")
        person.type("", end="\x04")
        assert person.wait() == 1
    assert not api.connectors()


def test_a_password_changes_without_being_seen(api: Api) -> None:
    api.add()
    with terminal(api, "edit", NAME, "--password") as person:
        person.expect("Password there: ")
        person.type(PASSWORD)
        assert person.wait() == 0
    assert PASSWORD not in person.raw
    assert api.props(NAME)["Password"] == PASSWORD


def test_tables_are_coloured_on_a_terminal(api: Api) -> None:
    api.add()
    with terminal(api, "status") as person:
        assert person.wait() == 0
    assert "\x1b[" in person.raw
    assert NAME in person.shown
    with Terminal(argv(api, "status"), {**api.environment, "NO_COLOR": "1"}) as person:
        assert person.wait() == 0
    assert "\x1b[3" not in person.raw


def test_hostile_records_do_nothing_to_a_terminal(api: Api) -> None:
    api.add(Username="a\\n[red]x[/]", Label="\x1b]0;title\x07", Account="b\x9b2J\u202e")
    for command in ("list", "status"):
        with terminal(api, command) as person:
            assert person.wait() == 0
        assert "[red]x[/]" in person.shown
        assert not {"\x07", "\x9b", "\u202e"} & set(person.raw)


@pytest.mark.parametrize("count", [1, 2000])
def test_reader_who_is_gone_is_no_bug(api: Api, put: Callable[[str], None], count: int) -> None:
    put("".join(f"{number}@there=getmail|Account|a\n" for number in range(count)))
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as gone:
        done = subprocess.run(
            argv(api, "list"), env=api.environment, stdout=gone, stderr=subprocess.PIPE, cwd=ROOT, check=False
        )
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, b"")


@pytest.mark.parametrize("words", [("fetch", "--unit"), ("verify", "--unit"), ("schedule",)])
def test_units_do_not_wait_for_what_people_need(api: Api, words: tuple[str, ...]) -> None:
    program, *_ = COMMAND
    done = subprocess.run(
        [program, "-X", "importtime", *COMMAND[1:], *words],
        env=api.environment,
        capture_output=True,
        text=True,
        timeout=ENOUGH,
        cwd=ROOT,
        check=False,
    )
    found = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "cockpit_getmail.cli" in found
    ours = {"cockpit_getmail.usage", "cockpit_getmail.command", "cockpit_getmail.client"}
    assert not found & (ours | {"argparse", "argcomplete", "getpass", "rich", "rich.console"})


def test_host_that_is_an_option_is_refused(api: Api) -> None:
    done = run(api, "list", "--host=-oProxyCommand=touch /tmp/x")
    assert (done.returncode, done.stdout) == (78, "")
    assert "host" in done.stderr


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("cockpit-getmail sta", ["status"]),
        ("cockpit-getmail run gia", [NAME]),
        ("cockpit-getmail run giacomo@my.r", ["my.remote.com"]),
        ("cockpit-getmail edit wo", ["work"]),
        ("cockpit-getmail add --retriever pop", ["pop3", "pop3s"]),
        ("cockpit-getmail add --tls ", ["auto", "none", "required"]),
        ("cockpit-getmail add --ca-file /etc/passw", ["/etc/passwd", "/etc/passwd-"]),
        ("cockpit-getmail add --server ", []),
        ("cockpit-getmail run --fo", ["--follow"]),
        ("cockpit-getmail --host there run gia", []),
    ],
)
def test_completions(api: Api, line: str, found: list[str]) -> None:
    api.add(Label="work")
    variables = {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_SHELL": "bash",
        "_ARGCOMPLETE_COMP_WORDBREAKS": " \t\n\"'@><=;|&(:",
        "IFS": "\013",
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
    }
    with open(api.folder / "found", "w+") as told:
        os.chmod(told.fileno(), 0o666)
        script = 'exec "$@" 8>&1 9>/dev/null >/dev/null'
        argument = ["sh", "-c", script, "sh", *argv(api)]
        subprocess.run(argument, env={**api.environment, **variables}, stdout=told, cwd=ROOT, check=True)
        told.seek(0)
        text = told.read()
    assert sorted(word.strip() for word in text.split("\013") if word.strip()) == found
