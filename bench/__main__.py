# SPDX-License-Identifier: LGPL-2.1-or-later
"""`python -m bench [--quick] [--only NAME,NAME]`: run the sections, print and write down their tables."""

import argparse
import importlib.util
import sys
import time
from collections.abc import Sequence

from bench import BUILD, ROOT, results, table
from bench.pairs import Failed

SECTIONS = ("fetching", "folders", "delivering", "growth", "accounts", "schedule", "calls")


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parse(arguments)
    file = (BUILD if options.quick else ROOT / "bench") / "RESULTS.md"
    status = 0
    # What is installed by now; the tree may change while it is measured.
    commit = results.find_commit()
    for name in options.only:
        begun = time.monotonic()
        shown: list[str] = []
        try:
            for section in importlib.import_module(f"bench.{name}").sections(options.quick):
                shown.append(table.show(table.without_targets(section) if options.quick else section))
                print(shown[-1], flush=True)
        except Failed as failed:
            status = 1
            shown.append(f"This project failed: {failed}.\n")
            print(shown[-1], file=sys.stderr)
        results.write(file, name, SECTIONS, [results.describe(time.monotonic() - begun, commit), *shown])
    if options.quick:
        print("Smaller mailboxes and fewer pairs: nothing of this is held against a target.")
    print(f"Written to {file.relative_to(ROOT)}.")
    return status


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    there = [name for name in SECTIONS if importlib.util.find_spec(f"bench.{name}")]
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller mailboxes, fewer pairs")
    parser.add_argument("--only", default=",".join(there), metavar="NAME,NAME", help=f"of {', '.join(there)}")
    options = parser.parse_args(arguments)
    options.only = options.only.replace(",", " ").split()
    if unknown := set(options.only) - set(there):
        parser.error(f"no such section: {', '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    sys.exit(main())
