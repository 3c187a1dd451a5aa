# SPDX-License-Identifier: LGPL-2.1-or-later
"""`make demo` does what it shows."""

import re
import subprocess
import sys

from tests.support import need_programs, need_root
from tests.support.machine import PROJECT


def test_demo_goes_through_all_its_steps() -> None:
    need_root()
    need_programs("systemd-nspawn", "dovecot")
    done = subprocess.run(
        [sys.executable, "-m", "demo"],
        cwd=PROJECT,
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("200 of 200 delivered.") == 1
    assert "Still 200 messages." in done.stdout
    assert re.search(r"https://127\.0\.0\.1:[0-9]+/getmail and log in as admin, password \S+\n", done.stdout)
    assert "Nothing of them stays." in done.stdout
