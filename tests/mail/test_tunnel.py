# SPDX-License-Identifier: LGPL-2.1-or-later
"""Connections through a program: to a Dovecot that needs no log-in, to one that does, and to nowhere."""

import os
import pwd
import shlex
import shutil
import ssl
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cockpit_getmail import retriever as retrievers
from cockpit_getmail.connector import ACCESS_TOKEN, Connector
from cockpit_getmail.problem import Problem
from tests.support import need_programs, need_root, pump
from tests.support.certificates import Authority
from tests.support.dovecot import OWNER, Dovecot, make_message
from tests.support.fetching import Account, make_connector
from tests.support.hostile import Server, imap, start_tls, tagged
from tests.support.processes import is_alive, wait_until_gone

PASSWORD = "Nethesis,1234"
RETRIEVERS = {
    ("imap", False): "SimpleIMAPRetriever",
    ("imap", True): "SimpleIMAPSSLRetriever",
    ("pop3", False): "SimplePOP3Retriever",
    ("pop3", True): "SimplePOP3SSLRetriever",
}
KINDS = pytest.mark.parametrize("kind", ["imap", "pop3"])


@pytest.fixture(scope="module")
def dovecot(authority: Authority) -> Iterator[Dovecot]:
    with Dovecot({"u": PASSWORD}, certificate=authority.issue()) as dovecot:
        dovecot.fill("u", 3)
        yield dovecot


@pytest.fixture
def home() -> Iterator[Path]:
    """The home of somebody with one message, whom no server knows."""
    need_root()
    folder = Path(tempfile.mkdtemp(prefix="tunnel-"))
    owner = pwd.getpwnam(OWNER)
    for name in ("Maildir", "Maildir/new", "Maildir/cur", "Maildir/tmp"):
        (folder / name).mkdir()
    (folder / "Maildir/new/1.1.test").write_bytes(make_message(1, 500))
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner.pw_uid, owner.pw_gid)
    yield folder
    shutil.rmtree(folder)


def to(port: int) -> str:
    """Return a tunnel to a port of this host."""
    return shlex.join([sys.executable, pump.__file__, "127.0.0.1", str(port)])


def shell(script: str) -> str:
    return shlex.join(["/bin/sh", "-c", script])


def own_server(home: Path) -> str:
    """Return a tunnel to an IMAP server that is started for its user, and so knows who that is."""
    need_programs("setpriv", "env")
    owner = pwd.getpwnam(OWNER)
    group = [
        "-o",
        f"mail_gid={owner.pw_gid}",
        "-o",
        "stats_writer_socket_path=",
        "-o",
        "log_path=/dev/stderr",
    ]
    user = ["--reuid", str(owner.pw_uid), "--regid", str(owner.pw_gid), "--clear-groups"]
    variables = ["/usr/bin/env", f"USER={OWNER}", f"HOME={home}"]
    location = ["-o", f"mail_location=maildir:{home}/Maildir"]
    return shlex.join(["/usr/bin/setpriv", *user, *variables, "/usr/lib/dovecot/imap", *location, *group])


def check(
    tunnel: str, kind: str = "imap", *, implicit: bool = False, ca: Path | None = None, **more: str
) -> object:
    """Return what check-credentials finds, or why it cannot."""
    timeout = float(more.pop("timeout", "10"))
    password = {"Password": more.pop("Password", PASSWORD)}
    # There is no such server: nobody else is to be asked.
    base = {"Retriever": RETRIEVERS[kind, implicit], "Server": "127.0.0.1", "Port": "1", "Username": "u"}
    props = {**base, "Account": "someone", "Tunnel": tunnel, **more}
    connector = Connector("n", props, password if password["Password"] else {})
    try:
        return retrievers.check(connector, ca.read_text() if ca else None, timeout)
    except Problem as problem:
        return problem


def refusal(*args: object, **more: object) -> Problem:
    found = check(*args, **more)  # type: ignore[arg-type]
    assert isinstance(found, Problem), found
    return found


def messages(found: object) -> tuple[object, object]:
    assert isinstance(found, dict), found
    return found["messages"], found["tls"]


def test_a_server_that_knows_who_we_are(home: Path, tmp_path: Path) -> None:
    account = Account(tmp_path)
    connector = make_connector("SimpleIMAPRetriever", 1, Tunnel=own_server(home), Password="")
    assert account.fetch(connector).messages == 1
    assert account.messages == [make_message(1, 500).replace(b"\r\n", b"\n")]
    assert account.fetch(connector).messages == 0
    assert messages(check(own_server(home), Password="")) == (1, None)


def test_a_server_that_knows_who_we_are_is_not_one_with_tls(home: Path, authority: Authority) -> None:
    assert refusal(own_server(home), TLS="required").cause == "tls"
    assert refusal(own_server(home), ca=authority.ca).cause == "tls"
    assert refusal(own_server(home), Fingerprint="ab" * 32).cause == "tls"


@KINDS
def test_a_server_that_wants_a_log_in(kind: str, dovecot: Dovecot, authority: Authority) -> None:
    clear, implicit = getattr(dovecot, kind), getattr(dovecot, f"{kind}s")
    assert messages(check(to(clear), kind, TLS="none")) == (3, None)
    assert messages(check(to(clear), kind, ca=authority.ca)) == (3, "TLSv1.3")
    assert messages(check(to(implicit), kind, implicit=True, ca=authority.ca)) == (3, "TLSv1.3")
    assert refusal(to(clear), kind, TLS="none", Password="wrong").cause == "credentials"


def test_a_server_that_wants_a_log_in_of_who_has_no_password(dovecot: Dovecot) -> None:
    problem = refusal(to(dovecot.imap), TLS="none", Password="")
    assert problem.cause == "credentials"
    assert "wants a password" in problem.message
    # POP3 has no words for that; STAT is refused.
    assert refusal(to(dovecot.pop3), "pop3", TLS="none", Password="").cause == "mailbox"


