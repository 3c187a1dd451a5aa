# SPDX-License-Identifier: LGPL-2.1-or-later
"""A connector's props as values, and the names made of it."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cockpit_getmail.connector import (
    NAME_LIMIT,
    RETRIEVERS,
    UNIT_PREFIX,
    Connector,
    account_group,
    folder_name,
    is_same_person,
    make_name,
    make_token,
    token_prefix,
    unit_name,
)
from cockpit_getmail.database import Database

PROPS = {
    "Retriever": "SimpleIMAPRetriever",
    "Server": "Mail.Example.com.",
    "Username": "user",
    "Password": "canary",
    "Account": "giacomo@local.neth.eu",
}
names = st.text(st.characters(codec="utf-8")) | st.text("aA0@._-=\\x/ #%\n", max_size=300)
parts_of_names = [".", "=", "=2E", "=3D", "\\", "\\x2e", "\\x40", "é", "a", "@", ".service", "timer"]
names_of_escapes = st.lists(st.sampled_from(parts_of_names)).map("".join)


def connector(**props: str) -> Connector:
    return Connector.from_record("user@mail.example.com", {**PROPS, **props})


def test_secrets_are_apart_and_not_shown() -> None:
    made = connector()
    assert made.password == "canary"
    assert "Password" not in made.props
    assert "canary" not in repr(made)
    assert Connector.from_record("n", {}).password == ""


@pytest.mark.parametrize(
    ("retriever", "protocol", "implicit_tls", "port"),
    [
        ("SimpleIMAPRetriever", "imap", False, 143),
        ("SimpleIMAPSSLRetriever", "imap", True, 993),
        ("SimplePOP3Retriever", "pop3", False, 110),
        ("SimplePOP3SSLRetriever", "pop3", True, 995),
    ],
)
def test_retriever_says_how_to_connect(retriever: str, protocol: str, implicit_tls: bool, port: int) -> None:
    made = connector(Retriever=retriever)
    assert (made.protocol, made.implicit_tls, made.port) == (protocol, implicit_tls, port)
    assert connector(Retriever=retriever, Port="1143").port == 1143
    assert connector(Retriever=retriever, Port="").port == port
    assert retriever in RETRIEVERS


@pytest.mark.parametrize(
    ("text", "days"),
    [("-1", None), ("0", 0), ("1", 1), ("007", 7), ("-7", None), ("-0", None), ("", None), ("enabled", None)]
    + [(text, None) for text in ("disabled", "1.5", "+1", " 1", "1\n", "٣", "true", "9" * 10)],
)
def test_delete_is_never_but_for_a_whole_number(text: str, days: int | None) -> None:
    assert connector(Delete=text).delete_after == days


def test_defaults_of_a_record_from_elsewhere() -> None:
    made = connector()
    assert (made.delete_after, made.minutes, made.enabled, made.tls) == (None, 30, True, "auto")
    assert [connector(Time=text).minutes for text in ("5", "soon", "", "-5")] == [5, 30, 30, 30]
    assert [connector(status=text).enabled for text in ("enabled", "disabled", "")] == [True, False, False]
    assert [connector(TLS=text).tls for text in ("none", "required", "auto", "")] == [
        "none",
        "required",
        "auto",
        "auto",
    ]


def test_filters_are_those_switched_on() -> None:
    made = connector(VirusCheck="enabled", SpamCheck="disabled", FilterCheck="enabled")
    assert made.filters == ["FilterCheck", "VirusCheck"]


def test_a_mailbox_is_protocol_server_port_and_user() -> None:
    mailbox = connector().mailbox
    assert connector(Server="mail.example.com", Port="143", Password="x", Account="y").mailbox == mailbox
    others = [{"Username": "User"}, {"Server": "mail.example.org"}, {"Port": "144"}]
    others += [{"Retriever": "SimplePOP3Retriever", "Port": "143"}, {"Server": "s", "Username": "u\n1"}]
    assert len({mailbox, *(connector(**props).mailbox for props in others)}) == 1 + len(others)


@pytest.mark.parametrize(
    ("username", "server", "name"),
    [
        ("giacomo", "my.host", "giacomo@my.host"),
        ("a@b", "c", "a@b@c"),
        ("a=b\n", "::1", "a_b_@::1"),
        ("#a", "h ", "_a@h_"),
        (" é", "h\t", "_é@h_"),
        ("", "", "@"),
    ],
)
def test_name_is_user_and_server(username: str, server: str, name: str) -> None:
    assert make_name(username, server) == name


@given(names, names)
def test_every_name_made_is_a_key(username: str, server: str) -> None:
    content = Database()
    content.put(make_name(username, server), "getmail", {})
    assert [record.key for record in Database(content.format()).records] == [make_name(username, server)]


@pytest.mark.parametrize(
    ("account", "group"), [("giacomo@local.neth.eu", "giacomo"), ("root", "root"), ("a@b@c", "a"), ("@b", "")]
)
def test_group_is_the_account_up_to_its_first_at(account: str, group: str) -> None:
    assert account_group(account) == group


@pytest.mark.parametrize(
    ("username", "account", "same"),
    [
        ("giacomo", "giacomo", True),
        ("Giacomo", "giacomo@local.neth.eu", True),
        ("giacomo@local.neth.eu", "GIACOMO", True),
        ("a@b", "A@B", True),
        ("a@b", "a@c", False),
        ("a", "b", False),
        ("a", "b@a", False),
    ],
)
def test_same_person_with_or_without_domain(username: str, account: str, same: bool) -> None:
    assert is_same_person(username, account) == same
    assert connector(Username=username, Account=account).is_loop == same


@pytest.mark.parametrize(
    ("name", "unit", "folder"),
    [
        ("external@my.remote.com", "external@my.remote.com", "external@my.remote.com"),
        ("../x", "..\\x2fx", "=2E.=2Fx"),
        ("-x", "-x", "-x"),
        ("a b", "a\\x20b", "a=20b"),
        ("$(id)", "\\x24\\x28id\\x29", "=24=28id=29"),
        ("%n", "\\x25n", "=25n"),
        ("é@h", "\\xc3\\xa9@h", "=C3=A9@h"),
        ("user+tag@h", "user\\x2btag@h", "user=2Btag@h"),
        (".", ".", "=2E"),
        ("..", "..", "=2E."),
        ("a:b\\x2f", "a\\x3ab\\x5cx2f", "a=3Ab=5Cx2f"),
        ("", "", "="),
        ("foo@", "foo\\x40", "foo@"),
        ("foo@@", "foo@@", "foo@@"),
        ("@x@h", "\\x40x@h", "@x@h"),
        ("@x@", "\\x40x\\x40", "@x@"),
        ("@", "\\x40", "@"),
        ("h@a.service", "h@a\\x2eservice", "h@a.service"),
        ("h@a.service.timer", "h@a.service\\x2etimer", "h@a.service.timer"),
        ("h@a.services", "h@a.services", "h@a.services"),
        ("x" * 170, "x" * 170, "x" * 170),
        ("x" * 171, "x" * 120 + ".7d4787083f7449f1", "x" * 120 + ".7d4787083f7449f1"),
    ],
)
def test_names_of_units_and_folders(name: str, unit: str, folder: str) -> None:
    assert unit_name(name) == f"cockpit-getmail-{unit}"
    assert folder_name(name) == folder


@given(names | names_of_escapes)
def test_names_have_only_what_is_allowed_and_are_short(name: str) -> None:
    assert re.fullmatch(r"cockpit-getmail-[A-Za-z0-9@._\\-]*", unit_name(name))
    assert re.fullmatch(r"[A-Za-z0-9@_=-][A-Za-z0-9@._=-]*", folder_name(name))
    assert len(unit_name(name)) <= len(UNIT_PREFIX) + NAME_LIMIT
    assert len(f"{unit_name(name)}.service") <= 199, "systemd's limit with PrivateTmp="
    assert len(folder_name(name)) <= NAME_LIMIT


@given(names | names_of_escapes)
def test_units_are_units_of_the_sandbox_and_named_in_full(name: str) -> None:
    unit = unit_name(name)
    assert not unit.startswith(f"{UNIT_PREFIX}@"), "systemd 252 has no drop-in for it"
    assert unit.partition("@")[1:] != ("@", ""), "a template"
    assert not re.search(r"\.(service|socket|timer)$", unit), "systemctl takes it for another unit"


@pytest.mark.long
@given(names | names_of_escapes, names | names_of_escapes)
def test_different_names_stay_different(one: str, other: str) -> None:
    assume(one != other)
    assert unit_name(one) != unit_name(other)
    assert folder_name(one) != folder_name(other)


@given((names | names_of_escapes).filter(lambda name: len(name.encode()) <= NAME_LIMIT // 4))
def test_names_can_be_told_from_units_and_folders(name: str) -> None:
    unit = unit_name(name).removeprefix(UNIT_PREFIX).encode()
    assert re.sub(rb"\\x(..)", lambda code: bytes.fromhex(code[1].decode()), unit).decode() == name
    folder = folder_name(name).encode().removesuffix(b"=")
    assert re.sub(rb"=(..)", lambda code: bytes.fromhex(code[1].decode()), folder).decode() == name


def test_no_name_can_be_given_to_take_the_place_of_a_long_one() -> None:
    long = "x" * 300
    for name_of in (lambda name: unit_name(name).removeprefix(UNIT_PREFIX), folder_name):
        assert name_of(name_of(long)) != name_of(long)
        assert name_of(long) != name_of(long + "x")
        assert len(name_of(name_of(long))) <= NAME_LIMIT


# Tokens


def test_token_leads_to_its_connector() -> None:
    for name in ("", "me@here", "a b", "é😀", "x" * 300, "\udcff"):
        token = make_token(name)
        assert re.fullmatch("[0-9a-f]{32}", token)
        assert token.startswith(token_prefix(name))
    assert token_prefix("me@here") != token_prefix("me@her")


def test_no_two_tokens_are_one() -> None:
    assert len({make_token("me@here") for _ in range(1000)}) == 1000


def test_sealed_secrets_are_apart_too() -> None:
    made = Connector.from_record("n", {"Server": "s", "SealedPassword": "blob", "SealedRefreshToken": ""})
    assert (made.props, made.secrets, made.sealed) == ({"Server": "s"}, {}, {"Password": "blob"})
    assert made.password == ""
    assert made != Connector.from_record("n", {"Server": "s"})


def test_secret_in_clear_beside_a_sealed_one_was_put_there_since() -> None:
    both = Connector.from_record("n", {"Password": "canary", "SealedPassword": "blob"})
    assert (both.secrets, both.sealed) == ({"Password": "canary"}, {})
    emptied = Connector.from_record("n", {"Password": "", "SealedPassword": "blob"})
    assert (emptied.secrets, emptied.sealed) == ({}, {"Password": "blob"})
