# SPDX-License-Identifier: LGPL-2.1-or-later
"""Props as options."""

import pytest

from cockpit_getmail import usage
from cockpit_getmail.command import props
from tests.support.schemas import load


@pytest.mark.parametrize(
    ("prop", "flag"),
    [
        ("CAFile", "--ca-file"),
        ("TLS", "--tls"),
        ("SyncPeriod", "--sync-period"),
        ("StatusCallbackUrl", "--status-callback-url"),
        ("Username", "--user"),
        ("Password", "--password"),
        ("connector", None),
    ],
)
def test_flags(prop: str, flag: str | None) -> None:
    assert props.flag(prop) == flag


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("imaps", "SimpleIMAPSSLRetriever"),
        ("POP3", "SimplePOP3Retriever"),
        ("SimpleIMAPRetriever", "SimpleIMAPRetriever"),
        ("smtp", "smtp"),
    ],
)
def test_retrievers_have_short_names(said: str, meant: str) -> None:
    assert props.read(usage.parse(["add", "--retriever", said])) == {"Retriever": meant}


def test_short_names_stand_for_all_retrievers() -> None:
    [shape] = load("create/create.input.json")["properties"]["Retriever"]["allOf"]
    assert sorted(props.RETRIEVERS.values()) == sorted(shape["enum"])


def test_only_what_is_given_is_read() -> None:
    assert props.read(usage.parse(["add"])) == {}
    words = ["add", "--time", "60", "--label", "", "--disabled"]
    assert props.read(usage.parse(words)) == {"Time": "60", "Label": "", "status": "disabled"}


def test_empty_value_removes_what_may_be_missing() -> None:
    words = ["edit", "me", "--label", "", "--port", "", "--server", "", "--time", "60"]
    changes = {"Label": None, "Port": None, "Server": "", "Time": "60"}
    assert props.read_changes(usage.parse(words)) == changes
