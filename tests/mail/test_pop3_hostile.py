# SPDX-License-Identifier: LGPL-2.1-or-later
"""POP3 servers that no real one can be made to be: what they may do, and what they must not get away with."""

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from cockpit_getmail import fetch
from cockpit_getmail.destination.maildir import Maildir
from cockpit_getmail.endpoint import Endpoint
from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.retriever.base import Part, Remote
from cockpit_getmail.retriever.pop3 import LEAVE_SECONDS, Pop3
from cockpit_getmail.retriever.pop3_fetch import ASKED_BYTES, PART_BYTES
from cockpit_getmail.retriever.pop3_session import COMMANDS_AHEAD
from tests.support.fetching import Account, enter, make_connector
from tests.support.hostile import (
    Over,
    Rules,
    Script,
    Server,
    Session,
    Step,
    close,
    drip_once,
    hang,
    pop3,
    repeat,
    reset,
    stuff,
)
from tests.support.limits import bounded, waiting

MAIL = b"Subject: %s\r\n\r\ntext\r\n..\r\n.\r\n"
MAILS = {f"uid{number}": MAIL % str(number).encode() for number in range(1, 8)}
SECRET = "geheim-4711"
CRLF, LF = b"\r\n", b"\n"


def pop3_session(port: int, *, username: str = "u", password: str = SECRET, timeout: float = 5.0) -> Pop3:
    connector = make_connector("SimplePOP3Retriever", port, Username=username, Password=password)
    return Pop3(connector, Endpoint("127.0.0.1", port), tls_seen=False, timeout=timeout, deadline=None)


@contextmanager
def served(script: Script, timeout: float = 5.0) -> Iterator[tuple[Server, Pop3]]:
    """A server and a session with it that is logged in."""
    with Server(script) as server:
        session = pop3_session(server.port, timeout=timeout)
        try:
            enter(session)
            yield server, session
        finally:
            session.close()


def refusal(script: Script, **login: str) -> tuple[Problem, Server]:
    """Return why a session cannot be opened."""
    with Server(script) as server:
        session = pop3_session(server.port, **login)  # type: ignore[arg-type]
        with pytest.raises(Problem) as caught:
            enter(session)
        session.close()
    return caught.value, server


def whole(parts: Sequence[Part]) -> dict[str, bytes]:
    """Return what is whole, by UIDL and ordinal."""
    found: dict[str, bytes] = {}
    begun = b""
    for part in parts:
        begun = b"" if part.failure else begun + part.data
        if part.last and not part.failure:
            found[f"{part.message.uid}/{part.message.ordinal}"] = begun
            begun = b""
    return found


def listing(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in ("+OK", *lines, ".")).encode("latin-1")


@pytest.mark.parametrize("capabilities", [("UIDL", "USER"), ("UIDL", "PIPELINING"), ("SASL PLAIN",), ()])
def test_every_message_comes_whole(capabilities: Sequence[str]) -> None:
    with served(pop3(MAILS, capabilities=capabilities)) as (server, session):
        new, present = session.list_new({("uid2", 0): 1})
        assert present == {("uid2", 0)}
        parts = list(session.retrieve(new))
    assert whole(parts) == {f"{uid}/0": mail for uid, mail in MAILS.items() if uid != "uid2"}
    assert all(part.exact for part in parts)
    assert server.received[-1] == b"QUIT"


def test_without_capa_it_is_asked_for_one_after_another() -> None:
    with served(pop3(MAILS, {"CAPA": b"-ERR what?\r\n"})) as (_, session):
        assert len(whole(list(session.retrieve(session.list_new({})[0])))) == len(MAILS)
    assert session.capabilities == []


def test_octets_one_at_a_time() -> None:
    answer = b"+OK\r\n" + stuff(MAILS["uid3"])
    with served(pop3(MAILS, {"RETR 3": drip_once(answer)})) as (_, session):
        assert whole(list(session.retrieve(session.list_new({})[0])))["uid3/0"] == MAILS["uid3"]


# Greeting and log-in


