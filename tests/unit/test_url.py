# SPDX-License-Identifier: LGPL-2.1-or-later
"""URLs come apart as another parser has them, what the schema takes is understood, and nothing misleads."""

import json
import re
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.problem import Problem
from cockpit_getmail.url import Target, parse_url, show_url
from tests.support.schemas import FOLDER

URL = re.compile(json.loads((FOLDER / "connector.json").read_bytes())["$defs"]["url"]["pattern"])


def test_parts() -> None:
    assert parse_url("https://Panel.Example/a/b?c=%2F") == Target(
        "https", "panel.example", 443, "panel.example", "/a/b?c=%2F"
    )
    assert parse_url("HTTP://192.0.2.1:8080?x") == Target("http", "192.0.2.1", 8080, "192.0.2.1:8080", "/?x")
    assert parse_url("https://[2001:DB8::1]:443") == Target("https", "2001:db8::1", 443, "[2001:db8::1]", "/")


@pytest.mark.long
@given(st.from_regex(URL, fullmatch=True))
def test_what_the_schema_takes_is_understood_as_by_another_parser(url: str) -> None:
    try:
        found = parse_url(url)
    except Problem:
        # The schema is not strict about addresses of IPv6.
        assert "[" in url
        return
    other = urlsplit(url)
    assert (found.scheme, found.host) == (other.scheme, other.hostname)
    assert found.port == (other.port or {"http": 80, "https": 443}[other.scheme])
    path = other.path + ("?" + url.partition("?")[2] if "?" in url else "")
    assert found.path == (path if path.startswith("/") else f"/{path}")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://",
        "panel.example",
        "ftp://panel.example/",
        "https:/panel.example/",
        "https://a@panel.example/",
        "https://a:b@panel.example/",
        "https://panel.example:x/",
        "https://panel.example:0/",
        "https://panel.example:65536/",
        "https://panel.example:",
        "https://panel.example/#a",
        "https://panel.example\\@other.example/",
        "https://panel.example /",
        "https://panel.example/\r\nX: y",
        "https://panel.example/a b",
        "https://panel.example/é",
        "https://bücher.example/",
        "https://127.1/",
        "https://2130706433/",
        "https://[::1/",
        "https://::1/",
        "https://[fe80::1%25eth0]/",
        "https://[127.0.0.1]/",
        "https://-a.example/",
        "https://panel.example/" + "x" * 2048,
    ],
)
def test_anything_else_is_refused(url: str) -> None:
    with pytest.raises(Problem) as caught:
        parse_url(url)
    assert caught.value.cause == "connector"
    assert url not in caught.value.message or not url


@given(st.text() | st.text("https://[]:@.?#%0aZ").map("https://".__add__))
def test_nothing_else_is_raised(url: str) -> None:
    try:
        found = parse_url(url)
    except Problem:
        return
    assert re.fullmatch("/[!-~]*", found.path)
    assert re.fullmatch(r"[0-9a-z.:-]+", found.host)


def test_what_is_shown_has_no_path() -> None:
    assert show_url("https://panel.example/secret?key") == "https://panel.example"
    assert show_url("nonsense/secret") == "its URL"
