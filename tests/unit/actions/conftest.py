# SPDX-License-Identifier: LGPL-2.1-or-later
"""Settings of the test's own."""

from pathlib import Path

import pytest

from cockpit_getmail.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        tmp_path / "connectors", tmp_path / "state", f"maildir:{tmp_path}/mail/{{account}}", "nobody", 1.0
    )