@pytest.mark.parametrize(
    ("greeting", "cause"),
    [
        (b"-ERR too many of you\r\n", "network"),
        (b"-ERR [SYS/PERM] closed\r\n", "mailbox"),
        (b"-ERR [IN-USE] locked\r\n", "mailbox"),
        (b"* OK IMAP4rev1 ready\r\n", "protocol"),
        (b"220 smtp ready\r\n", "protocol"),
        (b"+OK ready\n", "protocol"),
        (b"HTTP/1.1 400 Bad Request\r\n", "protocol"),
    ],
)
def test_greetings(greeting: bytes, cause: str) -> None:
    problem, server = refusal([greeting, hang])
    assert problem.cause == cause
    assert not server.commands("USER.*|PASS.*|AUTH.*")


def test_a_greeting_without_end() -> None:
    assert refusal([repeat(b"x")])[0].cause == "protocol"


@pytest.mark.parametrize("step", [close, reset])
def test_a_server_that_hangs_up(step: object) -> None:
    assert refusal([step])[0].cause == "network"  # type: ignore[list-item]
    assert refusal([b"+OK\r\n", ("CAPA", step)])[0].cause == "network"
    assert refusal(pop3(overrides={"PASS .*": step}))[0].cause == "network"  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ("-ERR", "credentials"),
        ("-ERR authentication failed", "credentials"),
        ("-ERR [AUTH] wrong", "credentials"),
        ("-ERR [auth] wrong", "credentials"),
        ("-ERR [SYS/TEMP] later", "network"),
        ("-ERR [SYS/TEMP/BUSY] later", "network"),
        ("-ERR [SYS/PERM] broken", "mailbox"),
        ("-ERR [IN-USE] locked", "mailbox"),
        ("-ERR [LOGIN-DELAY] slow down", "mailbox"),
        ("-ERR [SOMETHING] else", "credentials"),
        ("+ what else?", "credentials"),
    ],
)
def test_causes_of_a_refused_log_in(answer: str, cause: str) -> None:
    problem, _ = refusal(pop3(overrides={"PASS .*": f"{answer}\r\n".encode()}))
    assert problem.cause == cause
    assert answer.partition(" ")[2] in problem.message


def test_a_server_that_marks_bad_credentials_means_something_else_otherwise() -> None:
    script = pop3(overrides={"PASS .*": b"-ERR maildrop is broken\r\n"}, capabilities=["AUTH-RESP-CODE"])
    assert refusal(script)[0].cause == "mailbox"


def test_a_refused_user_name_spares_the_password() -> None:
    problem, server = refusal(pop3(overrides={"USER .*": b"-ERR TLS first\r\n"}))
    assert problem.cause == "credentials"
    assert not server.commands("PASS.*")


@pytest.mark.parametrize(
    "answer",
    [
        f"-ERR no such command: PASS {SECRET}",
        f"PASS {SECRET}",
        "-ERR " + base64.b64encode(f"\0u\0{SECRET}".encode()).decode(),
    ],
)
def test_a_password_repeated_by_the_server_is_not_shown(answer: str) -> None:
    problem, _ = refusal(pop3(overrides={"PASS .*": f"{answer}\r\n".encode()}))
    assert SECRET not in str(problem.message)
    assert base64.b64encode(SECRET.encode())[:8].decode() not in problem.message


@pytest.mark.parametrize("bad", ["a\r\nDELE 1", "a\nb", "a\rb", "a\0b"])
@pytest.mark.parametrize("field", ["username", "password"])
@pytest.mark.parametrize("capability", ["USER", "SASL PLAIN"])
def test_line_ends_in_a_log_in_never_reach_the_server(bad: str, field: str, capability: str) -> None:
    problem, server = refusal(pop3(MAILS, capabilities=[capability]), **{field: bad})
    assert problem.cause == "credentials"
    assert not server.commands("USER.*|PASS.*|AUTH.*|DELE.*")


PASSWORDS = pytest.mark.parametrize("password", ["| \\ = % \" ' é 😀", " both ends ", "x" * 200])


def sasl_log_in(script: Script, password: str) -> list[bytes]:
    """Return the lines that a log-in sends."""
    with Server(script) as server:
        session = pop3_session(server.port, username="ü@h", password=password)
        enter(session)
        session.close()
    return [line for line in server.received if line not in (b"CAPA", b"STAT", b"QUIT")]


def token(password: str) -> bytes:
    return base64.b64encode(f"\0ü@h\0{password}".encode())


TOKEN = r"[\w+/=]{20,}"


