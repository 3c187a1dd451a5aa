# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mail from many folders of a real server: each message once, in one folder or each in that of its name."""

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from imapclient import IMAPClient

from cockpit_getmail.connector import Connector
from cockpit_getmail.destination.maildir_folders import format_subfolder
from cockpit_getmail.fetch_folder import Result
from cockpit_getmail.retriever.imap_session import Session
from tests.mail.conftest import Drivers, NewRound
from tests.support.dovecot import OWNER, Dovecot, make_message
from tests.support.dovecot_lmtp import DovecotLmtp
from tests.support.fetching import Account, make_connector
from tests.support.rounds import PASSWORD, RETRIEVERS, Round, stored
from tests.support.stop_after import Plan, check_stopped

ODD = ["Entwürfe", "R&D", "台北", "a b", "Dr. Who", "Work/Old/2020", "100%", "=2E", "-rf", 'say "a"', "a\\b"]
LOCAL = {"Dr. Who": "Dr=2E Who", "=2E": "=3D2E", "-rf": "=2Drf"}
SPECIAL = {"Sent": "\\Sent", "Bin": "\\Trash", "Spam": "\\Junk"}
# Names may have dots in them.
LAYOUT = "mail_location = maildir:~/Maildir:LAYOUT=fs\n"
STATUS = "RETURN (SPECIAL-USE STATUS (MESSAGES UIDNEXT UIDVALIDITY))"
USERS = [f"u{number}" for number in range(40)]


class Case:
    """A user's folders, and an account here that gets them."""

    def __init__(self, dovecot: Dovecot, user: str, path: Path, **settings: str) -> None:
        self.dovecot = dovecot
        self.user = user
        self.mail = path / "someone"
        self.account = Account(path, **settings)
        self._count = 0

    def fill(self, *folders: str, count: int = 2) -> list[bytes]:
        """Put new messages into folders, which are made if they are missing; return all of these."""
        added = []
        for folder in folders:
            if not self.dovecot.maildir(self.user, folder).exists():
                self.dovecot.make_folder(self.user, folder)
            for _ in range(count):
                self._count += 1
                added.append(make_message(self._count, 400))
                self.dovecot.add_message(self.user, added[-1], folder)
        return added

    def connector(self, folders: str, **props: str) -> Connector:
        fixed = {"Username": self.user, "Password": PASSWORD, **({"Folders": folders} if folders else {})}
        return make_connector(RETRIEVERS[0], self.dovecot.imap, **fixed, **props)

    def fetch(self, folders: str, **props: str) -> Result:
        return self.account.fetch(self.connector(folders, **props))

    @property
    def found(self) -> dict[str, list[bytes]]:
        """What was delivered by subfolder, without empty ones."""
        found: dict[str, list[bytes]] = {}
        for path in sorted(self.mail.glob("**/new/*")):
            found.setdefault(path.parents[1].name.removeprefix("someone"), []).append(path.read_bytes())
        return found


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    users = dict.fromkeys(USERS, PASSWORD)
    with Dovecot(users, separator="/", special_uses=SPECIAL, extra=LAYOUT) as dovecot:
        yield dovecot


@pytest.fixture(scope="module")
def users() -> Iterator[str]:
    return iter(USERS)


