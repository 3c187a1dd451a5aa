# SPDX-License-Identifier: LGPL-2.1-or-later
"""The file of results: a block for each module of sections, which stays until that module runs again."""

import os
import platform
import re
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench import BUILD, ROOT

HEAD = """<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->
<!-- Written by `make bench`. -->
# Results of `make bench`

Seconds are medians of whole processes, from their start to their end. A ratio is ours divided by the other's,
pair by pair: median (least-most); below 1 this project is faster. How it is measured: [NOTES.md](NOTES.md).
"""


def write(file: Path, name: str, order: Sequence[str], parts: Sequence[str]) -> None:
    """Put a module's block into the file, and leave the blocks of the others as they are."""
    blocks = parse(file.read_text()) if file.exists() else {}
    blocks[name] = "\n".join(parts).strip()
    text = [HEAD, *(f"<!-- {key} -->\n{blocks[key]}\n<!-- end {key} -->\n" for key in order if key in blocks)]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(text))


def parse(text: str) -> dict[str, str]:
    """Return the blocks by their names."""
    return dict(re.findall(r"^<!-- (\w+) -->\n(.*?)\n<!-- end \1 -->$", text, re.DOTALL | re.MULTILINE))


def describe(seconds: float, commit: str) -> str:
    """Return when this was measured, how long it took, of what, and on which machine."""
    now = datetime.now(UTC)
    return (
        f"Measured {now:%Y-%m-%d %H:%M} UTC in {seconds / 60:.1f} minutes, {commit}.  \n"
        f"Machine: {_machine()}.\n"
    )


def find_commit() -> str:
    """Return what is checked out, in words."""
    changed = " and uncommitted changes" if _output("git", "status", "--porcelain", "-uno", "lib") else ""
    return f"commit {_output('git', 'rev-parse', '--short', 'HEAD') or 'unknown'}{changed}"


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    system = platform.freedesktop_os_release()["PRETTY_NAME"]
    return (
        f"{os.cpu_count()} cores, {memory / (1 << 30):.0f} GiB, {model[1] if model else platform.machine()}, "
        f"{system}, Linux {platform.release()}, {_file_system()}, Python {platform.python_version()}"
    )


def _file_system() -> str:
    """Return the file system that everything is delivered to."""
    BUILD.mkdir(parents=True, exist_ok=True)
    return _output("stat", "--file-system", "--format=%T", str(BUILD)).replace("ext2/ext3", "ext4")


def _output(*argv: str) -> str:
    done = subprocess.run(argv, cwd=ROOT, check=False, capture_output=True, text=True)
    return done.stdout.strip()
