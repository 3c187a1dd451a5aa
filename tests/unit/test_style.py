# SPDX-License-Identifier: LGPL-2.1-or-later
"""What no linter looks at."""

import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SPDX = "SPDX-License-Identifier: LGPL-2.1-or-later"
MADE = {"build", "dist", "__pycache__", "node_modules"}
# JSON has no comments, and the licence needs no licence.
EXEMPT = {".json", "COPYING", ".png"}


def test_each_file_says_its_licence_first() -> None:
    silent = [str(path.relative_to(ROOT)) for path in find_files() if SPDX not in read_start(path)]
    assert not silent


def find_files() -> Iterator[Path]:
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [
            name
            for name in folders
            if name == ".ci" or not (name in MADE or name.startswith(".") or name.endswith(".egg-info"))
        ]
        for path in (Path(folder, name) for name in names):
            if path.name not in EXEMPT and path.suffix not in EXEMPT and path.stat().st_size:
                yield path


def read_start(path: Path) -> str:
    """Return the first two lines: one of them may name the interpreter, or a man page's preprocessor."""
    with path.open(encoding="utf-8") as file:
        return file.readline() + file.readline()
