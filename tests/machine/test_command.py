# SPDX-License-Identifier: LGPL-2.1-or-later
"""`cockpit-getmail` for people, as it is installed: on a terminal, on another machine, in shells."""

import json
from collections.abc import Iterator

import pytest

from tests.support import need_programs
from tests.support.dovecot import Dovecot
from tests.support.hostile import Server, hang, pop3
from tests.support.installed import PASSWORD, Installed
from tests.support.machine import ENVIRONMENT
from tests.support.ssh import SshServer
from tests.support.terminal import Terminal

COUNT = 7
HOST = "root@elsewhere.example.com"
MESSAGES = [("1", b"Subject: 1\r\n\r\n"), ("2", b"Subject: 2\r\n\r\n")]
SLOW = {"RETR 2": hang}


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with Dovecot({"u": PASSWORD}) as dovecot:
        dovecot.fill("u", COUNT)
        yield dovecot


@pytest.fixture
def connector(installed: Installed) -> str:
    """A connector whose name and label only one of each begins like."""
    installed.add("tabea@tab.example.com", "SimpleIMAPRetriever", 1, Account="tabea", Label="tablet")
    return "tabea@tab.example.com"


def on_terminal(installed: Installed, *argv: str) -> Terminal:
    return Terminal(installed.machine.argv(*argv), ENVIRONMENT)


@pytest.mark.parametrize("host", [(), ("--host", HOST)], ids=["here", "elsewhere"])
def test_tour(installed: Installed, dovecot: Dovecot, host: tuple[str, ...]) -> None:
    def person(*words: str) -> Terminal:
        return on_terminal(installed, "cockpit-getmail", *words, *host)

    account = f"tour{len(host)}"
    with SshServer(installed.machine, "elsewhere.example.com"):
        words = ["--retriever", "imap", "--server", "127.0.0.1", "--port", str(dovecot.imap)]
        with person("add", *words, "--user", "u", "--account", account, "--label", "tour") as added:
            added.expect("Password there: ")
            added.type(PASSWORD)
            added.expect(f"The log-in works: {COUNT} messages there.")
            added.expect("Added ")
            assert added.wait() == 0
        assert PASSWORD not in added.raw
        with person("check", "tour") as checked:
            checked.expect(f"INBOX has {COUNT} messages")
            assert checked.wait() == 0
        with person("run", "--follow", "tour") as followed:
            followed.expect(f"{COUNT} messages delivered")
            assert followed.wait() == 0
        assert len(installed.mail(account)) == COUNT
        for command, text in [
            ("status", "ok"),
            ("history", "succeeded"),
            ("log", f"{COUNT} messages delivered"),
            ("verify", "All is well."),
            ("quarantine", "No message is set aside."),
            ("disable", "is disabled"),
        ]:
            with person(command, "tour") as shown:
                shown.expect(text)
                assert shown.wait() == 0
        with person("remove", "tour") as removed:
            removed.expect("[y/N] ")
            removed.type("y")
            removed.expect("Removed ")
            assert removed.wait() == 0
    assert len(installed.mail(account)) == COUNT


@pytest.mark.parametrize("host", [(), ("--host", HOST)], ids=["here", "elsewhere"])
def test_run_goes_on_when_nobody_follows_it(installed: Installed, host: tuple[str, ...]) -> None:
    name = f"slow{len(host)}@here"
    with SshServer(installed.machine, "elsewhere.example.com"), Server(pop3(MESSAGES, SLOW)) as server:
        installed.add(name, "SimplePOP3Retriever", server.port, Account=name)
        # A shell of its own: to the machine's wrapper Ctrl-C means something else.
        with on_terminal(installed, "bash", "--norc", "-i") as shell:
            shell.type(f"cockpit-getmail {' '.join(host)} run --follow {name}")
            shell.expect("2 new messages")
            shell.type("", end="\x03")
            shell.expect(f"It goes on. `cockpit-getmail {' '.join((*host, ''))}cancel {name}` ends it.")
            shell.type("echo ended with $?")
            shell.expect("ended with 130")
            shell.type("exit")
            shell.wait()
        [found] = installed.call("read", action="status", name=name)["connectors"]
        assert found["running"] is True
        # Whoever looks again sees all of its log.
        with on_terminal(installed, "cockpit-getmail", *host, "run", "--follow", name) as followed:
            followed.expect("2 new messages")
            done = installed.machine.run(["cockpit-getmail", "cancel", name])
            assert "ends after the message it is at" in done.stdout
            followed.expect("It was cancelled.")
            assert followed.wait() == 75
    done = installed.machine.run(["cockpit-getmail", "cancel", name], check=False)
    assert done.returncode == 78
    assert name in done.stderr


