# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a unit sees: the drop-in's sandbox, what is hidden beside it, and the program."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cockpit_getmail.database import Database
from cockpit_getmail.problem import failure, printable
from cockpit_getmail.units.folders import HOMES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cockpit_getmail.settings import Settings
    from cockpit_getmail.units.place import Place

DROP_IN = "cockpit-getmail-.service.d/10-fetch.conf"
UNIT_FOLDERS = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)
STATE_ROOT = Path("/var/lib")
MAILDIR = "maildir:/"
"""How a destination begins that is no home."""
EXAMPLE = "maildir:/srv/mail/{account}"
HIDDEN = Path("/var/lib/cockpit-getmail")
"""What the drop-in hides from every unit, beside HOMES."""
PRIVATE = ("/tmp", "/var/tmp")  # noqa: S108
"""What every unit has of its own by the drop-in."""
_SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib64", "/proc", "/sys", "/dev", "/run/systemd", "/run/credentials"),
    *("/etc/ssl", "/etc/pki", "/etc/crypto-policies", "/etc/alternatives"),
)
"""Folders that a unit needs with all that is in them."""
_LOCAL = "/usr/local"
"""The part of _SYSTEM of which it needs only the program."""
_SYNTAX = "([^A-Za-z0-9/._@=+\x80-\U0010ffff-])"


def program() -> list[str]:
    """Return `cockpit-getmail` as units run it: by the interpreter of the packages that this process uses.

    A run needs no package but this one, and starts sooner without site.
    """
    options = ["-I", "-S", str(Path(__file__).parents[1] / "__main__.py")]
    for folder in sys.path:
        venv = Path(folder).parents[2] if folder.endswith("/site-packages") else None
        if venv and (venv / "pyvenv.cfg").is_file():
            return [str(venv / "bin/python"), *options]
    return [sys.executable, *options]


def quote(path: str | Path, depth: int) -> str:
    """Return a path, whatever is in it, as a word that systemd-run parses `depth` times."""
    word = str(path)
    for _ in range(depth):
        word = re.sub(_SYNTAX, r"\\\1", word)
    return word


def hiding_properties(settings: Settings, place: Place | None = None) -> list[str]:
    """Return the properties that hide all state and mail, as far as the drop-in does not do so already.

    What is in the Maildir of a run's own `place` is its own, whoever else delivers there. From a program that
    delivers only state is hidden: what it may write to, and so must see, is the administrator's to say.
    """
    state, *mail = (*_shared_folders(settings).values(), *_find_places(settings))
    hidden = [state] if place and place.is_command else [state, *mail]
    own = {Path(place.maildir), Path(place.maildir).resolve()} if place and place.maildir else set()
    found = [
        folder
        for folder in dict.fromkeys((*hidden, *(folder.resolve() for folder in hidden)))
        if not _is_hidden(folder) and _can_be_hidden(folder) and not _is_below(folder, own)
    ]
    return [
        f"TemporaryFileSystem={quote(folder, 2)}:ro"
        for folder in found
        if not any(above in folder.parents for above in found)
    ]


def require_hiding(settings: Settings, destination: str = "") -> None:
    """Raise Problem if runs of one user would see each other's state or mail: cause settings.

    Or cause connector, for a prop Destination of its own.
    """
    folders = _shared_folders(settings)
    if destination.startswith(MAILDIR):
        folders["Destination"] = _cut_template(destination)
    for setting, folder in folders.items():
        found = folder.resolve()
        if not _is_hidden(found) and not _can_be_hidden(found):
            example = f"{STATE_ROOT}/cockpit-getmail/state" if setting == "STATE_DIR" else EXAMPLE
            message = (
                f"Units need {printable(str(found))}, so it cannot be hidden from them, and a run would see "
                f"what is another's in it. Choose a {setting} in a folder of its own, such as {example}."
            )
            if setting == "Destination":
                raise failure("connector", message)
            raise failure("settings", message, setting=setting)


def _shared_folders(settings: Settings) -> dict[str, Path]:
    """Return, by setting, the folders in which more than one connector or account has its own."""
    folders = {"STATE_DIR": Path(settings.state_dir)}
    if settings.destination.startswith(MAILDIR) and "{" in settings.destination:
        folders["DESTINATION"] = _cut_template(settings.destination)
    return folders


def _find_places(settings: Settings) -> list[Path]:
    """Return the folders, as far as they are there, of the mail that goes elsewhere than to DESTINATION."""
    try:
        data = Path(settings.connectors_db).read_bytes()
    except OSError:
        return []
    # Few have any, and there may be many connectors. In base64 stands what has a `|` in it.
    if not any(f"|Destination|{begin}".encode() in data for begin in (MAILDIR, "base64:")):
        return []
    found = (record.props.get("Destination", "") for record in Database(data).records)
    folders = (_cut_template(each) for each in dict.fromkeys(found) if each.startswith(MAILDIR))
    # For what systemd does not take, no other connector is to blame.
    return [folder for folder in folders if folder.is_dir() and ".." not in folder.parts]


def _cut_template(destination: str) -> Path:
    """Return the folder in which the accounts have their own by such a destination, or the one of all."""
    path, placeholder, _ = destination.removeprefix("maildir:").partition("{")
    return Path(path.rpartition("/")[0] or "/") if placeholder else Path(path)


def _is_hidden(folder: Path) -> bool:
    return _is_below(folder, (HIDDEN, *HOMES, *PRIVATE))


def _can_be_hidden(folder: Path) -> bool:
    resolver = Path("/etc/resolv.conf")
    needed = (STATE_ROOT, resolver, resolver.resolve(), *map(Path, (*PRIVATE, *_SYSTEM)), *_program_paths())
    is_system = _is_below(folder, _SYSTEM) and Path(_LOCAL) not in folder.parents
    return not is_system and not _is_above(folder, needed)


def _program_paths() -> tuple[Path, ...]:
    interpreter = Path(program()[0])
    return interpreter, interpreter.resolve(), Path(os.__file__), Path(__file__)


def require_installation() -> None:
    """Raise Problem (internal) without the drop-in, or for a program where no unit can see it."""
    if not any(Path(folder, DROP_IN).exists() for folder in UNIT_FOLDERS):
        message = (
            "The sandbox of runs is not installed: `make install`, or `make devel-install` for a checkout."
        )
        raise failure("internal", message)
    for path in _program_paths():
        if _is_below(path, HOMES):
            message = f"Units do not see {path} in a home: `make install` puts cockpit-getmail elsewhere."
            raise failure("internal", message)


def _is_below(path: Path, folders: Iterable[str | Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def _is_above(folder: Path, paths: Iterable[Path]) -> bool:
    return any(path.is_relative_to(folder) for path in paths)
