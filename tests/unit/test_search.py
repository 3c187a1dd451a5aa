# SPDX-License-Identifier: LGPL-2.1-or-later
"""Delivered messages looked for in real Maildirs, whatever has become of them there."""

import threading
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import closing
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail import search, state_file
from cockpit_getmail.destination.maildir_names import Names
from cockpit_getmail.problem import Problem
from cockpit_getmail.search import LINES, LISTED, LISTED_OCTETS, Row, Search, find_step
from tests.support.verifying import Delivered

pytestmark = pytest.mark.long

FATES = {
    "new": "present",
    "cur": "present",
    ".Archive/cur": "moved",
    ".Archive/new": "moved",
    ".A.B.C/cur": "moved",
    "tmp": "missing",
    ".Archive/tmp": "missing",
    "outside": "missing",
    "deleted": "missing",
    "elsewhere": "elsewhere",
    "copied": "present",
    "unnamed": "missing",
}
SUFFIXES = ("", ":2,", ":2,S", ":2,FRSTabc")
NOISE = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20)


@pytest.fixture
def box(tmp_path: Path) -> Delivered:
    return Delivered(tmp_path)


def look(box: Delivered, *subfolders: str) -> Search:
    with closing(state_file.connect(str(box.state / "state.sqlite"))) as db:
        found = Search(db, f"maildir:{box.mail}", box.progress, subfolders)
        found.search()
        return found


def put(box: Delivered, uid: str, fate: str, suffix: str, state: str) -> None:
    """Let a message be delivered, and then meet its fate."""
    name = None if fate == "unnamed" else box.name()
    box.record(uid, name, state=state, place=2 if fate == "elsewhere" else 1, message_id=f"<{uid}>")
    if fate == "copied":
        (box.mail / "new" / str(name)).write_bytes(b"")
        (box.mail / ".Archive/cur" / f"{name}{suffix}").write_bytes(b"")
    elif fate == "outside":
        (box.folder / str(name)).write_bytes(b"")
    elif fate not in ("deleted", "unnamed"):
        where = "new" if fate == "elsewhere" else fate
        (box.mail / where / f"{name}{suffix}").write_bytes(b"")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(FATES)),
            st.sampled_from(SUFFIXES),
            st.sampled_from(["delivered", "removed"]),
        ),
        max_size=12,
    ),
    st.lists(NOISE, max_size=5),
)
def test_each_message_is_found_as_what_became_of_it(
    messages: list[tuple[str, str, str]], noise: list[str]
) -> None:
    with TemporaryDirectory() as folder:
        box = Delivered(Path(folder))
        for subfolder in (".Archive", ".A.B.C"):
            box.provide(subfolder)
        box.execute("INSERT INTO place VALUES (2, 'maildir:/srv/old/me')")
        for uid, (fate, suffix, state) in enumerate(messages):
            put(box, str(uid), fate, suffix, state)
        for name in noise:
            if name not in (".", "..") and len(name.encode()) <= 255:
                (box.mail / "cur" / name).touch()
        box.record("not delivered", None, state="quarantined", place=None)
        box.record("nor this", None, state="skipped", place=None)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(search, "PAUSES", (0.0,))
            found = look(box)
    counts = Counter(
        present=found.present, moved=found.moved, missing=found.missing, elsewhere=found.elsewhere
    )
    assert +counts == Counter(FATES[fate] for fate, _, _ in messages)
    lost = sorted(str(uid) for uid, (fate, _, _) in enumerate(messages) if FATES[fate] == "missing")
    assert sorted(entry["uid"] for entry in found.listed) == lost
    assert all(entry["message_id"] == f"<{entry['uid']}>" for entry in found.listed)
    assert found.unnamed == sum(fate == "unnamed" for fate, _, _ in messages)
    assert found.repeated == 0


def test_message_that_is_moved_while_it_is_looked_for_is_found(box: Delivered) -> None:
    """A reader moves everything to and fro all the time."""
    box.provide(".Archive")
    paths = [box.deliver(str(uid), "cur", ":2,S") for uid in range(300)]
    ended = threading.Event()

    def move() -> None:
        places = [box.mail / ".Archive/cur", box.mail / "cur"]
        for place in cycle(places):
            for number, path in enumerate(paths):
                paths[number] = path.rename(place / path.name)
                if ended.is_set():
                    return

    mover = threading.Thread(target=move)
    mover.start()
    try:
        for _ in range(5):
            found = look(box)
            assert (found.present + found.moved, found.missing) == (300, 0)
    finally:
        ended.set()
        mover.join()


