# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which folders are fetched, in which order, and what they are called here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail import imap_utf7
from cockpit_getmail.destination.lmtp_message import make_recipient
from cockpit_getmail.destination.maildir_folders import format_subfolder
from cockpit_getmail.folder_list import parse
from cockpit_getmail.folders import choose, find_patterns, name_locally
from cockpit_getmail.retriever.base import INBOX, Listed
from tests.support.limits import bounded

WIRES = st.one_of(
    st.binary(max_size=40),
    st.text("ab./=-&:E2DC", max_size=30).map(str.encode),
    st.lists(st.sampled_from([b"INBOX", b"inbox", b".", b"/", b"..", b"=", b"=2E", b"-", b"a", b"&APw-"]))
    .map(b"".join),
)  # fmt: skip


def make(name: str, *attributes: str, separator: str = "/") -> Listed:
    return Listed(name, imap_utf7.encode(name), separator, frozenset(attributes))


LISTED = [
    make("[Gmail]", "\\noselect", "\\haschildren"),
    make("[Gmail]/All Mail", "\\all"),
    make("[Gmail]/Starred", "\\flagged"),
    make("[Gmail]/Sent Mail", "\\sent"),
    make("Work"),
    make("Work/Old"),
    make("Work/Old/2020"),
    make("Gone", "\\nonexistent"),
    INBOX,
    make("Entwürfe", "\\drafts"),
]
EVERY = ["INBOX", "[Gmail]/Sent Mail", "Work", "Work/Old", "Work/Old/2020", "Entwürfe"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("INBOX", ["INBOX"]),
        ("Work, inbox", ["INBOX", "Work"]),
        ("*", EVERY),
        ("Work/%", ["Work/Old"]),
        ("*, !Work*, !\\Drafts", ["INBOX", "[Gmail]/Sent Mail"]),
        ("!Work/Old, Work*", ["Work", "Work/Old/2020"]),
        ("\\All, \\Sent", ["[Gmail]/Sent Mail", "[Gmail]/All Mail"]),
        ("*, [Gmail]/All Mail", [*EVERY, "[Gmail]/All Mail"]),
        ("\\All, INBOX, !\\all", ["INBOX"]),
        ("Entwürfe", ["Entwürfe"]),
        ('"Work*"', ["Work*"]),
        ("Hidden, *", [*EVERY, "Hidden"]),
        ("Gone", ["Gone"]),
        ("Nothing*", []),
    ],
)
def test_choice(text: str, names: list[str]) -> None:
    assert [folder.name for folder in choose(parse(text), LISTED).folders] == names


def test_copies_that_a_server_knows_double_nothing() -> None:
    choice = choose(parse("*"), LISTED, knows_copies=True)
    assert [folder.name for folder in choice.folders] == [*EVERY, "[Gmail]/Starred", "[Gmail]/All Mail"]
    assert not choice.doubles


def test_what_shows_the_messages_of_others_is_told() -> None:
    choice = choose(parse("*, \\Flagged, \\Junk, \\Trash, !\\Archive"), LISTED)
    assert [folder.name for folder in choice.doubles] == ["[Gmail]/All Mail"]
    assert choice.unused == ["\\junk", "\\trash"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Inbox.a, INBOX.a", ["INBOX.a"]),
        ("inbox.*", ["INBOX.a", "INBOX.a.b"]),
        ("inbox*", ["INBOX", "INBOX.a", "INBOX.a.b"]),
        ("*, !Inbox.a.%", ["INBOX", "INBOX.a"]),
        ("inboxes", ["inboxes"]),
    ],
)
def test_letters_of_inbox_may_be_small_where_folders_are_below_it(text: str, names: list[str]) -> None:
    listed = [INBOX._replace(separator="."), *(make(f"INBOX.{name}", separator=".") for name in ("a", "a.b"))]
    assert [folder.name for folder in choose(parse(text), listed).folders] == names
    assert list(find_patterns(parse("inbox.a"))) == list(find_patterns(parse("inbox*"))) == [b"*"]


def test_name_may_be_typed_in_another_form_of_unicode() -> None:
    listed = [make("Bu\u0308ro"), make("Bu\u0308ro/\u00c4"), make("Buro")]
    for text in ("B\u00fcro", "B\u00fcr%, !Buro"):
        assert [folder.name for folder in choose(parse(text), listed).folders] == ["Bu\u0308ro"]


def test_named_folder_that_is_not_listed_is_asked_for_as_the_server_calls_it() -> None:
    [folder] = choose(parse("Müll/Alt"), [make("x")]).folders
    assert folder == Listed("Müll/Alt", b"M&APw-ll/Alt", "/")
    assert choose(parse("INBOX"), []).folders == [INBOX]
    [_, hidden] = choose(parse("INBOX, a/b"), [INBOX, make("x")]).folders
    assert hidden.separator == "/"


@pytest.mark.parametrize(
    ("text", "patterns"),
    [
        ("INBOX, Entwürfe, Work/%, !*x", [b"INBOX", b"Entw&APw-rfe", b"Work/%"]),
        ("*", [b"*"]),
        ("*ürfe, INBOX", [b"*"]),
        ("R&*, INBOX", [b"*"]),
        (r"a\x5c*", [b"*"]),
        ("\\Sent, INBOX", [b"*"]),
    ],
)
def test_patterns_for_the_server_miss_none(text: str, patterns: list[bytes]) -> None:
    assert list(find_patterns(parse(text))) == patterns


