# SPDX-License-Identifier: LGPL-2.1-or-later
"""A message is stored byte for byte as the server gave it, but for CRLF to LF, and in little memory."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cockpit_getmail.retriever.base import BATCH_BYTES
from tests.mail.conftest import NewRound
from tests.support import hostile
from tests.support.dovecot import make_message
from tests.support.rounds import RETRIEVERS, stored
from tests.support.stop_after import Driver, Outcome, Plan

HEAD = b"Subject: octets\r\n\r\n"
MEBIBYTE = 1 << 20
PEAK = 80 * MEBIBYTE
MESSAGES = [
    HEAD + b"NUL\0NUL\0\r\n",
    HEAD + b"bare\rCR\r\r\r\n\rX\r\n",
    HEAD + b"bare\nLF\n\n.\n.\r\n..\n\r\n",
    HEAD + "8 bit é😀".encode() + bytes(range(128, 256)) + b"\r\n",
    HEAD + b"From someone\r\n>From someone\r\n",
    HEAD + b".\r\n..\r\n...\r\n.x\r\n\r\n.\r\n\r\n",
    HEAD + b"\r\n" * 500,
    HEAD + b"y" * MEBIBYTE + b"\r\n" + b"z" * MEBIBYTE + b"\r\n",
    HEAD + b")\r\n* 1 FETCH (UID 1 BODY[] {3}\r\nabc)\r\ncg1 OK\r\n+OK\r\n-ERR\r\n",
    b"\r\n",
    b"no header and no end\r\n",
    *((b"x" * (BATCH_BYTES + offset) + b"\r\n.\r\n" + b"y" * 9 + b"\r\n") for offset in range(-6, 1)),
]
WITHOUT_END = HEAD + b"no end of line"


def imap_script(messages: list[bytes], *, drip: bool) -> hostile.Script:
    """Return the script of an IMAP server with these messages, whatever their octets."""
    sizes = b"".join(
        b"* %d FETCH (UID %d RFC822.SIZE %d)\r\n" % (uid, uid, len(data))
        for uid, data in enumerate(messages, 1)
    )

    def fetch(session: hostile.Session) -> None:
        assert session.match
        for uid in parse_uid_set(session.match[2].decode()):
            data = messages[uid - 1]
            answer = b"* %d FETCH (UID %d BODY[] {%d}\r\n%s)\r\n" % (uid, uid, len(data), data)
            hostile.drip_once(answer)(session) if drip else session.send(answer)  # type: ignore[operator]
        session.send(session.match["tag"] + b" OK done\r\n")

    overrides: dict[str, hostile.Step | hostile.Script] = {
        r"UID FETCH \S+ \(UID RFC822\.SIZE.*\)": hostile.tagged(sizes),
        r"UID FETCH (\S+) \(UID BODY\.PEEK\[\]\)": fetch,
    }
    return hostile.imap(overrides, len(messages))


def parse_uid_set(text: str) -> Iterator[int]:
    for low, high in re.findall(r"(\d+)(?::(\d+))?", text):
        yield from range(int(low), int(high or low) + 1)


def pop3_script(messages: list[bytes], *, drip: bool) -> hostile.Script:
    def retrieve(session: hostile.Session) -> None:
        assert session.match
        answer = b"+OK\r\n" + hostile.stuff(messages[int(session.match[1]) - 1])
        hostile.drip_once(answer)(session) if drip else session.send(answer)  # type: ignore[operator]

    mails = [(f"uid{number}", data) for number, data in enumerate(messages)]
    return hostile.pop3(mails, {r"RETR (\d+)": retrieve}, capabilities=("UIDL", "USER", "PIPELINING"))


@contextmanager
def plan_for(retriever: str, messages: list[bytes], folder: Path, *, drip: bool = False) -> Iterator[Plan]:
    """A server that has these messages, and the plan to fetch them."""
    make_script = pop3_script if "POP3" in retriever else imap_script
    (folder / "state").mkdir()
    with hostile.Server(make_script(messages, drip=drip)) as server:
        props = {
            "Retriever": retriever,
            "Server": "127.0.0.1",
            "Port": str(server.port),
            "Username": "remote",
            "Password": "geheim-4711",
            "Account": "someone",
        }
        yield Plan(props, str(folder / "mail"), str(folder / "state"))


def check(outcome: Outcome, folder: Path, messages: list[bytes]) -> None:
    assert outcome.ok, outcome
    found = sorted(path.read_bytes() for path in (folder / "mail" / "new").iterdir())
    assert [len(data) for data in found] == [len(data) for data in sorted(stored(messages))]
    assert found == sorted(stored(messages))


@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_any_octets(driver: Driver, memory: Path, retriever: str) -> None:
    with plan_for(retriever, MESSAGES, memory) as plan:
        check(driver.fetch(plan), memory, MESSAGES)


@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_octets_that_come_one_by_one(driver: Driver, memory: Path, retriever: str) -> None:
    """Each border between two segments is at each place of an answer once."""
    small = [message for message in MESSAGES if len(message) < 1100]
    with plan_for(retriever, small, memory, drip=True) as plan:
        check(driver.fetch(plan), memory, small)


def test_imap_message_without_an_end_of_line(driver: Driver, memory: Path) -> None:
    with plan_for("SimpleIMAPRetriever", [WITHOUT_END], memory) as plan:
        check(driver.fetch(plan), memory, [WITHOUT_END])


def test_pop3_message_without_an_end_of_line_gets_one(driver: Driver, memory: Path) -> None:
    """POP3 cannot say that there is none (RFC 1939 section 3)."""
    with plan_for("SimplePOP3Retriever", [WITHOUT_END], memory) as plan:
        check(driver.fetch(plan), memory, [WITHOUT_END + b"\r\n"])


LARGE = {
    "lines": make_message(1, 30 * MEBIBYTE),
    "one line": HEAD + b"x" * (30 * MEBIBYTE) + b"\r\n",
    "line ends": HEAD + b"\r\n" * (15 * MEBIBYTE),
}


@pytest.mark.parametrize("kind", LARGE)
@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_large_message_takes_little_memory(
    new_round: NewRound, driver: Driver, retriever: str, kind: str
) -> None:
    messages = [make_message(7, 5000), LARGE[kind], make_message(8, 5000)]
    made = new_round(retriever).fill(messages)
    outcome = driver.fetch(made.plan(Delete="0"))
    assert outcome.ok, outcome
    made.check_delivered_once(messages)
    assert made.on_server == []
    assert outcome.peak < PEAK


@pytest.mark.slow
@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_mailbox_of_many_mebibytes_takes_little_memory(
    new_round: NewRound, driver: Driver, retriever: str
) -> None:
    messages = [make_message(number, 700_000) for number in range(60)]
    made = new_round(retriever).fill(messages)
    outcome = driver.fetch(made.plan())
    assert outcome.ok, outcome
    made.check_delivered_once(messages)
    assert outcome.peak < PEAK
