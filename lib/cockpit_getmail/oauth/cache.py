# SPDX-License-Identifier: LGPL-2.1-or-later
"""Access tokens that are still good, refresh tokens on their way to the database, and one refresh at a time.

Access tokens are in /run alone, root's alone; of a process that is not root's, in its memory alone.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from cockpit_getmail.connector import folder_name
from cockpit_getmail.durable import make_folder, sync_folder
from cockpit_getmail.problem import failure
from cockpit_getmail.value import Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cockpit_getmail.settings import Settings

LOCK_SECONDS = 120.0
"""More than a refresh and a wait for the database may take."""
MARGIN_SECONDS = 300
"""So long a token must still be good for a run to begin with it, or for half of its life if that is less."""
_POLL_SECONDS = 0.05
_SIZE_LIMIT = 128 << 10
_TOKEN, _PENDING, _LOCK = ".token", ".pending", ".lock"
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_memory: dict[tuple[str, str], Token] = {}


class Token(Value):
    """An access token; `made` and `expires_at` are in seconds since 1970. `grant` tells what it came from."""

    __slots__ = ("access_token", "expires_at", "grant", "made")

    def __init__(self, access_token: str, expires_at: int, made: float, grant: str) -> None:
        self.access_token = access_token
        self.expires_at = expires_at
        self.made = made
        self.grant = grant

    def is_good(self, now: float, grant: str, refused_at: float) -> bool:
        """Whether a run may begin with it: if it is of this grant, made after a server refused one."""
        margin = min(MARGIN_SECONDS, (self.expires_at - self.made) / 2)
        return self.grant == grant and refused_at < self.made <= now < self.expires_at - margin


@contextmanager
def locked(name: str, settings: Settings) -> Iterator[None]:
    """Let no other process refresh the token of this connector. Raises Problem (internal)."""
    path = _path(name, settings, _LOCK)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise failure("internal", f"{path} cannot be made: {error.strerror}.") from error
    try:
        deadline = time.monotonic() + LOCK_SECONDS
        while not _try_lock(descriptor):
            if time.monotonic() > deadline:
                message = "Another process is at refreshing this connector's token, and does not end."
                raise failure("internal", message, kind="Timeout")
            time.sleep(_POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)


def find(name: str, settings: Settings) -> Token | None:
    """Return the token that is kept, None if there is none."""
    if not _is_root():
        return _memory.get((settings.connectors_db, name))
    with suppress(ValueError, LookupError, TypeError, OSError):
        found = _read(_path(name, settings, _TOKEN))
        return Token(found["token"], int(found["expires"]), float(found["made"]), found["grant"])
    return None


def keep(name: str, settings: Settings, token: Token) -> None:
    """Keep a token. What cannot be kept is asked for again."""
    if not _is_root():
        _memory[settings.connectors_db, name] = token
        return
    told = {
        "token": token.access_token,
        "expires": token.expires_at,
        "made": token.made,
        "grant": token.grant,
    }
    with suppress(OSError):
        _write(_path(name, settings, _TOKEN), told, durably=False)


def drop(name: str, settings: Settings) -> None:
    """Remove the token that is kept."""
    _memory.pop((settings.connectors_db, name), None)
    _unlink(name, settings, _TOKEN)


def has_pending(name: str, settings: Settings) -> bool:
    """Whether a refresh token is on its way into the database."""
    return os.path.lexists(_path(name, settings, _PENDING))


def find_pending(name: str, settings: Settings, used: str) -> str:
    """Return the refresh token that came in the place of the one that was `used`; empty without one."""
    with suppress(ValueError, LookupError, TypeError, OSError):
        found = _read(_path(name, settings, _PENDING))
        if found["used"] == used and isinstance(found["refresh_token"], str):
            return found["refresh_token"]
    return ""


def keep_pending(name: str, settings: Settings, used: str, refresh_token: str) -> None:
    """Keep a refresh token until it is in the database. Raises OSError."""
    told = {"used": used, "refresh_token": refresh_token}
    _write(_path(name, settings, _PENDING), told, durably=not _is_root())


def drop_pending(name: str, settings: Settings) -> None:
    _unlink(name, settings, _PENDING)


def forget(name: str, settings: Settings) -> None:
    """Remove what is kept for a connector."""
    drop(name, settings)
    drop_pending(name, settings)


def _unlink(name: str, settings: Settings, ending: str) -> None:
    with suppress(OSError):
        os.unlink(f"{_folder(settings)}/{folder_name(name)}{ending}")


def _path(name: str, settings: Settings, ending: str) -> str:
    """Return a file of a connector, in a folder that is there. Raises Problem (internal)."""
    folder = _folder(settings)
    try:
        if _is_root():
            from cockpit_getmail.units.place import provide_run_folder

            provide_run_folder()
            with suppress(FileExistsError):
                os.mkdir(folder, 0o700)
        else:
            make_folder(folder)
        found = os.lstat(folder)
    except OSError as error:
        raise failure("internal", f"{folder} cannot be made: {error.strerror}.") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise failure("internal", f"{folder} must be a folder of this user's with mode 0700.")
    return f"{folder}/{folder_name(name)}{ending}"


def _folder(settings: Settings) -> str:
    if _is_root():
        from cockpit_getmail.units.place import RUN_FOLDER

        return f"{RUN_FOLDER}/tokens"
    return os.path.join(settings.state_dir, ".tokens")


def _is_root() -> bool:
    return os.geteuid() == 0


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(path: str) -> dict[str, Any]:
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        found: dict[str, Any] = json.loads(file.read(_SIZE_LIMIT))
        return found


def _write(path: str, told: dict[str, Any], *, durably: bool) -> None:
    """Replace a file at once. Only who has the lock writes: a draft that is there was left behind."""
    draft = f"{path}.new"
    with suppress(FileNotFoundError):
        os.unlink(draft)
    with open(os.open(draft, _NEW, 0o600), "wb") as file:
        file.write(json.dumps(told).encode())
        file.flush()
        if durably:
            os.fsync(file.fileno())
    os.rename(draft, path)
    if durably:
        sync_folder(os.path.dirname(path))
