# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a unit sees: the drop-in's sandbox, what is hidden beside it, and the program."""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from cockpit_getmail.problem import failure
from cockpit_getmail.settings import Settings
from cockpit_getmail.units.folders import HOMES

DROP_IN = "cockpit-getmail-.service.d/10-fetch.conf"
UNIT_FOLDERS = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)
STATE_ROOT = Path("/var/lib")
HIDDEN = Path("/var/lib/cockpit-getmail")
"""What the drop-in hides from every unit, beside HOMES."""
_SYSTEM = ("/usr", "/etc", "/bin", "/sbin", "/lib", "/lib64", "/run", "/proc", "/sys", "/dev")
_SYNTAX = re.compile("([^A-Za-z0-9/._@=+\x80-\U0010ffff-])")


def program() -> list[str]:
    """Return `cockpit-getmail` as units run it: by the interpreter of the packages that this process uses."""
    for folder in sys.path:
        venv = Path(folder).parents[2] if folder.endswith("/site-packages") else None
        if venv and (venv / "pyvenv.cfg").is_file():
            return [str(venv / "bin/python"), "-I", "-m", "cockpit_getmail"]
    return [sys.executable, "-I", "-m", "cockpit_getmail"]


def quote(path: Path, depth: int) -> str:
    """Return a path, whatever is in it, as a word that systemd-run parses `depth` times."""
    word = str(path)
    for _ in range(depth):
        word = _SYNTAX.sub(r"\\\1", word)
    return word


def hiding_properties(settings: Settings) -> list[str]:
    """Return the properties that hide all state and mail, as far as the drop-in does not do so already."""
    above = settings.destination.partition(":")[2].partition("{")
    mail = Path(above[0].rpartition("/")[0] or "/") if above[1] else HIDDEN
    hidden = (settings.state_dir, mail)
    needed = [Path(path) for path in (STATE_ROOT, "/tmp", *_SYSTEM, program()[0], __file__)]  # noqa: S108
    return [
        f"TemporaryFileSystem={quote(folder, 2)}:ro"
        for folder in dict.fromkeys((*hidden, *(folder.resolve() for folder in hidden)))
        if not _is_below(folder, (HIDDEN, *HOMES, *_SYSTEM)) and not _is_above(folder, needed)
    ]


def is_confined() -> bool:
    """Whether this process has the sandbox of the drop-in, told by what every kernel can do of it."""
    return "\nNoNewPrivs:\t1\n" in Path("/proc/self/status").read_text()


def require_installation() -> None:
    """Raise Problem (internal) without the drop-in, or for a program where no unit can see it."""
    if not any(Path(folder, DROP_IN).exists() for folder in UNIT_FOLDERS):
        message = (
            "The sandbox of runs is not installed: `make install`, or `make devel-install` for a checkout."
        )
        raise failure("internal", message)
    interpreter = Path(program()[0])
    for path in (interpreter, interpreter.resolve(), Path(__file__)):
        if _is_below(path, HOMES):
            message = f"Units do not see {path} in a home: `make install` puts cockpit-getmail elsewhere."
            raise failure("internal", message)


def _is_below(path: Path, folders: Iterable[str | Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def _is_above(folder: Path, paths: Iterable[Path]) -> bool:
    return any(path.is_relative_to(folder) for path in paths)