@PASSWORDS
def test_sasl_plain_at_once_where_offered(password: str) -> None:
    script = pop3(MAILS, {"AUTH PLAIN": b"+ \r\n", TOKEN: b"+OK\r\n"}, ["SASL PLAIN LOGIN"])
    lines = sasl_log_in(script, password)
    assert b" ".join(lines) == b"AUTH PLAIN " + token(password)
    assert len(lines) == (2 if len(token(password)) > 242 else 1)


@PASSWORDS
def test_sasl_plain_waits_where_it_is_not_offered(password: str) -> None:
    lines = sasl_log_in(pop3(MAILS, {"AUTH PLAIN": b"+ \r\n", TOKEN: b"+OK\r\n"}), password)
    assert lines == [b"AUTH PLAIN", token(password)]


def test_sasl_plain_of_a_server_that_asks_for_it_again() -> None:
    script = pop3(MAILS, {"AUTH PLAIN .*": b"+ \r\n", TOKEN: b"+OK\r\n"}, ["SASL PLAIN"])
    assert sasl_log_in(script, SECRET) == [b"AUTH PLAIN " + token(SECRET), token(SECRET)]


def test_a_server_that_refuses_sasl_plain_does_not_get_the_password() -> None:
    problem, server = refusal(pop3(overrides={"AUTH.*": b"-ERR what?\r\n"}), username="é")
    assert problem.cause == "credentials"
    assert server.commands("AUTH.*") == [b"AUTH PLAIN"]


@pytest.mark.parametrize("username", ["u", "é"])
def test_a_server_that_offers_no_log_in_in_clear_wants_tls(username: str) -> None:
    refused = {"(USER|AUTH) .*": b"-ERR [AUTH] not like this\r\n"}
    problem, server = refusal(pop3(overrides=refused, capabilities=["STLX", "SASL"]), username=username)
    assert problem.cause == "tls"
    assert not server.commands(f"PASS.*|{TOKEN}")


# Listings


def listed(uidl: bytes, sizes: bytes | None = None, **more: bytes) -> Script:
    return pop3(MAILS, {"UIDL": uidl, "LIST": sizes or listing(*(f"{n} 10" for n in range(1, 8))), **more})


def listing_problem(script: Script) -> Problem:
    with served(script) as (server, session):
        with pytest.raises(Problem) as caught:
            session.list_new({})
        session.close()
        assert not server.commands("RETR.*")
    return caught.value


def test_without_uidl_nothing_is_fetched() -> None:
    problem = listing_problem(listed(b"-ERR unknown command\r\n"))
    assert problem.cause == "protocol"
    assert "cannot tell new messages from old" in problem.message


@pytest.mark.parametrize("pipelining", [(), ("PIPELINING",)])
def test_listings_are_asked_for_together_where_possible(pipelining: Sequence[str]) -> None:
    script = pop3(MAILS, {"LIST": b"-ERR [SYS/TEMP] not now\r\n"}, capabilities=pipelining)
    assert listing_problem(script).cause == "network"


@pytest.mark.parametrize(
    "line", ["a 1", "", "-1 a", "1.5 a", "9" * 5000 + " a", "1 twice", "\u0661 a", " 1 a", "1\ta"]
)
def test_a_listing_that_makes_no_sense(line: str) -> None:
    octets = b"+OK\r\n1 a\r\n" + line.encode() + b"\r\n.\r\n"
    assert listing_problem(listed(octets)).cause == "protocol"
    assert listing_problem(listed(listing("1 a"), octets)).cause == "protocol"


@pytest.mark.parametrize("endless", [b"1 a\r\n", b"x", b"\r\n", b"123456 " + b"u" * 900 + b"\r\n", b"."])
def test_an_endless_listing(endless: bytes) -> None:
    with bounded(seconds=10, mebibytes=64):
        problem = listing_problem(pop3(MAILS, {"UIDL": [b"+OK\r\n", repeat(endless)]}))
    assert problem.cause == "protocol"


@pytest.mark.slow
def test_an_endless_listing_of_different_messages_takes_bounded_memory() -> None:
    lines = b"".join(b"%d uid%d\r\n" % (number, number) for number in range(1, 1_100_000))
    with bounded(seconds=20, mebibytes=320):
        problem = listing_problem(pop3(MAILS, {"UIDL": [b"+OK\r\n", lines, repeat(b"9 x\r\n")]}))
    assert problem.cause == "protocol"


