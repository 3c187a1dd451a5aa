# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is known of a connector's last sign-in: a small file in /run, of who is not root in STATE_DIR.

It holds what only the one may have who asks the provider (device code, PKCE verifier), until the end of the
sign-in. The last one that began is the one there is.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import time
from contextlib import contextmanager, suppress

from cockpit_getmail.connector import token_prefix
from cockpit_getmail.durable import make_folder
from cockpit_getmail.problem import failure
from cockpit_getmail.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from cockpit_getmail.settings import Settings
    from cockpit_getmail.status_file import TaskState

KEEP_SECONDS = 3600.0
"""So long after its end a sign-in is known."""
_SIZE_LIMIT = 256 << 10
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_LOCK = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class SignIn(Value):
    """A sign-in. Times are in seconds since 1970.

    A person opens `address`; with a `code` that is typed there, else to be sent on with what completes it.
    `address_with_code` may be empty. The provider is asked each `interval` seconds, by a unit if it
    `has_unit`. `grant` is another one when the connector has another provider. `secrets`, and `settings` for
    the unit, are empty after the end.
    """

    __slots__ = (
        *("token", "name", "address", "address_with_code", "code", "expires", "interval", "has_unit"),
        *("grant", "secrets", "settings", "state", "cause", "message", "hint", "log", "ended"),
    )

    token: str
    name: str
    address: str
    address_with_code: str
    code: str
    expires: int
    interval: int
    has_unit: bool
    grant: str
    secrets: Mapping[str, str]
    settings: Mapping[str, Any]
    state: TaskState
    cause: str
    message: str
    hint: str
    log: list[str]
    ended: float

    def __init__(self, **fields: Any) -> None:
        told = {
            **dict.fromkeys(("address_with_code", "code", "cause", "message", "hint"), ""),
            "interval": 0,
            "has_unit": False,
            "state": "running",
            "log": [],
            "ended": 0.0,
            **fields,
        }
        for name in self.__slots__:
            setattr(self, name, told[name])

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    def changed(self, **fields: Any) -> SignIn:
        return SignIn(**{**self.to_json(), **fields})


def find(name: str, settings: Settings) -> SignIn | None:
    """Return the last sign-in of a connector, None if nothing is known of it."""
    return _read(f"{_folder(settings)}/{token_prefix(name)}.json")


def find_by_token(token: str, settings: Settings) -> SignIn | None:
    """Return the sign-in that a token names."""
    found = find_by_prefix(token[: len(token_prefix(""))], settings)
    return found if found and found.token == token else None


def find_by_prefix(prefix: str, settings: Settings) -> SignIn | None:
    """Return the last sign-in of the connector whose tokens begin so."""
    return _read(f"{_folder(settings)}/{prefix}.json")


@contextmanager
def alone(name: str, settings: Settings) -> Iterator[None]:
    """Let nobody else begin or complete a sign-in of this connector meanwhile. Raises Problem (internal)."""
    with _locked(name, settings, "begin"):
        yield


def begin(sign_in: SignIn, settings: Settings) -> None:
    """Record a new sign-in in the place of the one before. Raises Problem (internal)."""
    with _locked(sign_in.name, settings, "lock") as path, _explained(settings):
        _remove_old(os.path.dirname(path))
        _write(path, sign_in)


def end(sign_in: SignIn, settings: Settings, state: TaskState, line: str, **fields: Any) -> bool:
    """Record the end of a sign-in, unless it has ended, or another one has begun; return whether it is.

    Raises Problem (internal).
    """
    with _locked(sign_in.name, settings, "lock") as path:
        current = _read(path)
        if current is None or current.token != sign_in.token or current.state != "running":
            return False
        log = [*current.log, line]
        ended = current.changed(state=state, secrets={}, settings={}, log=log, ended=time.time(), **fields)
        with _explained(settings):
            _write(path, ended)
        return True


def forget(name: str, settings: Settings) -> None:
    """Remove what is known of the sign-ins of a connector."""
    for ending in ("json", "lock", "begin"):
        with suppress(OSError):
            os.unlink(f"{_folder(settings)}/{token_prefix(name)}.{ending}")


@contextmanager
def _locked(name: str, settings: Settings, ending: str) -> Iterator[str]:
    """Give the file of a connector to who has the lock with this ending. Raises Problem (internal)."""
    stem = f"{_folder(settings)}/{token_prefix(name)}"
    with _explained(settings):
        _provide_folder(settings)
        lock = os.open(f"{stem}.{ending}", _LOCK, 0o600)
    try:
        with _explained(settings):
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield f"{stem}.json"
    finally:
        os.close(lock)


@contextmanager
def _explained(settings: Settings) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise failure("internal", f"{_folder(settings)} cannot be used: {error.strerror}.") from error


def _provide_folder(settings: Settings) -> None:
    folder = _folder(settings)
    if os.geteuid() == 0:
        from cockpit_getmail.units.place import provide_run_folder

        provide_run_folder()
        with suppress(FileExistsError):
            os.mkdir(folder, 0o700)
    else:
        make_folder(folder)
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise failure("internal", f"{folder} must be a folder of this user's with mode 0700.")


def _folder(settings: Settings) -> str:
    if os.geteuid() == 0:
        from cockpit_getmail.units.place import RUN_FOLDER

        return f"{RUN_FOLDER}/authorize"
    return os.path.join(settings.state_dir, ".authorize")


def _read(path: str) -> SignIn | None:
    with suppress(OSError, ValueError, KeyError, TypeError), open(os.open(path, _READ), "rb") as file:
        return SignIn(**json.loads(file.read(_SIZE_LIMIT)))
    return None


def _write(path: str, sign_in: SignIn) -> None:
    draft = f"{path}.new"
    with suppress(FileNotFoundError):
        os.unlink(draft)
    with open(os.open(draft, _NEW, 0o600), "wb") as file:
        file.write(json.dumps(sign_in.to_json()).encode())
    os.rename(draft, path)


def _remove_old(folder: str) -> None:
    """Remove what is left of sign-ins that nobody asks about any more."""
    for entry in os.scandir(folder):
        found = _read(entry.path) if entry.name.endswith(".json") else None
        if found and time.time() > max(found.ended, found.expires) + KEEP_SECONDS:
            with suppress(FileNotFoundError):
                os.unlink(entry.path)
