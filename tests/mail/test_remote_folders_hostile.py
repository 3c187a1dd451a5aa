# SPDX-License-Identifier: LGPL-2.1-or-later
"""Servers whose folders break, show the same messages, or have names that are none: nothing lost or twice."""

import re
import shutil
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from imapclient import IMAPClient

from cockpit_getmail.connector import Connector
from cockpit_getmail.fetch import BREAKS
from tests.mail.conftest import Drivers
from tests.support.dovecot import OWNER, Dovecot
from tests.support.fetching import Account, make_connector
from tests.support.hostile import Script, Server, Session, Step, close, imap, tagged
from tests.support.rounds import PASSWORD
from tests.support.stop_after import Plan, check_stopped

EXTENDED = "IMAP4rev1 UNSELECT UIDPLUS LIST-EXTENDED SPECIAL-USE LIST-STATUS"
GMAIL = f"{EXTENDED} X-GM-EXT-1"
FETCH = r"UID FETCH (?P<uids>\S+) \(UID BODY\.PEEK\[\]\)"


def body(number: int) -> bytes:
    return f"Subject: {number}\r\nMessage-ID: <{number}@x>\r\n\r\n".encode().ljust(98, b".") + b"\r\n"


@dataclass
class Folders:
    """A server's folders: by the words of LIST for their name, which messages they have, by UID."""

    mails: dict[bytes, dict[int, int]]
    attributes: Mapping[bytes, bytes] = field(default_factory=dict)
    with_status: bool = True
    _opened: dict[Session, dict[int, int]] = field(default_factory=dict)

    def opened(self, session: Session) -> dict[int, int]:
        """The folder that is open in a session."""
        return self._opened[session]

    def script(
        self, overrides: Mapping[str, Step | Script] | None = None, capabilities: str = EXTENDED
    ) -> list[Step]:
        own: dict[str, Step | Script] = {
            "LIST .*": self._list,
            "STATUS .*": tagged(status=b"NO [CANNOT] Not by this server."),
            r"(?:SELECT|EXAMINE) (?P<name>(?:[^{]|\{(?!\d+\}$))*)": self._open,
            r"(?:SELECT|EXAMINE) \{(?P<size>\d+)\}": self._open_literal,
            "UID SEARCH .*": self._search,
            r"UID FETCH (?P<uids>\S+) \(UID RFC822\.SIZE.*\)": self._describe,
            FETCH: self.fetch,
        }
        others = overrides or {}
        own = {regex: step for regex, step in own.items() if regex not in others}
        return imap({**others, **own}, capabilities=capabilities)

    def _list(self, session: Session) -> None:
        said = []
        for name, mails in self.mails.items():
            said.append(b'* LIST (%s) "/" %s\r\n' % (self.attributes.get(name, b""), name))
            if self.with_status:
                counts = name, len(mails), max(mails, default=0) + 1
                said.append(b"* STATUS %s (MESSAGES %d UIDNEXT %d UIDVALIDITY 7)\r\n" % counts)
        answer(session, b"".join(said))

    def _open(self, session: Session) -> None:
        assert session.match
        self._enter(session, session.match["name"])

    def _open_literal(self, session: Session) -> None:
        assert session.match
        match = session.match
        session.send(b"+ go on\r\n")
        octets = session.read(int(match["size"]) + 2)[:-2]
        session.match = match
        self._enter(session, b"{%d}\r\n%s" % (len(octets), octets))

    def _enter(self, session: Session, name: bytes) -> None:
        mails = self._opened[session] = self.mails.get(name, {})
        if name not in self.mails:
            answer(session, status=b"NO [NONEXISTENT] There is none.")
            return
        counts = len(mails), max(mails, default=0) + 1
        answer(session, b"* %d EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT %d] ok\r\n" % counts)

    def _search(self, session: Session) -> None:
        words = b" ".join(b"%d" % uid for uid in self._opened[session])
        answer(session, b"* SEARCH " + words + b"\r\n")

    def _describe(self, session: Session) -> None:
        said = b"".join(
            b"* 1 FETCH (UID %d RFC822.SIZE 100 X-GM-MSGID %d)\r\n" % (uid, 1000 + number)
            for uid, number in self._asked(session)
        )
        answer(session, said)

    def fetch(self, session: Session) -> None:
        said = b"".join(
            b"* 1 FETCH (UID %d BODY[] {100}\r\n%s)\r\n" % (uid, body(number))
            for uid, number in self._asked(session)
        )
        answer(session, said)

    def _asked(self, session: Session) -> list[tuple[int, int]]:
        assert session.match
        spans = [span.partition(b":") for span in session.match["uids"].split(b",")]
        ranges = [range(int(low), int(high or low) + 1) for low, _, high in spans]
        mails = self._opened[session].items()
        return [(uid, number) for uid, number in mails if any(uid in span for span in ranges)]


