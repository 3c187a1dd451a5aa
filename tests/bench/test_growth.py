# SPDX-License-Identifier: LGPL-2.1-or-later
import os
import pwd
import sys

import pytest

from bench import peak
from bench.growth import is_linear
from bench.helpers import connector_name, make_database, make_props
from bench.large import PIECE, digest_lines, make_pieces
from bench.pairs import Failed
from cockpit_getmail.database import Database

ME = pwd.getpwuid(os.geteuid()).pw_name


def test_linear_is_what_costs_no_more_for_each() -> None:
    assert is_linear({0: 1.0, 100: 2.0, 1000: 11.0}, 100, 1000)
    assert is_linear({0: 1.0, 100: 2.0, 1000: 5.0}, 100, 1000)
    assert not is_linear({0: 1.0, 100: 2.0, 1000: 13.0}, 100, 1000)


def test_made_database_has_each_connector() -> None:
    content = Database(make_database(50))
    assert not content.broken
    record = content.get(connector_name(7))
    assert record
    assert dict(record.props) == make_props(7)
    assert content.format() == make_database(50)


def test_large_message_is_made_of_lines_and_has_about_its_size() -> None:
    message = b"".join(make_pieces(5 * PIECE))
    assert abs(len(message) - 5 * PIECE) < PIECE
    assert message.count(b"\r\n") == message.count(b"\n") == message.count(b"\r")
    assert max(map(len, message.split(b"\r\n"))) < 998


def test_digest_is_the_same_wherever_lines_are_cut() -> None:
    assert digest_lines([b"a\r", b"\nb\r\n"]) == digest_lines([b"a\nb\n"])
    assert digest_lines([b"a\r\nb\r\n"]) != digest_lines([b"a\r\nc\r\n"])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may run what it measures as a user")
def test_peak_is_that_of_the_program_alone() -> None:
    here = bytearray(b"x") * (200 << 20)
    usage = peak.measure([sys.executable, "-I", "-S", "-c", "pass"], env={}, user=ME, timeout=20)
    assert usage.peak < len(here)
    assert usage.seconds > 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may run what it measures as a user")
def test_failure_of_the_measured_program_is_told() -> None:
    with pytest.raises(Failed, match="exit status 3"):
        peak.measure([sys.executable, "-I", "-S", "-c", "raise SystemExit(3)"], env={}, user=ME, timeout=20)