def test_endless_capabilities() -> None:
    assert refusal([b"+OK\r\n", ("CAPA", b"+OK\r\n", repeat(b"UIDL\r\n"))])[0].cause == "protocol"


UNUSUAL = [
    " ",
    "a b",
    "../../x",
    "/",
    "x" * 5000,
    "\x01\x7f\xff",
    "é",
    ".",
    "..",
    "a\rb",
    "a\nb",
    "+OK",
    "%n",
]


def test_unusual_uidls_are_kept_as_they_are() -> None:
    mails = dict.fromkeys(UNUSUAL, MAILS["uid1"])
    with served(pop3(mails)) as (_, session):
        new, _ = session.list_new({})
        assert [message.uid for message in new] == UNUSUAL
        assert len(whole(list(session.retrieve(new)))) == len(UNUSUAL)
        assert session.list_new({(message.uid, 0): message.size for message in new}) == (
            [],
            {(uid, 0) for uid in UNUSUAL},
        )


def test_messages_of_one_uidl_are_all_fetched_once() -> None:
    mails = [("same", MAIL % text) for text in (b"1", b"22", b"22", b"333")] + [("other", MAILS["uid1"])]
    with served(pop3(mails)) as (_, session):
        new, _ = session.list_new({})
        found = whole(list(session.retrieve(new)))
        assert found == {
            **{f"same/{ordinal}": mails[ordinal][1] for ordinal in range(4)},
            "other/0": MAILS["uid1"],
        }
        known = {(message.uid, message.ordinal): message.size for message in new}
        assert session.list_new(known) == ([], set(known))
        removed = session.delete(new)
    assert removed == {("other", 0)}


def test_a_message_without_uidl_or_size_stops_no_other() -> None:
    uidl, sizes = listing("1 a", "2", "3 ", "4 d", "5 e"), listing("1 27", "2 27", "3 27", "4 x", "6 27")
    script = pop3(MAILS, {"UIDL": uidl, "LIST": sizes, "RETR [^1]": close}, capabilities=["PIPELINING"])
    with served(script) as (server, session):
        new, _ = session.list_new({})
        parts = list(session.retrieve(new))
    assert whole(parts) == {"a/0": MAILS["uid1"]}
    assert [part.message.number for part in parts if part.failure] == [2, 3, 4, 5, 6]
    assert server.commands("RETR.*") == [b"RETR 1"]


def test_a_listing_of_nothing_may_be_refused() -> None:
    with served(pop3(overrides={"UIDL": b"-ERR\r\n", "LIST": b"-ERR\r\n"})) as (_, session):
        assert session.list_new({("gone", 0): 5}) == ([], set())


# Messages


@contextmanager
def listed_session(
    overrides: Rules, capabilities: Sequence[str] = (), timeout: float = 5.0
) -> Iterator[tuple[Server, Pop3, list[Remote]]]:
    with served(pop3(MAILS, overrides, capabilities), timeout) as (server, session):
        yield server, session, session.list_new({})[0]


def broken_off(step: Step | Script, capabilities: Sequence[str] = ()) -> tuple[Problem, list[Part]]:
    """Return what comes of a server that misbehaves at the third message, and how it ends."""
    parts: list[Part] = []
    with listed_session({"RETR 3": step}, capabilities, timeout=1.5) as (server, session, new):
        with pytest.raises(Problem) as caught:
            parts.extend(session.retrieve(new))
        assert session.delete(new[:1]) == set()
        session.close()
        assert not server.commands("DELE.*|QUIT")
    return caught.value, parts


MODES = pytest.mark.parametrize("capabilities", [(), ("PIPELINING",)], ids=["one by one", "pipelined"])


@MODES
@pytest.mark.parametrize(
    "said", [b"", b"+O", b"+OK\r\n", b"+OK\r\n" + stuff(MAIL)[:-3], b"+OK\r\na\r\n.\r", b"+OK\r\na\n.\n"]
)
@pytest.mark.parametrize("then", [close, reset, hang])
def test_a_message_that_does_not_end_is_no_message(
    said: bytes, then: Step, capabilities: Sequence[str]
) -> None:
    problem, parts = broken_off([said, then], capabilities)
    assert problem.cause == "network"
    assert whole(parts) == {f"{uid}/0": MAILS[uid] for uid in ("uid1", "uid2")}


