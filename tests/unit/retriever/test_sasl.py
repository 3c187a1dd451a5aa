# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which mechanisms a connector logs in by, in which order, and what goes over the line."""

import base64
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.connector import CLIENT_PEM, Connector
from cockpit_getmail.endpoint import Endpoint
from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.retriever import sasl, sasl_challenge

ENDPOINT = Endpoint("mail.example", 993)
TEXTS = st.text(st.characters(exclude_characters="\0\r\n", exclude_categories=["Cs"]))
EVERY = (
    *("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "EXTERNAL"),
    *("XOAUTH2", "OAUTHBEARER", "NTLM", "GSSAPI", "DIGEST-MD5"),
)


class Channel:
    def __init__(self, tls: str | None = None, binding: tuple[str, bytes] | None = None) -> None:
        self.tls = tls
        self.is_private = bool(tls)
        self._binding = binding

    def binding(self) -> tuple[str, bytes] | None:
        return self._binding


CLEAR = Channel()
ENCRYPTED = Channel("TLSv1.3")
BOUND = Channel("TLSv1.3", ("tls-server-end-point", b"digest"))


def connector(password: str = "geheim", certificate: bool = False, **props: str) -> Connector:
    base = {"Retriever": "SimpleIMAPSSLRetriever", "Server": "mail.example", "Username": "u"}
    secrets = {"Password": password} if password else {}
    if certificate:
        props["ClientCert"], secrets[CLIENT_PEM] = "/c.pem", "pem"
    return Connector("u@mail.example", {**base, **props}, secrets)


def names(found: Sequence[sasl.Mechanism | None]) -> list[str]:
    return [mechanism.name if mechanism else "own" for mechanism in found]


def choose(
    given: Connector, channel: Channel, offered: Sequence[str] | None, *, has_own: bool = True
) -> list[str]:
    return names(sasl.ways(given, ENDPOINT, offered, channel, has_own=has_own))


def test_messages_of_the_specifications() -> None:
    plain = sasl.Plain("tim", "tanstaaftanstaaf")
    assert sasl.opening("AUTH", plain, 1000) == b"AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm"
    # draft-murchison-sasl-login-00 section 2.
    login = sasl.Login("tim", "tanstaaftanstaaf")
    assert sasl.opening("AUTHENTICATE", login, 1000) == b"AUTHENTICATE LOGIN"
    said = [base64.b64encode(b"User Name"), base64.b64encode(b"Password")]
    assert [sasl.reply(login, text, "h") for text in said] == [b"dGlt", b"dGFuc3RhYWZ0YW5zdGFhZg=="]
    external = sasl.External("tim")
    assert sasl.opening("AUTHENTICATE", external, 1000) == b"AUTHENTICATE EXTERNAL dGlt"


@pytest.mark.parametrize(
    ("channel", "offered", "found"),
    [
        # As it always was.
        (ENCRYPTED, ["PLAIN"], ["PLAIN"]),
        (ENCRYPTED, ["PLAIN", "LOGIN"], ["PLAIN"]),
        (ENCRYPTED, [], ["own"]),
        (ENCRYPTED, None, ["own"]),
        (CLEAR, ["PLAIN", "LOGIN"], ["PLAIN"]),
        (CLEAR, [], ["own"]),
        # Nobody listens in TLS, and many servers offer CRAM-MD5 in vain.
        (ENCRYPTED, ["CRAM-MD5", "PLAIN"], ["PLAIN"]),
        (ENCRYPTED, ["CRAM-MD5"], ["own"]),
        (ENCRYPTED, ["SCRAM-SHA-256", "CRAM-MD5", "PLAIN"], ["SCRAM-SHA-256", "PLAIN"]),
        (BOUND, EVERY, ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]),
        (ENCRYPTED, EVERY, ["SCRAM-SHA-256", "PLAIN"]),
        # There the password is not shown to who listens, whatever a server answers.
        (CLEAR, ["CRAM-MD5", "PLAIN"], ["CRAM-MD5"]),
        (CLEAR, EVERY, ["SCRAM-SHA-256"]),
        (CLEAR, ["SCRAM-SHA-256-PLUS", "PLAIN"], ["PLAIN"]),
    ],
)
def test_the_best_way_goes_first(channel: Channel, offered: list[str] | None, found: list[str]) -> None:
    assert choose(connector(), channel, offered) == found


def test_way_of_who_has_a_certificate() -> None:
    given = connector(certificate=True)
    assert choose(given, ENCRYPTED, ["EXTERNAL", "PLAIN"]) == ["EXTERNAL", "PLAIN"]
    assert choose(given, ENCRYPTED, ["PLAIN"]) == ["PLAIN"]
    assert choose(given, CLEAR, ["EXTERNAL", "PLAIN"]) == ["PLAIN"]
    assert choose(connector("", certificate=True), ENCRYPTED, ["EXTERNAL", "PLAIN"]) == ["EXTERNAL"]
    assert choose(connector(), ENCRYPTED, ["EXTERNAL", "PLAIN"]) == ["PLAIN"]


