# SPDX-License-Identifier: LGPL-2.1-or-later
"""CRLF becomes LF, and nothing else changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.destination.line_ends import LineEnds


@pytest.mark.long
@given(st.lists(st.text("\r\na\0").map(str.encode), max_size=12))
def test_pieces_make_no_difference(pieces: list[bytes]) -> None:
    line_ends = LineEnds()
    converted = b"".join([*map(line_ends.convert, pieces), line_ends.finish()])
    assert converted == b"".join(pieces).replace(b"\r\n", b"\n")