def answer(session: Session, untagged: bytes = b"", status: bytes = b"OK done") -> None:
    """Answer the last command."""
    assert session.match
    session.send(untagged + session.match["tag"] + b" " + status + b"\r\n")


def connect(server: Server, **props: str) -> Connector:
    return make_connector("SimpleIMAPRetriever", server.port, **{"Folders": "*", **props})


def found(path: Path) -> dict[str, list[int]]:
    """Return the numbers of the messages that were delivered, by subfolder."""
    numbers: dict[str, list[int]] = {}
    for file in (path / "someone").glob("**/new/*"):
        match = re.match(rb"Subject: (\d+)\n", file.read_bytes())
        assert match
        folder = file.parents[1].name
        numbers.setdefault("" if folder == "someone" else folder, []).append(int(match[1]))
    return {folder: sorted(numbers[folder]) for folder in sorted(numbers)}


@pytest.fixture
def account(tmp_path: Path) -> Account:
    return Account(tmp_path)


# Names

ETC = {
    b'"../../etc"': ".=2E=2E.=2E=2E.etc",
    b'"/etc/passwd"': ".=.etc.passwd",
    b'".."': ".=2E=2E",
    b'"a/../../b"': ".a.=2E=2E.=2E=2E.b",
    b'"tmp"': ".tmp",
    b'"new/cur"': ".new.cur",
    b'"~root"': ".=7Eroot",
    b'"-rf"': ".=2Drf",
    b'"&AC8-etc"': r".\x26AC8-etc",
    b'"&AAAALg-"': r".\x26AAAALg-",
    b'"&bad"': r".\x26bad",
    b"{4}\r\n\xff\xfe\r\n": r".\xff\xfe\x0d\x0a",
    b"{3}\r\na\x1bb": r".a\x1bb",
    b'"' + b"x" * 4000 + b'"': "." + "x" * 223 + "=",
}


@pytest.mark.parametrize("status", [False, True])
def test_no_name_is_a_path(tmp_path: Path, account: Account, status: bool) -> None:
    folders = Folders({name: {1: number} for number, name in enumerate(ETC)}, with_status=status)
    before = {path for path in tmp_path.parent.rglob("*") if "state" not in path.parts}
    with Server(folders.script()) as server:
        assert account.fetch(connect(server, FolderMap="keep")).messages == len(ETC)
        assert account.fetch(connect(server, FolderMap="keep")).messages == 0
    for name, numbers in found(tmp_path).items():
        assert name.startswith(list(ETC.values())[numbers[0]])
    assert len(found(tmp_path)) == len(ETC)
    made = {path for path in tmp_path.parent.rglob("*") if "state" not in path.parts} - before
    assert all(path.is_relative_to(tmp_path / "someone") for path in made)


def test_names_that_would_be_one_here_are_two(tmp_path: Path, account: Account) -> None:
    folders = Folders({b'"INBOX/a"': {1: 1}, b'"a"': {1: 2}, b"INBOX": {1: 3}})
    namespace = tagged(b'* NAMESPACE (("INBOX/" "/")) NIL NIL\r\n')
    with Server(folders.script({"NAMESPACE": namespace}, f"{EXTENDED} NAMESPACE")) as server:
        account.fetch(connect(server, FolderMap="keep"))
    first, second, third = found(tmp_path)
    assert (first, second) == ("", ".a")
    assert re.fullmatch(r"\.a=[0-9a-f]{16}", third)
    assert found(tmp_path) == {"": [3], ".a": [1], third: [2]}


