# SPDX-License-Identifier: LGPL-2.1-or-later
"""Run in the machine by the installed project's interpreter: start a run of each connector, so many at once.

    python -I starter.py helper|scheduler AT-ONCE <NAMES

`helper` calls the installed helper for each, as a process of its own; `scheduler` starts all units from
this process. It ends when the last unit has ended, and says what failed.
"""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HELPER = "/usr/local/libexec/cockpit-getmail/execute"
SLICE = Path("/sys/fs/cgroup/cockpit.slice/cockpit-getmail.slice")
LOOK_SECONDS = 0.002


def main(how: str, at_once: int, names: Sequence[str]) -> None:
    start = {"helper": start_by_helper, "scheduler": start_here}[how]

    def run(name: str) -> None:
        unit = start(name)
        while Path(SLICE, f"{unit}.service").exists():
            time.sleep(LOOK_SECONDS)

    with ThreadPoolExecutor(at_once) as pool:
        for _ in pool.map(run, names):
            pass


def start_by_helper(name: str) -> str:
    request = json.dumps({"action": "run", "name": name})
    done = subprocess.run([HELPER], check=False, input=request, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{name}: {done.stdout}{done.stderr}")
    return str(json.loads(done.stdout)["unit"])


def start_here(name: str) -> str:
    from cockpit_getmail import database, settings, units
    from cockpit_getmail.actions import require_runnable
    from cockpit_getmail.connector import make_token

    found = settings.load()
    connector = require_runnable(database.read(found.connectors_db), name)
    return units.start_run(connector, found, make_token(name))[0]


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.stdin.read().split())
