# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tables and lines, on a terminal and elsewhere."""

import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.command.screen import Screen

HOSTILE = "a\x1b[31mb\x9b2J\u202ec\r\nd[red]e[/]:smile:"
SHOWN = "a\\x1b[31mb\\x9b2J\\u202ec\\x0d\\x0ad[red]e[/]:smile:"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


def plain(text: str) -> str:
    """Return text without what colours it; all of that is rich's own."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_plain_table_is_aligned_and_without_colour() -> None:
    out = io.StringIO()
    Screen(out).table(("NAME", ">N", "WHAT"), [("a", "1", ("b", "red")), ("漢字c", "10", "")])
    assert out.getvalue() == "NAME    N  WHAT\na       1  b\n漢字c  10\n"


def test_empty_columns_are_left_out() -> None:
    out = io.StringIO()
    Screen(out).table(("NAME", "LABEL", "STATUS"), [("a", "", "ok")])
    assert out.getvalue() == "NAME  STATUS\na     ok\n"


@pytest.mark.parametrize("out", [io.StringIO(), Terminal()])
def test_hostile_text_is_shown_and_does_nothing(out: io.StringIO) -> None:
    screen = Screen(out, out)
    screen.table(("NAME", "WHAT"), [(HOSTILE, (HOSTILE, "red"))])
    screen.pairs([("Name", HOSTILE)])
    screen.say((HOSTILE, "bold"))
    screen.complain(HOSTILE)
    shown = plain(out.getvalue())
    assert shown.count(SHOWN) == 5
    assert "\x1b" not in shown


@pytest.mark.long
@given(st.text())
def test_nothing_but_characters_reaches_a_terminal(text: str) -> None:
    out = Terminal()
    Screen(out).say(text)
    assert plain(out.getvalue()).replace("\n", "").isprintable() or not text.isprintable()
    assert "\x1b" not in plain(out.getvalue())


def test_colours_are_for_terminals() -> None:
    terminal, file = Terminal(), io.StringIO()
    for out in (terminal, file):
        Screen(out).say(("ok", "green"))
    assert (file.getvalue(), plain(terminal.getvalue())) == ("ok\n", "ok\n")
    assert terminal.getvalue() != file.getvalue()


def test_names_are_folded_and_never_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    out, name = Terminal(), "x" * 60
    Screen(out).table(("NAME", "STATUS"), [(name, "log-in refused")])
    assert plain(out.getvalue()).count("x") == 60
    assert "log-in refused" in plain(out.getvalue())


def test_json_is_one_line_as_it_came() -> None:
    out = io.StringIO()
    answer = {"name": "ü\u202e", "path": "\udcff", "n": 1}
    Screen(out).json(answer)
    assert out.getvalue() == '{"name": "ü\u202e", "path": "\\udcff", "n": 1}\n'
    assert json.loads(out.getvalue()) == answer


def test_json_cannot_harm_a_terminal() -> None:
    out = Terminal()
    answer = {"name": HOSTILE, "path": "\udcff"}
    Screen(out).json(answer)
    assert out.getvalue().isascii()
    assert out.getvalue().replace("\n", "").isprintable()
    assert json.loads(out.getvalue()) == answer
