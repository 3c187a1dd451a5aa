# SPDX-License-Identifier: LGPL-2.1-or-later
"""Run by itself: start a program and write down what it took, from a process smaller than any of them.

python -I -S child.py FILE COMMAND [ARGUMENT ...]
"""

import json
import os
import sys
import time


def main(found: str, *argv: str) -> int:
    begun = time.perf_counter()
    child = os.posix_spawnp(argv[0], argv, os.environ)
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - begun
    with open(found, "w") as file:
        json.dump([seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss << 10], file)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