@MODES
def test_what_is_no_answer_to_retr(capabilities: Sequence[str]) -> None:
    problem, parts = broken_off(b"Subject: no status line\r\n\r\n.\r\n", capabilities)
    assert problem.cause == "protocol"
    assert len(whole(parts)) == 2


@MODES
@pytest.mark.parametrize("endless", [b"x" * 70 + b"\r\n", b"x", b"\n.\n", b"\r\n..", b"\0"])
def test_an_endless_message_takes_bounded_memory_and_time(
    endless: bytes, capabilities: Sequence[str]
) -> None:
    with bounded(seconds=10, mebibytes=32):
        problem, parts = broken_off([b"+OK\r\n", repeat(endless)], capabilities)
    assert problem.cause == "protocol"
    assert len(whole(parts)) == 2


@MODES
def test_one_refused_message_stops_no_other(capabilities: Sequence[str]) -> None:
    with listed_session({"RETR 3": b"-ERR \x1b[2J cannot read it\r\n"}, capabilities) as (_, session, new):
        parts = list(session.retrieve(new))
        assert [part.failure for part in parts if part.failure] == [
            "The server refuses it: \\x1b[2J cannot read it"
        ]
        assert whole(parts).keys() == {f"{uid}/0" for uid in MAILS if uid != "uid3"}
        assert session.delete([new[0]]) == {("uid1", 0)}


@MODES
@pytest.mark.parametrize("code", ["SYS/TEMP", "sys/temp/busy", "IN-USE", "LOGIN-DELAY"])
def test_a_temporary_refusal_counts_against_no_message(code: str, capabilities: Sequence[str]) -> None:
    parts: list[Part] = []
    refused = {"RETR 3": f"-ERR [{code}] try later\r\n".encode()}
    with listed_session(refused, capabilities) as (_, session, new), pytest.raises(Problem) as caught:
        parts.extend(session.retrieve(new))
    assert caught.value.cause == "mailbox"
    assert whole(parts).keys() == {"uid1/0", "uid2/0"}
    assert not any(part.failure for part in parts)


@MODES
def test_an_empty_message_is_a_failure(capabilities: Sequence[str]) -> None:
    with listed_session({"RETR 3": b"+OK\r\n.\r\n"}, capabilities) as (_, session, new):
        parts = list(session.retrieve(new))
    assert [part.message.uid for part in parts if part.failure] == ["uid3"]
    assert len(whole(parts)) == len(MAILS) - 1


TRAP = b"Subject: trap\r\n\r\ncut\n.\n" + b"+OK 100 octets\r\n" * 20 + b"\n.\r\n-ERR\r\n\n.\n+OK\r\n"


@MODES
def test_a_dot_on_a_line_of_bare_lf_ends_nothing(capabilities: Sequence[str]) -> None:
    mails = {**MAILS, "uid3": TRAP}
    with served(pop3(mails, capabilities=capabilities)) as (_, session):
        parts = list(session.retrieve(session.list_new({})[0]))
    assert whole(parts) == {f"{uid}/0": mail for uid, mail in mails.items()}
    assert all(part.exact for part in parts)


@pytest.mark.parametrize(
    "mail",
    [b".\r\n", b"..\r\n.\r\n", b"\r\n", b"\n\r\n", b"\r\r\n", bytes(range(256)) + b"\r\n", b"a\n.\nb\n\r\n"],
)
def test_content_comes_octet_for_octet(mail: bytes) -> None:
    with served(pop3({"a": mail, "b": MAILS["uid1"]}, capabilities=["PIPELINING"])) as (_, session):
        parts = list(session.retrieve(session.list_new({})[0]))
    assert whole(parts) == {"a/0": mail, "b/0": MAILS["uid1"]}
    assert all(part.exact for part in parts)


@pytest.mark.parametrize("difference", [-2, -1, 1, 2, 5])
def test_another_size_than_listed_is_not_exact(difference: int) -> None:
    """Also a server that counts LF for CR LF: its word about the size is no proof."""
    sizes = listing(*(f"{n} {len(mail) + difference}" for n, mail in enumerate(MAILS.values(), 1)))
    with listed_session({"LIST": sizes}) as (_, session, new):
        parts = list(session.retrieve(new))
    assert not any(part.exact for part in parts)
    assert len(whole(parts)) == len(MAILS)