def test_scan_that_missed_messages_is_made_again(box: Delivered, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each scan but the third misses what the one before has moved behind its back."""
    box.deliver("1", "cur")
    late = [box.deliver("2", "cur"), box.deliver("3", "cur")]
    lost = box.deliver("4", "cur")
    lost.unlink()
    hidden = [path.rename(box.folder / path.name) for path in late]
    scan = Names.scan
    scans: list[int] = []

    def scan_and_move(
        names: Names, path: str, subfolders: Collection[str], *, backwards: bool
    ) -> list[tuple[int, bool]]:
        found = list(scan(names, path, subfolders, backwards=backwards))
        scans.append(len(found))
        if hidden:
            back = hidden.pop()
            back.rename(box.mail / "cur" / back.name)
        return found

    monkeypatch.setattr(Names, "scan", scan_and_move)
    found = look(box)
    assert (found.present, found.missing) == (3, 1)
    assert scans == [1, 2, 3]


def test_message_that_is_delivered_meanwhile_is_there(
    box: Delivered, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.deliver("1")
    scan = Names.scan
    scans: list[int] = []

    def scan_and_deliver(
        names: Names, path: str, subfolders: Collection[str], *, backwards: bool
    ) -> list[tuple[int, bool]]:
        found = list(scan(names, path, subfolders, backwards=backwards))
        if not scans:
            box.deliver("2")
        scans.append(len(found))
        return found

    monkeypatch.setattr(Names, "scan", scan_and_deliver)
    found = look(box)
    assert (found.present, found.missing) == (2, 0)


def test_one_file_is_not_two_messages(box: Delivered) -> None:
    path = box.deliver("1")
    box.record("2", path.name)
    box.record("3", path.name, state="removed")
    assert look(box).repeated == 2


def test_record_that_gets_another_uid_meanwhile_is_not_repeated(
    box: Delivered, monkeypatch: pytest.MonkeyPatch
) -> None:
    for uid in ("1", "2", "3"):
        box.deliver(uid)
    box.execute("INSERT INTO folder (id, mailbox, name, validity) VALUES (2, 1, 'INBOX', 8)")
    rows = Search._rows

    def move(found: Search) -> Iterator[Row]:
        for row in rows(found):
            yield row
            box.execute("UPDATE message SET folder = 2 WHERE folder = 1 AND uid = ?", (row.uid,))

    monkeypatch.setattr(search, "_ROWS", search._ROWS.replace(f"LIMIT {search._PAGE}", "LIMIT 1"))
    monkeypatch.setattr(Search, "_rows", move)
    found = look(box)
    assert (found.repeated, found.missing) == (0, 0)


def test_maildir_that_is_gone_is_no_loss_but_a_problem(box: Delivered) -> None:
    box.deliver("1")
    box.mail.rename(box.folder / "unmounted")
    with pytest.raises(Problem, match="cannot be read: No such file or directory") as caught:
        look(box)
    assert caught.value.cause == "delivery"


def test_maildir_is_not_looked_into_for_nothing(box: Delivered) -> None:
    box.mail.rename(box.folder / "unmounted")
    found = look(box)
    assert (found.present, found.missing, found.elsewhere) == (0, 0, 0)


def test_more_missing_messages_are_counted_than_listed(box: Delivered) -> None:
    for uid in range(LISTED + 5):
        box.record(str(uid), box.name())
    found = look(box)
    assert (found.missing, len(found.listed)) == (LISTED + 5, LISTED)


def test_list_of_missing_messages_has_an_end_in_octets(box: Delivered) -> None:
    for uid in range(400):
        box.record(str(uid), box.name(), message_id="\N{GRINNING FACE}" * 250)
    found = look(box)
    assert found.missing == 400
    # As JSON has it, a pair of surrogates.
    assert 0 < len(found.listed) * 250 * len(r"\ud83d\ude00") <= LISTED_OCTETS


def test_what_servers_wrote_is_shown_harmlessly(box: Delivered) -> None:
    box.record("\x1b[2J", box.name(), message_id="<\u202eevil>")
    [entry] = look(box).listed
    assert entry == {"folder": "INBOX", "uid": r"\x1b[2J", "message_id": r"<\u202eevil>"}


@pytest.mark.parametrize(
    ("total", "step"),
    [
        (0, 100),
        (1249, 100),
        (10_000, 100),
        (10_001, 200),
        (30_000, 500),
        (1_000_000, 10_000),
        (3_000_000, 50_000),
    ],
)
def test_lines_of_progress_are_few(total: int, step: int) -> None:
    assert find_step(total) == step
    assert total / step <= LINES


def test_progress_counts_up_to_all(box: Delivered) -> None:
    for uid in range(250):
        box.deliver(str(uid))
    look(box)
    assert box.log.said == [
        "0 of 250: 250 messages to be verified.",
        "0 of 250: Verifying...",
        "100 of 250: 100 messages verified...",
        "200 of 250: 200 messages verified...",
        "250 of 250: 250 messages verified.",
    ]


# Messages under other names


STORED = b"Subject: x\nMessage-ID: <1@mail.example>\n\nText.\n"


def rename(box: Delivered, uid: str, where: str, name: str, data: bytes = STORED) -> None:
    """Let a message be delivered, and be there under a name of Dovecot's."""
    delivered = box.name().replace("S=12,", f"S={len(STORED)},")
    box.record(uid, delivered, message_id="<1@mail.example>")
    (box.mail / where / name).write_bytes(data)


@pytest.mark.parametrize(
    ("where", "data", "expected"),
    [
        ("cur", STORED, (1, 0, 0)),
        (".Archive/cur", STORED, (0, 1, 0)),
        ("cur", STORED.replace(b"Message-ID: ", b"message-id:\n "), (1, 0, 0)),
        ("cur", STORED.replace(b"<1@", b"<2@"), (0, 0, 1)),
        ("cur", STORED.replace(b"Message-ID:", b"Nothing-ID:"), (0, 0, 1)),
        ("cur", b"", (0, 0, 1)),
        ("tmp", STORED, (0, 0, 1)),
    ],
)
def test_message_with_another_name_is_known_by_message_id(
    box: Delivered, where: str, data: bytes, expected: tuple[int, int, int]
) -> None:
    box.provide(".Archive")
    rename(box, "1", where, f"1700000000.M1P2.host,S={len(STORED)},W=60:2,S", data)
    found = look(box)
    assert (found.present, found.moved, found.missing) == expected


@pytest.mark.parametrize(
    "name",
    [
        f"1700000000.M1P2.host,S={len(STORED) + 1},W=60:2,S",
        "1700000000.M1P2.host:2,S",
        f"1700000000.C0123456789abcdefR0123456789abcdefP1.host,S={len(STORED)},W=60:2,S",
    ],
    ids=["another size", "no size", "another connector's"],
)
def test_name_that_speaks_against_it(box: Delivered, name: str) -> None:
    rename(box, "1", "cur", name)
    assert look(box).missing == 1


def test_one_file_stands_for_one_message_only(box: Delivered) -> None:
    for uid in ("1", "2", "3"):
        rename(box, uid, "cur", f"1700000000.M{int(uid) % 2}P2.host,S={len(STORED)},W=60:2,S")
    found = look(box)
    assert (found.present, found.missing) == (2, 1)


def test_mail_of_a_folder_is_present_there(box: Delivered) -> None:
    for subfolder in (".Work", ".Archive"):
        box.provide(subfolder)
    for uid, where in enumerate(("new", ".Work/new", ".Work/cur", ".Archive/cur")):
        box.deliver(str(uid), where)
    rename(box, "9", ".Work/cur", f"1700000000.M1P2.host,S={len(STORED)},W=60:2,S")
    found = look(box, ".Work")
    assert (found.present, found.moved, found.missing) == (4, 1, 0)


def test_what_went_to_no_maildir_is_elsewhere_and_no_fault(box: Delivered) -> None:
    box.deliver("1")
    box.execute("INSERT INTO place VALUES (2, 'command:/bin/mda')")
    box.record("2", "0123456789abcdef0123456789abcdef", place=2)
    found = look(box)
    assert (found.present, found.elsewhere, found.missing, found.unnamed) == (1, 1, 0, 0)