def test_folder_that_is_listed_twice_is_fetched_once() -> None:
    twice = [make("a"), INBOX, make("a"), INBOX]
    assert [folder.name for folder in choose(parse("*"), twice).folders] == ["INBOX", "a"]


LOCAL = {
    "INBOX": "INBOX",
    "Sent": "Sent",
    "Lists/Users": "Lists/Users",
    "Entwürfe": "Entwürfe",
    "example.com": "example=2Ecom",
    "../../etc": "=2E=2E/=2E=2E/etc",
    "/etc": "=/etc",
    "a//b/": "a/=/b/=",
    "a=2Eb": "a=3D2Eb",
    "a=b": "a=b",
    "=": "=3D",
    "-rf": "=2Drf",
    "a/-rf": "a/-rf",
    "~root": "=7Eroot",
    "a/~root": "a/~root",
    "a\u2028b\u200f": "a\\x26ICg-b\\x26IA8-",
    "a\u00a0b": "a=C2=A0b",
    r"a\x0d\x0ab": r"a\x0d\x0ab",
    "INBOX/Sub": "INBOX/Sub",
    "Inbox/Inbox": "INBOX/Inbox",
    "Inboxes": "Inboxes",
    "tmp": "tmp",
}


@pytest.mark.parametrize("name", LOCAL)
def test_local_name(name: str) -> None:
    folder = Listed(imap_utf7.decode(imap_utf7.encode(name)), imap_utf7.encode(name), "/")
    assert list(name_locally([folder]).values()) == [LOCAL[name]]


@pytest.mark.parametrize(
    ("name", "local"),
    [
        ("INBOX.Sent", "Sent"),
        ("Inbox.Lists.a/b", "Lists/a=2Fb"),
        ("INBOX.INBOX", "INBOX/INBOX"),
        ("INBOX.INBOX.a", "INBOX/INBOX/a"),
        ("INBOX.", "INBOX/="),
        ("INBOX..a", "INBOX/=/a"),
        ("user.bob", "user/bob"),
        ("INBOX", "INBOX"),
    ],
)
def test_prefix_of_own_folders_is_left_out(name: str, local: str) -> None:
    assert name_locally([make(name, separator=".")], "INBOX.") == {name: local}


def test_without_levels_a_name_is_one() -> None:
    assert name_locally([make("a/b", separator="")]) == {"a/b": "a=2Fb"}


@pytest.mark.parametrize("root", ["", "INBOX", "Inbox"])
def test_root_is_the_inbox_itself(root: str) -> None:
    assert name_locally([INBOX, make("Sent")], root=root) == {"INBOX": "INBOX", "Sent": "Sent"}


def test_root_holds_all() -> None:
    found = name_locally([INBOX, make("Sent")], root="Old/Müller")
    assert found == {"INBOX": "Old/Müller", "Sent": "Old/Müller/Sent"}


def test_two_names_never_become_one() -> None:
    listed = [
        make("INBOX.a", separator="."),
        make("a", separator="."),
        make("a/b"),
        make("a.b", separator="."),
    ]
    found = name_locally(listed, "INBOX.")
    assert found["INBOX.a"] == "a"
    assert found["a"].startswith("a=")
    assert found["a.b"] == "a/b"
    assert found["a/b"].startswith("a/b=")
    assert name_locally(reversed(listed), "INBOX.") == found
    alike = name_locally([make("INBOX/a"), make("Inbox/a")])
    assert alike["INBOX/a"] == "INBOX/a"
    assert alike["Inbox/a"].startswith("INBOX/a=")


def test_long_name_is_cut_and_stays_its_own() -> None:
    listed = [make("ü" * 300 + end) for end in "ab"]
    first, second = name_locally(listed, root="Root").values()
    assert first != second
    for local in (first, second):
        assert local.startswith("Root/üü")
        assert 200 < len(format_subfolder(local)) < 256


@pytest.mark.long
def test_many_long_names_take_no_longer_than_others() -> None:
    listed = [make("漢" * 300 + str(number)) for number in range(20_000)]
    with bounded(seconds=10, mebibytes=100):
        found = name_locally(listed)
    assert len({*found.values()}) == len(listed)
    # As much is left of each as there is room for.
    assert {len(local) for local in found.values()} == {len("漢" * 82) + 17}


@pytest.mark.long
@given(st.lists(WIRES, unique=True, max_size=8), st.sampled_from(["", ".", "/", "&", "\\"]))
def test_any_names_become_folders_of_a_maildir_each_its_own(wires: list[bytes], separator: str) -> None:
    listed = [Listed(imap_utf7.decode(wire), wire, separator) for wire in wires if wire.upper() != b"INBOX"]
    locals_ = name_locally([INBOX, *listed], f"INBOX{separator}")
    assert len({*locals_.values()}) == len(listed) + 1
    assert locals_.pop("INBOX") == "INBOX"
    for local in locals_.values():
        subfolder = format_subfolder(local)
        assert subfolder.startswith(".")
        assert "/" not in subfolder
        assert subfolder not in (".", "..")
        assert not local.startswith("-")
        assert make_recipient("someone@example.com", f"+{local}")