def test_run_that_fails_says_what_to_do(installed: Installed, dovecot: Dovecot) -> None:
    installed.add("wrong@command", "SimpleIMAPRetriever", dovecot.imap, Account="wrong", Password="no")
    done = installed.machine.run(["cockpit-getmail", "run", "--follow", "wrong@command"], check=False)
    assert done.returncode == 77
    assert "app password" in done.stderr
    done = installed.machine.run(["cockpit-getmail", "status", "wrong@command"])
    assert "log-in refused" in done.stdout


def test_answers_from_elsewhere_are_those_from_here(installed: Installed, connector: str) -> None:
    with SshServer(installed.machine, "elsewhere.example.com"):
        for words in (["show", connector], ["info"], ["accounts"], ["enable", "nobody@here"]):
            told = [
                installed.machine.run(["cockpit-getmail", "--json", *words, *host], check=False)
                for host in ([], ["--host", HOST])
            ]
            here, there = (json.loads(done.stdout) for done in told)
            steady = here.keys() - {"id", "next_run"}
            assert {key: here[key] for key in steady} == {key: there[key] for key in steady}
            assert told[0].returncode == told[1].returncode


def test_host_that_is_not_there_is_told(installed: Installed) -> None:
    done = installed.machine.run(["cockpit-getmail", "list", "--host", "nowhere.invalid"], check=False)
    assert (done.returncode, done.stdout) == (69, "")
    assert "nowhere.invalid" in done.stderr


def test_bash_completes(installed: Installed, connector: str) -> None:
    need_programs("bash")
    with on_terminal(installed, "bash", "--norc", "-i") as bash:
        bash.type("PS1='>'; . /usr/share/bash-completion/bash_completion; echo rea''dy")
        bash.expect("ready")
        bash.type("cockpit-getmail qua", end="\t")
        bash.expect("quarantine ")
        bash.type("tabe", end="\t")
        bash.expect("tabea@tab.example.com ")
        bash.type("\x15cockpit-getmail show tabea@t", end="\t")
        bash.expect("tabea@tab.example.com ")
        bash.type("")
        bash.expect("never run")
        bash.type("cockpit-getmail edit tabl", end="\t")
        bash.expect("tablet ")
        bash.type("--retriever imaps --fing", end="\t")
        bash.expect("--fingerprint ")
        bash.type("\x15exit")
        bash.wait()


def test_zsh_completes(installed: Installed, connector: str) -> None:
    need_programs("zsh")
    with on_terminal(installed, "zsh", "-f", "-i") as zsh:
        zsh.type("PS1='>'; autoload -U compinit; compinit -u -D; echo rea''dy")
        zsh.expect("ready\n")
        zsh.type("cockpit-getmail qua", end="\t")
        zsh.expect("rantine")
        zsh.type("tabe", end="\t")
        zsh.expect("tab.example.com")
        zsh.type("\x15exit")
        zsh.wait()


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("cockpit-getmail qua", {"quarantine"}),
        ("cockpit-getmail show tab", {"tabea@tab.example.com", "tablet"}),
        ("cockpit-getmail add --retriever pop", {"pop3", "pop3s"}),
    ],
)
def test_fish_completes(installed: Installed, connector: str, line: str, found: set[str]) -> None:
    need_programs("fish")
    done = installed.machine.run(["fish", "-c", f"complete -C '{line}'"])
    assert {line.split("\t")[0] for line in done.stdout.splitlines()} == found


def test_who_may_not_read_gets_no_names(installed: Installed, connector: str) -> None:
    line = "complete -C 'cockpit-getmail show tab'"
    done = installed.machine.run(["runuser", "-u", "nobody", "--", "fish", "-c", line])
    assert "tab" not in done.stdout
