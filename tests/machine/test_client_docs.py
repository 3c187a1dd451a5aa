# SPDX-License-Identifier: LGPL-2.1-or-later
"""docs/client.md as it stands: each example is run, and what it prints is compared.

The machine has what the page speaks of: a provider imap.example.com, with a certificate that is believed, and
ssh to mail.example.com, which is the machine itself.
"""

import doctest
import json
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest

from tests.support.certificates import Authority
from tests.support.dovecot import Dovecot
from tests.support.installed import PYTHON, Installed
from tests.support.machine import ENVIRONMENT, PROJECT, Machine
from tests.support.oidc import Oidc
from tests.support.proxy import Proxy
from tests.support.ssh import SshServer, find_address

PAGE = PROJECT / "docs/client.md"
HOST, SERVER = "mail.example.com", "imap.example.com"
USER, PASSWORD = "giacomo", "Nethesis,1234"
COUNT = 200
SLOW = 0.3
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
# One example after the other in one program, as in one session of a person.
SESSION = """\
import contextlib, io, json, sys
space = {"__name__": "__main__"}
for line in sys.stdin:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(json.loads(line), "docs/client.md", "exec"), space)
    print(json.dumps(said.getvalue()), flush=True)
"""


class Example(NamedTuple):
    language: str
    text: str
    output: str


def find_examples(page: str) -> list[Example]:
    """Return what is to be run on a page, each with the output that follows it."""
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    examples: list[Example] = []
    for language, text in blocks:
        if language == "text":
            assert not examples[-1].output
            examples[-1] = examples[-1]._replace(output=text)
        else:
            examples.append(Example(language, text, ""))
    return examples


EXAMPLES = find_examples(PAGE.read_text())


class Session:
    """A Python of the installation, by root in the machine."""

    def __init__(self, machine: Machine) -> None:
        self._process = subprocess.Popen(
            machine.argv(PYTHON, "-c", SESSION),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=ENVIRONMENT,
            text=True,
        )

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(self, text: str) -> str:
        """Run an example; return what it prints."""
        assert self._process.stdin
        assert self._process.stdout
        assert self._process.stderr
        self._process.stdin.write(json.dumps(text) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"{text}\n{self._process.stderr.read()}"
        said = json.loads(line)
        assert isinstance(said, str)
        return said


@pytest.fixture(scope="module")
def installed() -> Iterator[Installed]:
    """The project in a machine of its own: the page tells of one without any connectors."""
    with Machine() as machine:
        machine.install()
        # Nothing is fetched before the page says so.
        machine.run(["systemctl", "stop", "cockpit-getmail.timer"])
        yield Installed(machine)


@pytest.fixture(scope="module")
def dovecot(tmp_path_factory: pytest.TempPathFactory, installed: Installed) -> Iterator[Dovecot]:
    authority = Authority(tmp_path_factory.mktemp("authority"))
    bundle = "/etc/ssl/certs/ca-certificates.crt"
    installed.machine.run(["sh", "-c", f"cat >>{bundle}"], input=authority.ca.read_text())
    with Dovecot({USER: PASSWORD}, certificate=authority.issue([SERVER])) as dovecot:
        dovecot.fill(USER, COUNT)
        yield dovecot


@pytest.fixture(scope="module")
def provider(installed: Installed, dovecot: Dovecot) -> Iterator[Proxy]:
    address = find_address()
    installed.machine.run(["sh", "-euc", f"echo '{address} {SERVER}' >>/etc/hosts"])
    with Proxy(dovecot.host, dovecot.imaps, listen=(address, 993)) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def ssh(installed: Installed) -> Iterator[SshServer]:
    with SshServer(installed.machine, HOST) as server:
        yield server


def add_signing_in(installed: Installed, oidc: Oidc) -> None:
    """Put a connector into the database for which nobody has signed in."""
    props = oidc.props(DeviceUrl=oidc.device_url, Username=USER, Account="office")
    installed.add("office@login.example.com", "SimpleIMAPSSLRetriever", 993, **props)


def check(example: Example, said: str) -> None:
    checker = doctest.OutputChecker()
    alike = not example.output and not said
    if not alike and not checker.check_output(example.output, said, FLAGS):
        pytest.fail(f"{example.text}\nsays:\n{said}\nand the page says:\n{example.output}", pytrace=False)


def test_each_example_says_what_the_page_says(
    installed: Installed, dovecot: Dovecot, provider: Proxy, ssh: SshServer
) -> None:
    with Session(installed.machine) as session, Oidc() as oidc, ThreadPoolExecutor() as people:
        for example in EXAMPLES:
            signing_in = None
            if ".authorize(" in example.text:
                add_signing_in(installed, oidc)
                signing_in = people.submit(oidc.approve_next, USER)
            # What is to be cancelled must take a while.
            provider.delay = SLOW if ".cancel(" in example.text else 0.0
            if example.language == "python":
                check(example, session.run(example.text))
            else:
                assert example.language == "sh"
                check(example, installed.machine.run(["sh", "-euc", example.text]).stdout)
            if signing_in:
                signing_in.result()


def test_all_mail_is_there(installed: Installed) -> None:
    assert len(installed.mail("office@local.example.com")) == COUNT


def test_nothing_on_the_page_is_left_out() -> None:
    fences = re.findall(r"^```", PAGE.read_text(), re.MULTILINE)
    outputs = [example for example in EXAMPLES if example.output]
    assert len(fences) == 2 * (len(EXAMPLES) + len(outputs))
    assert len(EXAMPLES) > 10


def test_a_wrong_page_is_found() -> None:
    [example] = find_examples("```python\nprint(1)\n```\n\n```text\n2\n```\n")
    assert example == Example("python", "print(1)\n", "2\n")
    with pytest.raises(pytest.fail.Exception):
        check(example, "1\n")
    with pytest.raises(pytest.fail.Exception):
        check(example._replace(output=""), "1\n")
    check(example, "2\n")


def test_the_page_names_each_method() -> None:
    methods = {name for name in dir(__import__("cockpit_getmail").Client) if not name.startswith("_")}
    table = PAGE.read_text().partition("| Method |")[2]
    assert methods == set(re.findall(r"`(\w+)`", table))