def test_dovecot_here_opens_what_other_servers_let_people_call_so(account: Account) -> None:
    folders = Folders({b'"~root"': {1: 1}, b'"Inbox/a"': {1: 2}, b'"a/~b"': {1: 3}})
    with Dovecot({"local": PASSWORD}, separator="/") as ours, Server(folders.script()) as server:
        path = ours.maildir("local")
        account.fetch(connect(server, FolderMap="keep", Destination=f"maildir:{path}"))
        for made in (path, *path.rglob("*")):
            shutil.chown(made, OWNER)
        with IMAPClient(ours.host, port=ours.imap, ssl=False) as client:
            client.login("local", PASSWORD)
            for local in ("=7Eroot", "INBOX/a", "a/~b"):
                assert client.select_folder(local)[b"EXISTS"] == 1


def test_name_that_no_command_can_carry_stops_no_other(tmp_path: Path, account: Account) -> None:
    folders = Folders({b"{3}\r\na\0b": {1: 1}, b'"b"': {1: 2}})
    with Server(folders.script()) as server:
        problem = account.fails(connect(server))
    assert problem.cause == "mailbox"
    assert r'"a\x00b"' in problem.message
    assert found(tmp_path) == {"": [2]}


# Labels

LABELS = {b"INBOX": {1: 1, 2: 2}, b'"Work"': {5: 1, 6: 3}, b'"[Gmail]/All Mail"': {1: 1, 2: 2, 3: 3, 4: 4}}
USES = {b'"[Gmail]/All Mail"': b"\\All"}


@pytest.mark.parametrize("order", [1, -1])
def test_message_under_three_labels_is_delivered_once(tmp_path: Path, account: Account, order: int) -> None:
    folders = Folders(deepcopy(dict(list(LABELS.items())[::order])), USES)
    with Server(folders.script(capabilities=GMAIL)) as server:
        assert account.fetch(connect(server, FolderMap="keep")).messages == 4
        expected = {"": [1, 2], ".Work": [3], ".[Gmail].All Mail": [4]}
        assert found(tmp_path) == expected
        assert account.fetch(connect(server, FolderMap="keep")).messages == 0
        # One gets another label, another loses one.
        folders.mails[b'"Work"'] = {5: 1, 7: 4}
        folders.mails[b'"New"'] = {1: 2, 2: 5}
        folders.mails[b'"[Gmail]/All Mail"'][5] = 5
        assert account.fetch(connect(server, FolderMap="keep")).messages == 1
    assert found(tmp_path) == {**expected, ".New": [5]}


def test_where_copies_are_not_known_a_pattern_leaves_out_what_shows_others(
    tmp_path: Path, account: Account
) -> None:
    with Server(Folders(LABELS, USES).script()) as server:
        assert account.fetch(connect(server)).messages == 4
        assert any('"[Gmail]/All Mail" shows messages of other folders' in line for line in account.log.said)
        assert account.fetch(connect(server, Folders="*, \\All")).messages == 4
    assert found(tmp_path) == {"": [1, 1, 1, 2, 2, 3, 3, 4]}


@pytest.mark.slow
@pytest.mark.parametrize("folder_map", ["inbox", "keep"])
def test_kill_after_each_step_under_labels(tmp_path: Path, drivers: Drivers, folder_map: str) -> None:
    def make_plan(name: str) -> Plan:
        place = tmp_path / name
        (place / "state").mkdir(parents=True, mode=0o700)
        props = {**connect(server, FolderMap=folder_map, Delete="-1").props}
        return Plan(props, str(place / "someone"), str(place / "state"), batch=(2, 3000))

    def check(plan: Plan) -> None:
        numbers = [number for numbers in found(Path(plan.mail).parent).values() for number in numbers]
        assert sorted(numbers) == [1, 2, 3, 4]

    def attempt(step: int) -> None:
        plan = make_plan(str(step))
        check_stopped(drivers.fetch(Plan(**{**plan.__dict__, "stop": step})), step, steps, len(LABELS))
        outcome = drivers.fetch(plan)
        assert outcome.ok, outcome
        check(plan)

    with Server(Folders(LABELS, USES).script(capabilities=GMAIL)) as server:
        plan = make_plan("whole")
        outcome = drivers.fetch(plan)
        assert outcome.ok, outcome
        check(plan)
        steps = len(outcome.steps)
        drivers.each(steps, attempt)


