# SPDX-License-Identifier: LGPL-2.1-or-later
"""`python -m cockpit_getmail` is `cockpit-getmail`; run as a file, it finds the packages beside it."""

import os
import sys

if not __package__:
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    # In a checkout the others are in its .venv.
    venv = f"{os.path.dirname(here)}/.venv/lib/python3.{sys.version_info.minor}/site-packages"
    sys.path[:0] = [here, venv] if os.path.isdir(venv) else [here]

from cockpit_getmail.cli import entry

if __name__ == "__main__":
    sys.exit(entry())
