# SPDX-License-Identifier: LGPL-2.1-or-later
"""Messages as filters get them, and a clamd and an rspamd for all tests."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cockpit_getmail.spool import Spool

MakeSpool = Callable[[bytes], Spool]


@pytest.fixture
def make_spool(tmp_path: Path) -> Iterator[MakeSpool]:
    made: list[Spool] = []

    def make(data: bytes) -> Spool:
        spool = Spool(tmp_path)
        spool.write(data)
        made.append(spool)
        return spool

    yield make
    for spool in made:
        spool.close()
