# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests share: certificates, real and hostile servers, a proxy, a machine."""

import os
import shutil
from typing import NoReturn

import pytest

IN_CI = os.environ.get("CI") == "true"


def missing(what: str) -> NoReturn:
    """End a test that cannot run here: a skip on a laptop, a failure in CI."""
    if IN_CI:
        pytest.fail(what, pytrace=False)
    pytest.skip(what)


def need_root() -> None:
    if os.geteuid() != 0:
        missing("This test needs root.")


def need_programs(*names: str) -> None:
    absent = [name for name in names if shutil.which(name) is None]
    if absent:
        missing(f"This test needs {', '.join(absent)}; `make check` as root installs it.")