@pytest.fixture
def case(dovecot: Dovecot, users: Iterator[str], tmp_path: Path) -> Case:
    return Case(dovecot, next(users), tmp_path)


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was sent to servers, without tags."""
    sent: list[str] = []
    send = Session.send

    def listen(session: Session, command: str | bytes, *more: object) -> bytes:
        sent.append(command if isinstance(command, str) else command.decode("latin-1"))
        return send(session, command, *more)

    monkeypatch.setattr(Session, "send", listen)
    return sent


def are(found: Sequence[bytes], messages: Sequence[bytes]) -> bool:
    return Counter(found) == Counter(stored(messages))


def test_all_folders_into_one(case: Case) -> None:
    messages = case.fill("INBOX", "Sent", *ODD)
    assert case.fetch("*").messages == len(messages)
    assert list(case.found) == [""]
    assert are(case.found[""], messages)
    assert case.fetch("*").messages == 0
    messages += case.fill("台北", "Sent", count=1)
    assert case.fetch("*").messages == 2
    assert are(case.found[""], messages)


@pytest.mark.parametrize("root", ["", "Old/Müller"])
def test_each_folder_into_one_of_its_name(case: Case, root: str) -> None:
    messages = {folder: case.fill(folder) for folder in ("INBOX", "Sent", *ODD)}
    assert case.fetch("*", FolderMap="keep", Folder=root).messages == 2 * len(messages)
    found = case.found
    for folder, sent in messages.items():
        levels = [root, LOCAL.get(folder, folder) if folder != "INBOX" else ""]
        name = format_subfolder("/".join(level for level in levels if level))
        assert are(found.pop(name), sent), folder
    assert not found


def test_folders_are_there_for_a_server_of_ours(case: Case, users: Iterator[str]) -> None:
    """Names of folders look the same to who reads the mail here, but for what no Maildir can hold."""
    messages = {folder: case.fill(folder) for folder in ("INBOX", *ODD)}
    with Dovecot({"local": PASSWORD}, separator="/") as ours:
        path = ours.maildir("local")
        case.fetch("*", FolderMap="keep", Destination=f"maildir:{path}")
        for made in (path, *path.rglob("*")):
            shutil.chown(made, OWNER)
        with IMAPClient(ours.host, port=ours.imap, ssl=False) as client:
            client.login("local", PASSWORD)
            for folder, sent in messages.items():
                assert client.select_folder(LOCAL.get(folder, folder))[b"EXISTS"] == len(sent)
        assert ours.log().count("Error") == 0, ours.log()


@pytest.mark.parametrize(
    ("folders", "fetched"),
    [
        ("", ["INBOX"]),
        ("INBOX", ["INBOX"]),
        ("Work", ["Work"]),
        ("Work/*, INBOX", ["INBOX", "Work/Old", "Work/Old/2020"]),
        ("Work/%", ["Work/Old"]),
        ("*, !Work*, !\\Trash, !\\Junk", ["INBOX", "Sent"]),
        ("\\Junk, \\sent", ["Sent", "Spam"]),
        ("*, !INBOX, !\\Sent", ["Bin", "Spam", "Work", "Work/Old", "Work/Old/2020"]),
    ],
)
def test_only_what_is_meant(case: Case, folders: str, fetched: list[str]) -> None:
    messages = {
        folder: case.fill(folder, count=1)
        for folder in ("INBOX", "Sent", "Bin", "Spam", "Work", "Work/Old", "Work/Old/2020")
    }
    case.fetch(folders)
    assert are(case.found[""], [message for folder in fetched for message in messages[folder]])


@pytest.mark.parametrize("folders", ["", "INBOX", "inbox"])
def test_inbox_alone_costs_nothing_more(case: Case, commands: list[str], folders: str) -> None:
    case.fill("INBOX", "Work")
    case.fetch(folders)
    first = list(commands)
    commands.clear()
    case.fetch(folders)
    assert [command.partition(" ")[0] for command in commands] == ["AUTHENTICATE", "EXAMINE", "LOGOUT"]
    assert [command for command in first if command.startswith(("LIST", "NAMESPACE", "SELECT"))] == []


def test_folders_in_which_nothing_is_new_are_not_opened(case: Case, commands: list[str]) -> None:
    case.fill("INBOX", *ODD)
    case.fetch("*", FolderMap="keep")
    commands.clear()
    assert case.fetch("*", FolderMap="keep").messages == 0
    assert commands[1:] == [f'LIST "" "*" {STATUS}', "LOGOUT"]
    case.fill("R&D", "a\\b", count=1)
    commands.clear()
    assert case.fetch("*").messages == 2
    opened = [command for command in commands if command.startswith("EXAMINE")]
    assert sorted(opened) == ['EXAMINE "R&-D"', r'EXAMINE "a\\b"']


def test_server_is_asked_for_no_other_folders(case: Case, commands: list[str]) -> None:
    case.fill("INBOX", "Work/Old", "Entwürfe")
    case.fetch("INBOX, Entwürfe, Work/%")
    assert f'LIST "" ("INBOX" "Entw&APw-rfe" "Work/%") {STATUS}' in commands


def test_without_extensions_it_takes_one_step_more(tmp_path: Path, commands: list[str]) -> None:
    with Dovecot({"u": PASSWORD}, separator="/", extra="imap_capability = IMAP4rev1 UIDPLUS\n") as dovecot:
        case = Case(dovecot, "u", tmp_path)
        messages = case.fill("INBOX", "Work/Old", "Entwürfe")
        assert case.fetch("*, !Nothing").messages == len(messages)
        commands.clear()
        assert case.fetch("*, !Nothing").messages == 0
        assert are(case.found[""], messages)
    # All that is asked for the status goes at once.
    assert [command.partition(" ")[0] for command in commands[1:]] == ["LIST", *["STATUS"] * 3, "LOGOUT"]


def test_prefix_of_the_servers_namespace_is_left_out(tmp_path: Path) -> None:
    with Dovecot({"u": PASSWORD}, separator=".", prefix="INBOX.") as dovecot:
        case = Case(dovecot, "u", tmp_path)
        messages = {folder: case.fill(folder) for folder in ("INBOX", "INBOX.Sent", "INBOX.Work.Müll")}
        assert case.fetch("*", FolderMap="keep").messages == 6
    assert set(case.found) == {"", ".Sent", ".Work.M&APw-ll"}
    for folder, sent in messages.items():
        name = format_subfolder(folder.removeprefix("INBOX").removeprefix("."))
        assert are(case.found[name], sent)


@pytest.mark.parametrize("folder_map", ["inbox", "keep"])
def test_renamed_folder_is_known_by_what_is_in_it(case: Case, folder_map: str) -> None:
    messages = case.fill("INBOX", "Work", "Other")
    case.fetch("*", FolderMap=folder_map)
    case.dovecot.doveadm("mailbox", "rename", "-u", case.user, "Work", "Projects/2026")
    messages += case.fill("Projects/2026", "New", count=1)
    assert case.fetch("*", FolderMap=folder_map).messages == 2
    assert 'The folder "Work" is called "Projects/2026" now.' in case.account.log.said
    assert are([message for found in case.found.values() for message in found], messages)
    # What was delivered under the former name is still to be deleted.
    assert case.fetch("*", FolderMap=folder_map, Delete="0").deleted == len(messages)


def test_each_folder_is_deleted_from_what_was_delivered(case: Case) -> None:
    messages = case.fill("INBOX", "Work", "Entwürfe")
    assert case.fetch("*, !Entwürfe", Delete="0").deleted == 4
    assert case.dovecot.messages(case.user) == case.dovecot.messages(case.user, "Work") == []
    assert len(case.dovecot.messages(case.user, "Entwürfe")) == 2
    assert are(case.found[""], messages[:4])
    # A folder as it was is opened where something is due.
    assert case.fetch("*", Delete="1").deleted == 0
    assert case.fetch("*", Delete="0").deleted == 2


@pytest.mark.parametrize(
    ("folders", "told"),
    [
        ("INBOX, Nowhere, Work", 'The folder "Nowhere" could not be fetched: '),
        ("INBOX, Parent, Work", 'The folder "Parent" could not be fetched: '),
        ("INBOX, Work, \\Archive", "127.0.0.1 has no folder for \\archive."),
        ("Nowhere, INBOX, Gone, Work", '2 folders could not be fetched. The folder "Nowhere" could not be'),
    ],
)
def test_folder_that_is_not_there_stops_no_other(case: Case, folders: str, told: str) -> None:
    messages = case.fill("INBOX", "Work")
    case.dovecot.make_folder(case.user, "Parent/Child")
    problem = case.account.fails(case.connector(folders))
    assert problem.cause == "mailbox"
    assert problem.message.startswith(told)
    assert problem.hint
    assert are(case.found[""], messages)
    assert case.fetch(f"*, !{folders.partition(', ')[0]}, INBOX").messages == 0


def test_where_no_folder_is_meant_that_is_told(case: Case) -> None:
    problem = case.account.fails(case.connector("Nothing*"))
    assert problem.cause == "mailbox"
    assert "no folder that Folders means" in problem.message


def test_folder_that_nobody_may_read_stops_no_other(case: Case) -> None:
    messages = case.fill("INBOX", "A", "Work")
    broken = case.dovecot.maildir(case.user, "A")
    (broken / "dovecot-uidlist").unlink(missing_ok=True)
    (broken / "dovecot-uidlist").mkdir()
    problem = case.account.fails(case.connector("*"))
    assert (problem.cause, problem.message[:12]) == ("mailbox", 'The folder "')
    assert are(case.found[""], messages[:2] + messages[4:])


def test_rights_to_one_folder_are_no_matter_of_the_others(tmp_path: Path) -> None:
    with Dovecot({"u": PASSWORD}, acl=True) as dovecot:
        case = Case(dovecot, "u", tmp_path)
        messages = case.fill("INBOX", "Locked", "Read", "Work")
        for folder, rights in (("Locked", ("lookup",)), ("Read", ("lookup", "read"))):
            dovecot.doveadm("acl", "set", "-u", "u", folder, "owner", *rights)
        problem = case.account.fails(case.connector("*", Delete="0", MarkSeen="seen"))
        assert problem.cause == "mailbox"
        assert problem.message.startswith("2 folders could not be fetched. ")
        told = "".join(case.account.log.said)
        assert "gives no right to delete in Read" in told
        assert '127.0.0.1 does not open the folder "Locked"' in told
        assert are(case.found[""], [*messages[:2], *messages[4:]])
        left = {folder: len(dovecot.messages("u", folder)) for folder in ("INBOX", "Locked", "Read", "Work")}
        assert left == {"INBOX": 0, "Locked": 2, "Read": 2, "Work": 0}


def test_each_folder_is_marked(case: Case) -> None:
    case.fill("INBOX", "Work", count=1)
    case.fetch("*, !Work", MarkSeen="seen")
    assert (case.dovecot.flags(case.user), case.dovecot.flags(case.user, "Work")) == (["S"], [""])
    case.fetch("*", MarkSeen="seen")
    assert case.dovecot.flags(case.user, "Work") == ["S"]


def test_command_is_told_each_folder(case: Case, tmp_path: Path) -> None:
    case.fill("INBOX", "Entwürfe", "Work/Old", "-rf", "Dr. Who", count=1)
    program = tmp_path / "deliver"
    program.write_text(f'#!/bin/sh\ncat >/dev/null\nprintf "%s\\n" "$1" >>{tmp_path}/told\n')
    program.chmod(0o755)
    assert case.fetch("*", FolderMap="keep", Destination=f"command:{program} {{folder}}").messages == 5
    told = (tmp_path / "told").read_text().splitlines()
    assert sorted(told) == ["=2Drf", "Dr=2E Who", "Entwürfe", "INBOX", "Work/Old"]


def test_lmtp_has_each_folder_in_the_recipient(tmp_path: Path) -> None:
    with DovecotLmtp(dict.fromkeys(("u", "anna"), PASSWORD)) as dovecot:
        case = Case(dovecot, "u", tmp_path, recipient_delimiter="+")
        messages = {folder: case.fill(folder) for folder in ("INBOX", "Entwürfe", "Work/Old", "R&D")}
        destination = f"lmtp:unix:{dovecot.socket}"
        done = case.fetch("*", FolderMap="keep", Account="anna", Destination=destination)
        assert done.messages == 8
        for folder, sent in messages.items():
            # Dovecot takes no UTF-8 in an address.
            name = format_subfolder(folder.replace("ü", "=C3=BC")).removeprefix(".")
            assert are(dovecot.delivered("anna", name), sent), folder


def test_destination_without_folders_is_told_before_anything_is_fetched(case: Case) -> None:
    case.fill("INBOX")
    problem = case.account.fails(case.connector("*", FolderMap="keep", Destination="command:/bin/true"))
    assert problem.cause == "connector"
    assert len(case.dovecot.messages(case.user)) == 2


# Three folders, with a kill after each step


def make_round(new_round: NewRound) -> Round:
    made = new_round(RETRIEVERS[0])
    made.dovecot.make_folder(made.user, *(folder for folder in THREE if folder != "INBOX"))
    for folder, messages in THREE.items():
        for message in messages:
            made.dovecot.add_message(made.user, message, folder)
    return made


THREE = {
    folder: [make_message(100 * turn + number, size) for number, size in enumerate((400, 9000, 300, 700))]
    for turn, folder in enumerate(("INBOX", "Entwürfe", "Work.Old"))
}
ALL = [message for messages in THREE.values() for message in messages]


def plan(made: Round, **props: str) -> Plan:
    return made.small(Delete="0", Folders="*", **props)


def left(made: Round) -> list[bytes]:
    """What is still on the server, while a process of it may be moving or removing it."""
    while True:
        try:
            return [message for folder in THREE for message in made.dovecot.messages(made.user, folder)]
        except FileNotFoundError:
            continue


def check_nothing_lost(made: Round) -> None:
    lost = Counter(stored(ALL)) - Counter(stored(left(made))) - Counter(made.delivered)
    assert not lost, f"{lost.total()} messages are lost"


def check_whole(made: Round, *, keeps: bool) -> None:
    made.check_delivered_once(ALL)
    assert left(made) == []
    for folder, messages in THREE.items() if keeps else ():
        box = made.mail / format_subfolder("" if folder == "INBOX" else folder)
        assert are([path.read_bytes() for path in box.glob("new/*")], messages)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder_map", "between"), [("inbox", "nothing"), ("keep", "another kill")], ids=["inbox", "keep"]
)
def test_kill_after_each_step(new_round: NewRound, drivers: Drivers, folder_map: str, between: str) -> None:
    keeps = folder_map == "keep"

    def attempt(step: int) -> None:
        made = make_round(new_round)
        whole = plan(made, FolderMap=folder_map)
        check_stopped(drivers.fetch(replace(whole, stop=step)), step, steps, len(THREE))
        check_nothing_lost(made)
        if between == "another kill":
            drivers.fetch(replace(whole, stop=1 + step * 7 % 60))
            check_nothing_lost(made)
        outcome = drivers.fetch(whole)
        assert outcome.ok, outcome
        check_whole(made, keeps=keeps)

    made = make_round(new_round)
    outcome = drivers.fetch(plan(made, FolderMap=folder_map))
    assert outcome.ok, outcome
    check_whole(made, keeps=keeps)
    steps = len(outcome.steps)
    drivers.each(steps, attempt)


@pytest.mark.slow
@pytest.mark.parametrize("late", [False, True], ids=["not made", "made, but told as failed"])
def test_any_step_fails(new_round: NewRound, drivers: Drivers, late: bool) -> None:
    """Also a command: then the run goes on in another session."""

    def attempt(step: int) -> None:
        made = make_round(new_round)
        whole = plan(made, FolderMap="keep")
        outcome = drivers.fetch(replace(whole, fail=step, fail_late=late))
        assert outcome.ok or outcome.cause in ("delivery", "internal", "network"), outcome
        check_nothing_lost(made)
        assert made.compare(ALL)[1] == 0
        outcome = drivers.fetch(whole)
        assert outcome.ok, outcome
        check_whole(made, keeps=True)

    outcome = drivers.fetch(plan(make_round(new_round), FolderMap="keep"))
    drivers.each(len(outcome.steps), attempt)


@pytest.mark.slow
def test_kill_after_each_step_after_a_folder_was_renamed(new_round: NewRound, drivers: Drivers) -> None:
    late = make_message(900, 500)

    def prepare() -> Round:
        made = make_round(new_round)
        assert drivers.fetch(made.small(Folders="*")).ok
        made.dovecot.doveadm("mailbox", "rename", "-u", made.user, "Entwürfe", "Old")
        made.dovecot.add_message(made.user, late, "Old")
        return made

    def attempt(step: int) -> None:
        made = prepare()
        whole = made.small(Folders="*")
        killed.append(drivers.fetch(replace(whole, stop=step)).killed)
        outcome = drivers.fetch(whole)
        assert outcome.ok, outcome
        made.check_delivered_once([*ALL, late])

    made = prepare()
    outcome = drivers.fetch(made.small(Folders="*"))
    assert outcome.ok, outcome
    made.check_delivered_once([*ALL, late])
    killed: list[bool] = []
    drivers.each(len(outcome.steps), attempt)
    # A file that is there already is not made.
    assert sum(killed) > len(outcome.steps) - 4 - 3 * len(THREE)