@KINDS
@pytest.mark.parametrize("implicit", [False, True])
def test_a_certificate_is_that_of_the_server(
    kind: str, implicit: bool, dovecot: Dovecot, authority: Authority
) -> None:
    port = getattr(dovecot, f"{kind}s" if implicit else kind)
    problem = refusal(to(port), kind, implicit=implicit)
    assert problem.cause == "tls"
    assert isinstance(problem.attributes, dict)
    assert problem.attributes["issuer"] == "CN=Test authority"
    pinned = check(to(port), kind, implicit=implicit, Fingerprint=str(problem.attributes["fingerprint"]))
    assert messages(pinned) == (3, "TLSv1.3")
    other = refusal(to(port), kind, implicit=implicit, ca=authority.ca, Server="mail.example.com")
    assert other.cause == "tls"


def test_a_token_takes_tls_wherever_a_tunnel_ends() -> None:
    with Server(imap({}, capabilities="IMAP4rev1 SASL-IR AUTH=XOAUTH2")) as server:
        props = {"Retriever": "SimpleIMAPRetriever", "Server": "127.0.0.1", "Username": "u", "Account": "a"}
        more = {"Provider": "custom", "Tunnel": to(server.port)}
        with pytest.raises(Problem) as caught:
            retrievers.check(Connector("n", {**props, **more}, {ACCESS_TOKEN: "t"}), None, 10.0)
        assert not server.commands(r"\S+ AUTHENTICATE.*")
    assert caught.value.cause == "tls"


def test_no_way_around_tls_in_a_tunnel(authority: Authority) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = authority.issue()
    context.load_cert_chain(certificate.pem, certificate.key)
    injected = imap(
        {"STARTTLS": [tagged(status=b"OK go\r\n* PREAUTH x"), start_tls(context)]},
        capabilities="IMAP4rev1 STARTTLS",
    )
    for script, policy in ((injected, "auto"), (imap({}), "required")):
        with Server(script) as server:
            problem = refusal(to(server.port), ca=authority.ca, TLS=policy)
            assert not server.commands(r"\S+ (LOGIN|AUTHENTICATE).*")
        assert problem.cause == "tls"


@KINDS
@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exit 0", "ended (exit status 0)."),
        ("echo first >&2; echo 'no route. ' >&2; echo >&2; exit 7", "ended (exit status 7): no route."),
        ("printf 'a\\033[2Jb' >&2; exit 1", "ended (exit status 1): a\\x1b[2Jb."),
        ("kill -KILL $$", "ended (signal 9)."),
        ("cat >/dev/null & exec >/dev/null; echo gone >&2; exit 3", "ended (exit status 3): gone."),
    ],
)
def test_a_tunnel_that_ends(kind: str, implicit: bool, script: str, message: str) -> None:
    problem = refusal(shell(script), kind, implicit=implicit)
    assert problem.cause == "network"
    assert problem.message == f"The Tunnel /bin/sh {message}"


@KINDS
@pytest.mark.parametrize(
    ("script", "cause"),
    [
        ("sleep 1000", "network"),
        ("trap '' TERM HUP; while :; do sleep 1000; done", "network"),
        ("cat >/dev/null; sleep 1000", "network"),
        ("yes >&2", "network"),
        ("yes", "protocol"),
        ("tr '\\0' x </dev/zero", "protocol"),
        ("exec <&- >&-; sleep 1000", "network"),
    ],
)
def test_a_tunnel_that_hangs_or_floods_is_ended(kind: str, script: str, cause: str, tmp_path: Path) -> None:
    problem = refusal(shell(f"echo $$ >{tmp_path}/pid; {script}"), kind, timeout="1")
    assert problem.cause == cause
    assert "127.0.0.1" in problem.message
    assert not is_alive(int((tmp_path / "pid").read_text()))


def test_what_a_tunnel_has_started_ends_with_it(tmp_path: Path) -> None:
    greeting = "echo '* PREAUTH hello'; sleep 0.2"
    refusal(shell(f"sleep 1000 & echo $! >{tmp_path}/pid; {greeting}"), timeout="1")
    wait_until_gone(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize("tunnel", ["/nonexistent", "/", "cat", "/bin/echo 'x", "/etc/hostname"])
def test_a_tunnel_that_is_no_program(tunnel: str) -> None:
    problem = refusal(tunnel)
    assert problem.cause == "connector"
    assert isinstance(problem.attributes, dict)
    assert problem.attributes["parameter"] == "Tunnel"


def test_what_a_tunnel_gets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No shell, no environment, no descriptors, no terminal and no secret."""
    monkeypatch.setenv("SECRET", "x")
    code = (
        "import os,sys; told = sys.argv[2:], sorted(os.environ), os.getcwd(), os.listdir('/proc/self/fd'), "
        "os.getsid(0) == os.getpid(); print(*told, file=open(sys.argv[1], 'w'))"
    )
    argv = [sys.executable, "-S", "-c", code, f"{tmp_path}/told", "$HOME", "a b", "; id", "*"]
    refusal(shlex.join(argv))
    told = (tmp_path / "told").read_text()
    names = ["HOME", "LANG", "LC_CTYPE", "LOGNAME", "PATH", "USER"]
    found = [name for name in names if name in told]
    assert told.startswith(f"['$HOME', 'a b', '; id', '*'] {found} / ['0', '1', '2', ")
    assert told.endswith("True\n")
    assert PASSWORD not in told


def test_an_account_of_this_host_may_come_through_a_tunnel(home: Path) -> None:
    assert messages(check(own_server(home), Account="u")) == (1, None)