@pytest.mark.parametrize(
    ("auth", "channel", "found"),
    [
        ("plain", CLEAR, ["PLAIN"]),
        ("login", CLEAR, ["LOGIN"]),
        ("cram-md5", ENCRYPTED, ["CRAM-MD5"]),
        ("scram-sha-256", CLEAR, ["SCRAM-SHA-256"]),
        ("scram-sha-256", BOUND, ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]),
        ("external", ENCRYPTED, ["EXTERNAL"]),
    ],
)
def test_what_auth_names_and_no_other(auth: str, channel: Channel, found: list[str]) -> None:
    assert choose(connector(Auth=auth), channel, EVERY) == found
    if auth != "login":
        with pytest.raises(Problem) as caught:
            choose(connector(Auth=auth), channel, ["NTLM", "DIGEST-MD5"])
        assert caught.value.cause == "protocol"
        assert f"({auth})" in caught.value.message
        assert "DIGEST-MD5, NTLM" in caught.value.message


def test_login_is_also_a_command() -> None:
    assert choose(connector(Auth="login"), CLEAR, []) == ["own"]
    with pytest.raises(Problem) as caught:
        choose(connector(Auth="login"), CLEAR, ["PLAIN"], has_own=False)
    assert caught.value.cause == "protocol"


def test_a_server_that_does_not_tell_is_asked_for_what_auth_names() -> None:
    assert choose(connector(Auth="cram-md5"), CLEAR, None) == ["CRAM-MD5"]


@pytest.mark.parametrize(
    ("given", "channel", "cause"),
    [
        (connector(), CLEAR, "tls"),
        (connector(), ENCRYPTED, "protocol"),
        (connector("", certificate=True), ENCRYPTED, "credentials"),
        (connector("", Tunnel="/bin/cat"), CLEAR, "credentials"),
    ],
)
def test_a_server_without_any_way(given: Connector, channel: Channel, cause: str) -> None:
    with pytest.raises(Problem) as caught:
        choose(given, channel, ["NTLM"], has_own=False)
    assert caught.value.cause == cause


@pytest.mark.long
@given(st.lists(st.sampled_from([*EVERY, "x\r\ny"])), st.booleans(), st.booleans(), TEXTS)
def test_never_more_than_once_again_and_never_in_clear(
    offered: list[str], encrypted: bool, has_own: bool, password: str
) -> None:
    channel = BOUND if encrypted else CLEAR
    if not (has_own or {*offered} & {*EVERY[:5]}):
        with pytest.raises(Problem) as caught:
            choose(connector(password), channel, offered, has_own=has_own)
        assert caught.value.cause == ("protocol" if encrypted else "tls")
        assert caught.value.message.isprintable()
        return
    if not (encrypted or has_own or {*offered} & {*EVERY[:4]}):
        return
    found = choose(connector(password), channel, offered, has_own=has_own)
    assert set(found) <= {*offered, "own"}
    assert len(found) <= 2
    if not encrypted:
        assert len(set(found)) == 1


@pytest.mark.parametrize("bad", ["\0", "\r", "\n"])
def test_what_would_be_more_than_a_name_or_a_password(bad: str) -> None:
    for faulty in (connector(Username=f"u{bad}x"), connector(f"s{bad}x"), connector(f"{bad}", Auth="login")):
        with pytest.raises(Problem) as caught:
            choose(faulty, ENCRYPTED, EVERY)
        assert caught.value.cause == "credentials"


@given(TEXTS, TEXTS, st.integers(0, 600))
def test_lines_and_their_limit(username: str, secret: str, room: int) -> None:
    for mechanism in (sasl.Plain(username, secret), sasl.External(username)):
        initial = mechanism.initial
        assert initial is not None
        line = sasl.opening("AUTH", mechanism, room)
        command, name, *rest = line.decode().split(" ")
        assert (command, name) == ("AUTH", mechanism.name)
        assert mechanism.at_once == bool(rest)
        if rest:
            assert len(line) <= room
            assert base64.b64decode(rest[0]) == initial
            assert rest[0]
        else:
            assert len(f"AUTH {mechanism.name} ".encode() + (base64.b64encode(initial) or b"=")) > room
            assert sasl.reply(mechanism, b"", "h") == base64.b64encode(initial)


