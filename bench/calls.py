# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cold calls of the installed helpers, beside an interpreter that imports json and ends."""

import shutil
from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any

from bench import BUILD, table
from bench.helpers import Call, Command, connector_name, make_request, make_state
from bench.pairs import compare, once

FOLDER = BUILD / "calls"
CONNECTORS = 100
MANY, QUICK_MANY = 10_000, 500
STATUS_SECONDS = 0.5
CALLS, QUICK_CALLS = 9, 2
PAIRS, QUICK_PAIRS = 30, 5
LIMIT, LIMIT_WITH_FILE = 2.0, 3.0
JSON = Command("python3", ["/usr/bin/python3", "-I", "-c", "import json"])
HEAD = ("call", "ours", "import json", "ours / import json")


def sections(quick: bool) -> Iterator[table.Section]:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    try:
        section = table.Section(f"Cold calls of helpers, {CONNECTORS} connectors in the database", HEAD)
        for with_file in (False, True):
            for verb, request in _requests().items():
                section.rows.append(_measure(verb, request, with_file, QUICK_PAIRS if quick else PAIRS))
        yield section
        yield _statuses(*((QUICK_MANY, QUICK_CALLS) if quick else (MANY, CALLS)))
    finally:
        shutil.rmtree(FOLDER)


def _requests() -> Mapping[str, dict[str, Any]]:
    return {
        "read": {"action": "list"},
        "validate": make_request("create", CONNECTORS),
        "update": {"action": "enable", "name": connector_name(1)},
    }


def _measure(verb: str, request: dict[str, Any], with_file: bool, pairs: int) -> table.Row:
    call = Call(verb, request, FOLDER, CONNECTORS, settings_file=with_file)
    found = compare(call, JSON, pairs)
    assert found.ratio
    limit = LIMIT_WITH_FILE if with_file else LIMIT
    cells = [
        table.show_seconds(median(usage.seconds for usage in found.ours)),
        table.show_seconds(median(usage.seconds for usage in found.peer)),
        table.show_spread(found.ratio),
    ]
    work = f"{call.name}, {'with a' if with_file else 'no'} settings file"
    return table.Row(work, cells, f"<= {limit}", found.ratio.median <= limit)


def _statuses(connectors: int, calls: int) -> table.Section:
    """Ask for all connectors with their status: each has run, and told of it."""
    make_state(FOLDER, connectors)
    found = table.Section(
        f"{connectors} connectors with their status",
        ("call", "seconds", "processor"),
        remarks=[
            "A small file of each is read, and the record of starts; where systemd runs, it is asked once."
        ],
    )
    for action, more in (("list", {}), ("status", {}), ("status", {"status_ok": 0})):
        call = Call("read", {"action": action, **more}, FOLDER, connectors)
        usages = [once(call) for _ in range(1 + calls)][1:]
        seconds = median(usage.seconds for usage in usages)
        cells = [table.show_seconds(seconds), table.show_seconds(median(usage.cpu for usage in usages))]
        work = f"{call.name}{', only failures' if more else ''}"
        found.rows.append(table.Row(work, cells, f"<= {STATUS_SECONDS} s", seconds <= STATUS_SECONDS))
    return found
