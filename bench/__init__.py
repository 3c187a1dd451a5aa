# SPDX-License-Identifier: LGPL-2.1-or-later
"""This project beside its peers, in one run: `make bench`."""

from pathlib import Path

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build" / "bench"
PREFIX = BUILD / "prefix"
"""Where `make bench` installs this project; what is there is what is measured."""
VENV = BUILD / "venv"
"""Where `make bench` installs what comes from PyPI: getmail6 and nothing else."""
