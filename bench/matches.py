# SPDX-License-Identifier: LGPL-2.1-or-later
"""The rows of a fetch against a peer."""

import sys
from collections.abc import Iterable
from statistics import median

from bench import table
from bench.pairs import Failed, Pairs
from bench.peers import Program

HEAD = ("work, round trip", "ours", "peer", "peer's", "ours / peer")
ROUND_TRIPS = (0.0, 0.02)
"""In seconds."""


def name_work(what: str, round_trip: float) -> str:
    return f"{what}, {round_trip * 1000:.0f} ms"


def make_row(work: str, peer: Program, pairs: Pairs, limit: float | None) -> table.Row:
    """Return the row, and show on stderr that it is there; `limit` is the ratio that is the target."""
    row = _make_row(work, peer.name, pairs, limit)
    print(f"{row.work}: {' | '.join(row.cells)}", file=sys.stderr, flush=True)
    return row


def _make_row(work: str, peer: str, pairs: Pairs, limit: float | None) -> table.Row:
    ours = table.show_seconds(median(usage.seconds for usage in pairs.ours))
    target = f"<= {limit:.3f}".rstrip("0") if limit else ""
    if pairs.ratio is None:
        return table.Row(work, [ours, peer, f"failed: {pairs.failure}", "-"], target)
    theirs = table.show_seconds(median(usage.seconds for usage in pairs.peer))
    ratio = table.show_spread(pairs.ratio, 3 if pairs.ratio.median < 0.1 else 2)
    return table.Row(
        work, [ours, peer, theirs, ratio], target, pairs.ratio.median <= limit if limit else None
    )


def list_versions(programs: Iterable[Program]) -> str:
    """Return a remark that names each program's version."""
    versions = dict.fromkeys(f"{program.name.split()[0]} {_version(program)}" for program in programs)
    return f"Versions: {', '.join(versions)}."


def _version(program: Program) -> str:
    try:
        return program.version or "missing"
    except Failed:
        return "missing"
