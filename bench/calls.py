# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cold calls of the installed helpers, beside an interpreter that imports json and ends."""

import shutil
from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any

from bench import BUILD, table
from bench.helpers import Call, Command, connector_name, make_request
from bench.pairs import compare

FOLDER = BUILD / "calls"
CONNECTORS = 100
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
