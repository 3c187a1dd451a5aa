# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a program takes where this process is the larger of the two.

The kernel tells of a child's memory no less than what the process had that it was forked from.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import pairs

CHILD = ["/usr/bin/python3", "-I", "-S", str(Path(__file__).with_name("child.py"))]


def measure(argv: Sequence[str], *, env: Mapping[str, str], user: str, timeout: float) -> pairs.Usage:
    """Do what pairs.measure() does. Raises Failed."""
    with TemporaryDirectory() as folder:
        # For another user to write in.
        Path(folder).chmod(0o777)
        found = Path(folder, "usage")
        pairs.measure([*CHILD, str(found), *argv], env=env, user=user, timeout=timeout)
        return pairs.Usage(*json.loads(found.read_text()))
