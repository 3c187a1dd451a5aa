# SPDX-License-Identifier: LGPL-2.1-or-later
"""`python -m cockpit_getmail` is `cockpit-getmail`."""

import sys

from cockpit_getmail.cli import entry

if __name__ == "__main__":
    sys.exit(entry())