@given(st.binary(), st.lists(st.binary(), min_size=3, max_size=3), st.booleans())
def test_a_secret_goes_twice_at_most_and_a_log_in_ends(
    first: bytes, challenges: list[bytes], at_once: bool
) -> None:
    secret = "s" * 20
    for mechanism in (sasl.Plain("u", secret), sasl.Login("u", secret), sasl.External(secret)):
        sent = [sasl.opening("AUTH", mechanism, 1000 if at_once else 0).partition(b" ")[2]]
        with pytest.raises(Problem) as caught:
            sent += [sasl.reply(mechanism, text, "h") for text in (first, *challenges, b"more")]
        assert caught.value.cause == "protocol"
        whole = base64.b64encode(mechanism.initial or secret.encode())
        assert sum(whole in line for line in sent) <= (2 if at_once else 1)


class Attempts:
    """What an attempt brings: None, a Problem returned, or one raised."""

    def __init__(self, *outcomes: Problem | None, raises: Problem | None = None) -> None:
        self.tried: list[str] = []
        self._outcomes = iter(outcomes)
        self._raises = raises

    def __call__(self, mechanism: sasl.Mechanism | None) -> Problem | None:
        self.tried += names([mechanism])
        try:
            return next(self._outcomes)
        except StopIteration:
            assert self._raises
            raise self._raises from None


REFUSED = failure("credentials", "refused")
LATER = failure("mailbox", "later")
GONE = failure("network", "closed")


def both() -> Sequence[sasl.Mechanism | None]:
    return [sasl.External("u"), sasl.Plain("u", "s")]


def test_a_refusal_in_doubt_is_no_end() -> None:
    attempts = Attempts(REFUSED, None)
    [told] = sasl.log_in(both(), attempts, "h")
    assert told == (
        "h offers EXTERNAL and refuses it: logged in by PLAIN. Auth plain would spare the first try."
    )
    assert sasl.log_in(both(), Attempts(None), "h") == []
    assert attempts.tried == ["EXTERNAL", "PLAIN"]
    for outcomes, tried in (((LATER,), 1), ((REFUSED, LATER), 2), ((REFUSED, REFUSED), 2)):
        attempts = Attempts(*outcomes)
        with pytest.raises(Problem) as caught:
            sasl.log_in(both(), attempts, "h")
        assert caught.value is outcomes[-1]
        assert len(attempts.tried) == tried


def test_a_refusal_of_the_password_is_the_end() -> None:
    attempts = Attempts(REFUSED, None)
    with pytest.raises(Problem):
        sasl.log_in([*reversed(both())], attempts, "h")
    assert attempts.tried == ["PLAIN"]
    with pytest.raises(Problem):
        sasl.log_in([None, *both()], Attempts(REFUSED, None), "h")


def test_a_server_that_hangs_up_has_refused() -> None:
    with pytest.raises(Problem) as caught:
        sasl.log_in(both(), Attempts(REFUSED, raises=GONE), "h")
    assert caught.value is REFUSED
    with pytest.raises(Problem) as caught:
        sasl.log_in(both(), Attempts(raises=GONE), "h")
    assert caught.value is GONE


def test_hint_where_there_is_no_second_try() -> None:
    in_doubt = sasl_challenge.CramMd5("u", "s")
    assert "cannot do CRAM-MD5" in sasl.hint(connector(), in_doubt, CLEAR)["hint"]
    assert "certificate" in sasl.hint(connector(), sasl.External("u"), ENCRYPTED)["hint"]
    for each, mechanism, channel in (
        (connector(), in_doubt, ENCRYPTED),
        (connector(), sasl.Plain("u", "s"), CLEAR),
        (connector(), None, CLEAR),
        (connector(Auth="cram-md5"), in_doubt, CLEAR),
    ):
        assert sasl.hint(each, mechanism, channel) == {}


@pytest.mark.long
def test_a_log_in_with_a_password_takes_no_more_imports() -> None:
    """They are half of what a run takes that finds nothing new."""
    script = (
        "import sys; from cockpit_getmail.retriever import imap, pop3, sasl\n"
        "from cockpit_getmail.connector import Connector; from types import SimpleNamespace\n"
        "connector = Connector('n', {'Username': 'u'}, {'Password': 'p'})\n"
        "for tls in (None, 'TLSv1.3'):\n"
        "    offered = ['PLAIN', 'XOAUTH2'] + (['CRAM-MD5'] if tls else [])\n"
        "    found = sasl.ways(connector, None, offered, SimpleNamespace(tls=tls))\n"
        "    assert [way.name for way in found] == ['PLAIN']\n"
        "print(*sys.modules)"
    )
    path = str(Path(sasl.__file__).parents[2])
    argv = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = [{path!r}]; {script}"]
    modules = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split()
    own = {f"cockpit_getmail.{name}" for name in ("tunnel", "tls", "retriever.sasl_challenge", "oauth")}
    assert not {*own, "hashlib", "hmac", "ssl", "subprocess", "shlex", "stringprep", "ipaddress"} & {*modules}
