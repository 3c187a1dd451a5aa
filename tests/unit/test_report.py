# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a run says: plain lines, lines for the journal, a bar on a terminal."""

import io
import os
import pty
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import pytest

from cockpit_getmail import report
from cockpit_getmail.report import Bar, Lines, reporter


def say_everything(lines: Lines) -> None:
    with lines:
        lines.note("Connected.")
        lines.begin(3, 2500)
        lines.advance(2, 2000)
        lines.warn("One message has another size.")
        lines.advance(1, 500)
        lines.error("It broke.")


EVERYTHING = [
    "Connected.",
    "3 new messages, 2.5 kB.",
    "2 of 3 delivered.",
    "One message has another size.",
    "3 of 3 delivered.",
    "It broke.",
]


def test_lines_are_plain_where_nobody_reads_priorities() -> None:
    stream = io.StringIO()
    say_everything(reporter(stream))
    assert stream.getvalue().splitlines() == EVERYTHING


def test_each_line_is_out_at_once(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as stream:
        reporter(stream).note("Connected.")
        assert (tmp_path / "log").read_text() == "Connected.\n"


def test_lines_of_the_journal_bear_priorities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "log").open("w") as stream:
        found = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}")
        say_everything(reporter(stream))
    priorities = ["<5>", "<5>", "<5>", "<4>", "<5>", "<3>"]
    expected = [priority + line for priority, line in zip(priorities, EVERYTHING, strict=True)]
    assert (tmp_path / "log").read_text().splitlines() == expected


def test_stream_that_is_not_the_journals_bears_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is inherited by what redirects its output elsewhere (systemd.exec(5))."""
    other = tmp_path.stat()
    monkeypatch.setenv("JOURNAL_STREAM", f"{other.st_dev}:{other.st_ino}")
    with (tmp_path / "log").open("w") as stream:
        reporter(stream).note("Connected.")
    assert (tmp_path / "log").read_text() == "Connected.\n"


def test_second_count_goes_on() -> None:
    stream = io.StringIO()
    lines = reporter(stream)
    for _ in range(2):
        lines.begin(1, 10)
        lines.advance(1, 10)
    assert stream.getvalue().splitlines() == [
        "1 new message, 10 bytes.",
        "1 of 1 delivered.",
        "1 new message, 10 bytes.",
        "2 of 2 delivered.",
    ]


def test_what_a_stream_cannot_show_is_escaped(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w", encoding="latin-1") as stream:
        reporter(stream).warn("Grüße, Сообщение \udcff")
    assert (tmp_path / "log").read_bytes().startswith(b"Gr\xfc\xdfe, \\u0421\\u043e")


def test_a_reader_who_has_gone_ends_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        say_everything(reporter(stream))


def test_a_full_disk_ends_nothing() -> None:
    with open("/dev/full", "w", encoding="utf-8") as stream:
        say_everything(reporter(stream))


@pytest.mark.long
def test_a_terminal_that_has_gone_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    shown, descriptor = pty.openpty()
    with os.fdopen(descriptor, "w") as stream:
        lines = reporter(stream)
        assert isinstance(lines, Bar)
        with lines:
            lines.begin(3, 2500)
            os.close(shown)
            lines.advance(2, 2000)
            lines.warn("One message has another size.")


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[TextIO, int]]:
    """A terminal, and the descriptor from which to read what it shows."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    shown, descriptor = pty.openpty()
    with os.fdopen(descriptor, "w") as stream:
        yield stream, shown
    os.close(shown)


def read_to_end(stream: TextIO, shown: int) -> bytes:
    """Close the terminal and return all that it showed: a read before that may get a part of it."""
    stream.close()
    data = b""
    with suppress(OSError):
        while piece := os.read(shown, 1 << 20):
            data += piece
    return data


@pytest.mark.long
def test_terminal_gets_a_bar(terminal: tuple[TextIO, int]) -> None:
    stream, shown = terminal
    lines = reporter(stream)
    assert isinstance(lines, Bar)
    say_everything(lines)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", read_to_end(stream, shown).decode())
    assert "3 of 3" in text
    assert "2.5/2.5 kB" in text
    for line in ("Connected.", "3 new messages, 2.5 kB.", "One message has another size.", "It broke."):
        assert line in text


def test_bar_grows_with_each_folder(terminal: tuple[TextIO, int]) -> None:
    stream, shown = terminal
    with reporter(stream) as lines:
        for _ in range(2):
            lines.begin(2, 1500)
            lines.advance(2, 1500)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", read_to_end(stream, shown).decode())
    assert "4 of 4" in text
    assert "3.0/3.0 kB" in text


def test_what_servers_say_is_no_markup_for_the_terminal(terminal: tuple[TextIO, int]) -> None:
    stream, shown = terminal
    with reporter(stream) as lines:
        lines.warn("[bold red]NO[/] [link=http://x]here[/link] :smile:")
    assert "[bold red]NO[/] [link=http://x]here[/link] :smile:" in read_to_end(stream, shown).decode()


def test_bar_ends_with_its_run_whatever_ends_that(terminal: tuple[TextIO, int]) -> None:
    stream, shown = terminal
    with suppress(KeyboardInterrupt), reporter(stream) as lines:
        lines.begin(3, 300)
        raise KeyboardInterrupt
    # The cursor is shown again.
    assert read_to_end(stream, shown).decode().rpartition("\x1b[?25h")[1]


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 messages"), (1, "1 message"), (2, "2 messages"), (1000, "1000 messages")]
)
def test_count(number: int, text: str) -> None:
    assert report.count(number, "message") == text


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (1_234_567, "1.2 MB"),
        (999_949_999, "999.9 MB"),
        (5_000_000_000_000, "5000.0 GB"),
    ],
)
def test_size(octets: int, text: str) -> None:
    assert report.size(octets) == text