def test_a_message_without_line_end_is_whole_but_not_exact() -> None:
    with served(pop3({"a": b"no end"})) as (_, session):
        (part,) = session.retrieve(session.list_new({})[0])
    assert (part.data, part.last, part.exact) == (b"no end\r\n", True, False)


@pytest.mark.parametrize("line", [b"x" * 70 + b"\r\n", b"x"])
def test_a_huge_message_comes_in_parts(line: bytes) -> None:
    size = 64 << 20
    octets = line * (size // len(line)) + b"\r\n"
    with served(pop3({"huge": octets, "small": MAILS["uid1"]}, capabilities=["PIPELINING"])) as (_, session):
        new, _ = session.list_new({})
        sizes = []
        position = 0
        for part in session.retrieve(new):
            if part.message.uid == "huge":
                assert octets.startswith(part.data, position)
                position += len(part.data)
                sizes.append(len(part.data))
                assert part.last == (position == len(octets))
                assert part.exact
    assert position == len(octets)
    assert max(sizes) < PART_BYTES + (1 << 20)


def test_a_huge_message_takes_little_memory() -> None:
    line = b"x" * 1024
    count = 300 << 10
    huge = [b"+OK\r\n", repeat(line, count), b"\r\n.\r\n"]
    sizes = listing(f"1 {count * len(line) + 2}")
    with served(pop3({"huge": line}, {"LIST": sizes, "RETR 1": huge})) as (_, session):
        new, _ = session.list_new({})
        with bounded(seconds=10, mebibytes=32):
            assert sum(len(part.data) for part in session.retrieve(new)) == new[0].size


@pytest.mark.parametrize(
    ("count", "size", "most"), [(12, ASKED_BYTES // 4, 3), (3 * COMMANDS_AHEAD, 10, COMMANDS_AHEAD)]
)
def test_pipelining_asks_for_only_so_much_at_once(count: int, size: int, most: int) -> None:
    """The answers come only once no more commands do."""
    mails = {f"uid{number}": b"x" * size + b"\r\n" for number in range(count)}
    together: list[int] = []

    def collect(session: Session) -> None:
        numbers = [int(session.match[1])]  # type: ignore[index]
        session.sock.settimeout(0.2)
        with suppress(TimeoutError):
            while line := session.read_line():
                numbers.append(int(line.split()[1]))
        together.append(len(numbers))
        session.sock.settimeout(5)
        for number in numbers:
            session.send(b"+OK\r\n" + stuff(mails[f"uid{number - 1}"]))

    script = pop3(mails, {r"RETR (\d+)": collect}, ["PIPELINING"])
    with served(script) as (_, session):
        assert len(whole(list(session.retrieve(session.list_new({})[0])))) == count
    assert max(together) == most
    assert len(together) < 8


def test_without_pipelining_one_is_asked_for_at_a_time() -> None:
    def alone(session: Session) -> None:
        session.sock.settimeout(0.05)
        with pytest.raises(TimeoutError):
            session.read_line()
        session.sock.settimeout(5)
        session.send(b"+OK\r\n" + stuff(MAILS["uid1"]))

    with listed_session({r"RETR \d+": alone}) as (_, session, new):
        assert len(whole(list(session.retrieve(new)))) == len(MAILS)


@MODES
def test_mail_that_passes_for_answers(capabilities: Sequence[str]) -> None:
    """A server that does not double dots lets a mail end early and go on as the server."""
    forged = b"+OK\r\nSubject: cut\r\n.\r\n" + b"+OK\r\n" * 9
    with listed_session({r"RETR 7": forged}, capabilities) as (server, session, new):
        try:
            parts = list(session.retrieve(new))
            session.delete([part.message for part in parts if part.exact])
        except Problem as problem:
            assert problem.cause == "protocol"  # noqa: PT017 (a desynchronised pipeline may also fail earlier)
        assert not server.commands("DELE.*")


# Deletion


def deleting(overrides: Rules, capabilities: Sequence[str] = ()) -> tuple[Server, set[str]]:
    with listed_session(overrides, capabilities) as (server, session, new):
        list(session.retrieve(new))
        removed = session.delete(new[:3])
    return server, {uid for uid, _ in removed}


@MODES
def test_deletion_counts_once_quit_is_answered(capabilities: Sequence[str]) -> None:
    server, removed = deleting({}, capabilities)
    assert removed == {"uid1", "uid2", "uid3"}
    assert server.commands("DELE.*|QUIT|RSET") == [b"DELE 1", b"DELE 2", b"DELE 3", b"QUIT"]


@MODES
def test_a_refused_deletion_is_none(capabilities: Sequence[str]) -> None:
    assert deleting({"DELE 2": b"-ERR locked\r\n"}, capabilities)[1] == {"uid1", "uid3"}
    assert deleting({r"DELE \d": b"-ERR locked\r\n"}, capabilities)[1] == set()


def test_deletion_that_the_server_does_not_carry_out() -> None:
    assert deleting({"QUIT": [b"-ERR some deleted messages not removed\r\n", close]})[1] == set()


@pytest.mark.parametrize("step", [close, reset, hang, [b"+OK", close]])
@pytest.mark.parametrize("command", ["QUIT", "DELE 2"])
def test_deletion_that_is_cut_off_confirms_nothing(command: str, step: Step | Script) -> None:
    with listed_session({command: step}, timeout=2.0) as (_, session, new), pytest.raises(Problem) as caught:
        session.delete(new[:3])
    assert caught.value.cause == "network"


def test_another_size_than_recorded_is_left_alone() -> None:
    with listed_session({}) as (server, session, new):
        doubtful = [Remote("uid1", new[0].size + 1), Remote("uid99", 5), Remote("", 5)]
        assert session.delete([*doubtful, Remote("uid2", new[1].size)]) == {("uid2", 0)}
    assert server.commands("DELE.*") == [b"DELE 2"]
    assert "3 messages" in session.notes[0]


def test_records_of_what_was_deleted_here_do_no_harm() -> None:
    with served(pop3(MAILS)) as (server, session):
        size = len(MAILS["uid1"])
        new, _ = session.list_new({("uid1", 0): size, ("gone", 0): ~size, ("uid2", 0): ~size})
        assert "uid1" not in {message.uid for message in new}
        assert session.delete([Remote("uid1", size), Remote("gone", size)]) == {("uid1", 0)}
    assert server.commands("DELE.*") == [b"DELE 1"]


def test_nothing_certain_sends_nothing() -> None:
    with listed_session({}) as (server, session, new):
        assert session.delete([Remote("uid1", new[0].size + 1)]) == set()
        assert session.delete([]) == set()
    assert not server.commands("DELE.*")


def test_two_records_of_one_uidl_are_a_doubt() -> None:
    with served(pop3(MAILS)) as (server, session):
        size = len(MAILS["uid1"])
        session.list_new({("uid1", 0): size, ("uid1", 1): size})
        assert session.delete([Remote("uid1", size)]) == set()
    assert not server.commands("DELE.*")


@pytest.mark.parametrize("answer", [b"+OK\r\n", b"+OK 1 uid2\r\n", b"-ERR\r\n", b"+OK 2 uid1\r\n"])
def test_answers_out_of_step_delete_nothing(answer: bytes) -> None:
    with listed_session({"UIDL 1": answer}) as (server, session, new), pytest.raises(Problem) as caught:
        session.delete(new[:1])
    assert caught.value.cause == "protocol"
    assert not server.commands("DELE.*")


# Leaving


def test_leaving_in_the_middle_says_nothing() -> None:
    with listed_session({}, ["PIPELINING"]) as (server, session, new):
        next(iter(session.retrieve(new)))
        assert session.delete(new[:1]) == set()
    assert not server.commands("QUIT|DELE.*|RSET")


def test_leaving_does_not_wait_for_long() -> None:
    with Server(pop3(MAILS, {"QUIT": hang})) as server:
        session = pop3_session(server.port, timeout=60)
        enter(session)
        with waiting(seconds=LEAVE_SECONDS):
            session.close()
        session.close()


def test_leaving_before_anything_was_said() -> None:
    with Server([hang]) as server:
        session = pop3_session(server.port, timeout=0.2)
        with pytest.raises(Problem, match="silent"):
            enter(session)
        with waiting(seconds=0):
            session.close()
    pop3_session(1).close()


# Whole runs: what went wrong once is fetched once, later.


TROUBLE: dict[str, Step | Script] = {
    "refused": b"-ERR cannot\r\n",
    "empty": b"+OK\r\n.\r\n",
    "cut off": [b"+OK\r\n" + MAIL[:20], close],
    "cut off at a line end": [b"+OK\r\n" + stuff(MAIL)[:-3], close],
    "cut off by a reset": [b"+OK\r\n" + MAIL[:20], reset],
    "ended by LF": [b"+OK\r\n" + MAIL.replace(b"\r\n", b"\n") + b".\n", close],
    "without end": [b"+OK\r\n", repeat(b"x" * 76 + b"\r\n")],
    "silent": hang,
    "no answer": b"Subject: 1\r\n\r\n.\r\n",
    "answers of its own": [b"+OK\r\n.\r\n+OK\r\n+OK\r\n+OK\r\n", hang],
}


@pytest.mark.parametrize("step", TROUBLE.values(), ids=TROUBLE.keys())
def test_nothing_is_lost_and_nothing_comes_twice(
    step: Step | Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "SILENCE_SECONDS", 2.0)
    account = Account(tmp_path)
    mails = {"uid1": MAIL}
    with Server(pop3(mails, {"RETR 1": step}), pop3(mails)) as server:
        with suppress(Problem):
            assert account.fetch(make_connector("SimplePOP3Retriever", server.port, Delete="0")).messages == 0
        assert account.messages == []
        assert account.unfinished == 0
        assert not server.commands("DELE.*")
        connector = make_connector("SimplePOP3Retriever", server.port)
        assert account.fetch(connector).messages == 1
        assert account.fetch(connector).messages == 0
    assert account.messages == [MAIL.replace(b"\r\n", b"\n")]


@MODES
def test_a_server_that_deletes_what_it_sent_hears_quit_when_all_is_delivered(
    capabilities: Sequence[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 1939 section 8 allows it to."""
    account = Account(tmp_path)
    delivered: list[int] = []

    def refuse(*_: object) -> None:
        raise failure("quota", "No space is left.")

    def look(session: Session) -> None:
        delivered.append(len(account.messages))
        session.send(b"+OK\r\n")
        raise Over

    with Server(pop3(MAILS, {"QUIT": look}, capabilities)) as server:
        connector = make_connector("SimplePOP3Retriever", server.port)
        with monkeypatch.context() as patch:
            patch.setattr(Maildir, "publish", refuse)
            assert account.fails(connector).cause == "quota"
        assert delivered == []
        assert account.fetch(connector).messages == 0
    assert delivered == [len(MAILS)]
    assert len(account.messages) == len(MAILS)


@MODES
def test_a_trap_is_stored_whole_before_it_is_deleted(capabilities: Sequence[str], tmp_path: Path) -> None:
    account = Account(tmp_path)
    with Server(pop3({"trap": TRAP, "uid1": MAIL}, capabilities=capabilities)) as server:
        result = account.fetch(make_connector("SimplePOP3Retriever", server.port, Delete="0"))
    assert (result.messages, result.deleted) == (2, 2)
    assert account.messages == sorted(mail.replace(b"\r\n", b"\n") for mail in (TRAP, MAIL))


def test_a_message_of_another_size_than_listed_stays_on_the_server(tmp_path: Path) -> None:
    """As of a server that counts LF for CR LF."""
    account = Account(tmp_path)
    sizes = listing(f"1 {len(MAIL.replace(CRLF, LF))}", f"2 {len(MAIL)}")
    with Server(pop3({"a": MAIL, "b": MAIL}, {"LIST": sizes})) as server:
        connector = make_connector("SimplePOP3Retriever", server.port, Delete="0")
        result = account.fetch(connector)
        assert (result.messages, result.deleted) == (2, 1)
        assert account.fetch(connector).messages == 0
        assert set(server.commands("DELE.*")) == {b"DELE 2"}


def test_unusual_and_shared_uidls_through_two_runs(tmp_path: Path) -> None:
    account = Account(tmp_path)
    mails = [
        (uid, MAIL % str(number).encode()) for number, uid in enumerate([*UNUSUAL, "same", "same", "same"])
    ]
    with Server(pop3(mails)) as server:
        connector = make_connector("SimplePOP3Retriever", server.port)
        assert account.fetch(connector).messages == len(mails)
        assert account.fetch(connector).messages == 0
    assert account.messages == sorted(mail.replace(CRLF, LF) for _, mail in mails)
