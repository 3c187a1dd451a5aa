# SPDX-License-Identifier: LGPL-2.1-or-later
"""What root believes of the answers about an account: anything may come out of the sandbox."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail import remote
from cockpit_getmail.problem import TEXT_LIMIT
from tests.support.schemas import check_schema

PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
FOLDER = {
    "name": "é/a",
    "separator": "/",
    "messages": 3,
    "unseen": 0,
    "size": None,
    "uidvalidity": 7,
    "special_use": "\\Sent",
    "subscribed": True,
    "selectable": True,
    "chosen": False,
    "local": None,
}
SPACE = {"prefix": "INBOX.", "separator": "."}
FOUND: dict[str, dict[str, Any]] = {
    "capabilities": {"protocol": "imap", "tls": None, "capabilities": ["IMAP4REV1"]},
    "certificate": {
        "subject": "CN=a",
        "issuer": "CN=b",
        "not_before": -5,
        "not_after": None,
        "names": ["a"],
        "fingerprint": "0f" * 32,
        "pem": PEM,
        "trusted": False,
        "reason": "No.",
    },
    "folders": {"folders": [FOLDER, {**FOLDER, "local": "a"}], "more": 0},
    "namespace": {"personal": [SPACE], "other": [], "shared": None},
    "quota": {
        "folder": "é",
        "quotas": [{"root": "", "resource": "STORAGE", "usage": 5, "limit": 10}],
    },
    "rights": {"folder": "é", "rights": "lr", "everyone": [{"who": "ann", "rights": "lr"}]},
}
"""Answers of each kind."""
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
HOSTILE: st.SearchStrategy[Any] = ANYTHING | st.sampled_from(
    ["x" * 100_000, "\x1b[2J", "\ud800", -1, 1 << 70, True, 1.5, [["a"]] * 3000, {"a": 1}]
)
NO_ANSWER = (ValueError, LookupError, TypeError, AttributeError)


def ask(kind: str) -> dict[str, Any]:
    return {"about": kind, "folder": "é"}


@pytest.mark.parametrize("kind", FOUND)
def test_an_answer_comes_as_it_was_given(kind: str) -> None:
    found = FOUND[kind]
    assert remote.check(ask(kind), json.loads(json.dumps(found))) == found
    # Nothing in it but what belongs there.
    assert remote.check(ask(kind), {**found, "more": 0, "password": "x"}) == found
    check_schema(f"read/{kind}.output.json", found)


@pytest.mark.long
@pytest.mark.parametrize("kind", FOUND)
@given(data=st.data())
def test_whatever_comes_it_has_that_shape(kind: str, data: st.DataObject) -> None:
    found = mutate(data, json.loads(json.dumps(FOUND[kind])))
    try:
        checked = remote.check(ask(kind), found)
    except NO_ANSWER:
        return
    check_schema(f"read/{kind}.output.json", checked)
    text = json.dumps(checked, ensure_ascii=False)
    assert "\x1b" not in text
    assert all(len(word) <= TEXT_LIMIT for word in find_texts({**checked, "pem": ""}))


def mutate(data: st.DataObject, value: Any) -> Any:
    """Put anything in the place of something in a value."""
    if data.draw(st.integers(0, 3)) == 0 or not isinstance(value, dict | list) or not value:
        return data.draw(HOSTILE)
    at = data.draw(st.sampled_from(sorted(value) if isinstance(value, dict) else range(len(value))))
    if data.draw(st.integers(0, 9)) == 0:
        del value[at]
    else:
        value[at] = mutate(data, value[at])
    return value


def find_texts(value: Any) -> list[str]:
    if isinstance(value, dict | list):
        return [
            text
            for item in (value.values() if isinstance(value, dict) else value)
            for text in find_texts(item)
        ]
    return [value] if isinstance(value, str) else []


@pytest.mark.long
@pytest.mark.parametrize("kind", sorted(remote._MODULES))
@given(found=HOSTILE)
def test_what_is_none_is_refused(kind: str, found: Any) -> None:
    if not isinstance(found, dict):
        with pytest.raises(NO_ANSWER):
            remote.check({"about": kind, "folder": "INBOX", "uid": "1", "limit": 5}, found)