# Sessions

MANY = {b'"%d"' % number: {1: number} for number in range(1, 8)}


def test_session_that_breaks_at_a_folder_stops_no_other(tmp_path: Path, account: Account) -> None:
    folders = Folders(MANY)

    def fetch(session: Session) -> None:
        if folders.opened(session) == {1: 3}:
            close(session)
        folders.fetch(session)

    with Server(folders.script({FETCH: fetch})) as server:
        problem = account.fails(connect(server))
        assert server.connections == 2
    assert problem.cause == "network"
    assert problem.message.startswith('The folder "3" could not be fetched: ')
    assert found(tmp_path) == {"": [1, 2, 4, 5, 6, 7]}


def test_session_that_breaks_at_each_folder_is_not_begun_for_ever(tmp_path: Path, account: Account) -> None:
    with Server(Folders(MANY).script({FETCH: close})) as server:
        problem = account.fails(connect(server))
        assert server.connections == BREAKS + 1
    assert problem.cause == "network"


def test_folders_in_which_nothing_may_be_deleted_are_fetched_all_the_same(
    tmp_path: Path, account: Account
) -> None:
    folders = Folders(MANY)
    with Server(folders.script({"SELECT .*": tagged(status=b"NO [NOPERM] You may not.")})) as server:
        problem = account.fails(connect(server, Delete="0"))
        assert server.connections == 1
    assert (problem.cause, problem.message[:30]) == ("mailbox", "7 folders could not be fetched")
    assert found(tmp_path) == {"": [1, 2, 3, 4, 5, 6, 7]}


@pytest.mark.parametrize(
    "step",
    [
        tagged(status=b"NO [NOPERM] You may not."),
        tagged(status=b"BAD What?"),
        tagged(b"* 1 EXISTS\r\n"),
        tagged(b"* OK [UIDVALIDITY 0] ok\r\n* 1 EXISTS\r\n"),
        tagged(b"* OK [UIDVALIDITY 7] ok\r\n"),
    ],
    ids=["NO", "BAD", "no UIDVALIDITY", "UIDVALIDITY 0", "no EXISTS"],
)
def test_folder_that_does_not_open_stops_no_other(tmp_path: Path, account: Account, step: Step) -> None:
    with Server(Folders(MANY).script({'EXAMINE "3"': step})) as server:
        problem = account.fails(connect(server))
        assert server.connections == 1
    assert (problem.cause, "3" in problem.message) == ("mailbox", True)
    assert found(tmp_path) == {"": [1, 2, 4, 5, 6, 7]}


def test_listing_that_never_ends_is_ended(account: Account) -> None:
    def endless(session: Session) -> None:
        while True:
            session.send(b'* LIST () "/" x\r\n' * 4096)

    with Server(Folders({}).script({"LIST .*": endless})) as server:
        assert account.fails(connect(server)).cause == "protocol"


def test_account_with_a_hundred_thousand_folders(account: Account) -> None:
    empty: dict[bytes, dict[int, int]] = {b'"Folder %d"' % number: {} for number in range(99_998)}
    with Server(Folders({**empty, b"INBOX": {1: 1}, b'"x"': {1: 2}}).script()) as server:
        assert account.fetch(connect(server)).messages == 2
        assert len(server.commands(".* EXAMINE .*")) == 2
        assert account.fetch(connect(server)).messages == 0
        assert len(server.commands(".* EXAMINE .*")) == 2
