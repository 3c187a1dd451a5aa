# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who a run is, and where it works."""

import errno
import fcntl
import os
import pwd
import select
import signal
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from cockpit_getmail import destination
from cockpit_getmail.connector import Connector, account_group, folder_name
from cockpit_getmail.destination import Target
from cockpit_getmail.durable import make_folder
from cockpit_getmail.problem import Problem, failure, printable
from cockpit_getmail.settings import Settings
from cockpit_getmail.words import Cause

RUN_FOLDER = "/run/cockpit-getmail"
"""Root's alone: credentials on their way into a unit, and the lock on making folders."""
AS_USER_SECONDS = 10.0


class Place(NamedTuple):
    """Who a run is and where it works. `maildir` is None for a destination that is no folder.

    `is_command` tells whether it is a program that delivers.
    """

    user: str
    uid: int
    gid: int
    home: str
    state_folder: str
    maildir: str | None
    is_command: bool = False


def prepare(connector: Connector, settings: Settings, *, foreground: bool = False) -> Place:
    """Return the place of a run, whose Maildir is there; so is its state folder if in the `foreground`.

    systemd makes the state folder of a unit. Raises Problem (cause settings or delivery).
    """
    place = locate(connector, settings, foreground=foreground)
    if place.maildir:
        _provide(place.maildir, "Maildir", "delivery", place)
    if foreground:
        _provide(place.state_folder, "state folder", "settings", place)
    return place


def locate(connector: Connector, settings: Settings, *, foreground: bool = False) -> Place:
    """Return the place of a run as prepare() does, but make nothing."""
    target = destination.find_target(connector, settings)
    maildir = target.maildir
    if maildir and ".." in maildir.split("/"):
        raise failure("settings", f"DESTINATION leads out of its folder: {maildir}.", setting="DESTINATION")
    user = _find_user(connector, settings, target)
    state_folder = os.path.join(settings.state_dir, folder_name(connector.name))
    is_command = target.kind == "command"
    place = Place(user.pw_name, user.pw_uid, user.pw_gid, user.pw_dir, state_folder, maildir, is_command)
    if not foreground and place.user == settings.fetch_user:
        from cockpit_getmail.units import sandbox

        sandbox.require_hiding(settings, connector.destination)
    _check_state(place)
    return place


def find_fetch_user(settings: Settings) -> pwd.struct_passwd:
    """Return the user FETCH_USER names. Raises Problem (cause settings) if there is none, or it is root."""
    name = settings.fetch_user
    try:
        user = pwd.getpwnam(name)
    except KeyError as error:
        message = f"The user {printable(name)} (FETCH_USER) does not exist. `systemd-sysusers` makes it."
        raise failure("settings", message, setting="FETCH_USER") from error
    if user.pw_uid == 0:
        raise failure("settings", "FETCH_USER is root: mail is never fetched as root.", setting="FETCH_USER")
    return user


def become(place: Place) -> None:
    """Turn this process, which is root's, into one of the run's user for good."""
    if place.uid == 0:
        raise failure("internal", "Mail is never fetched as root.")
    os.setgroups(os.getgrouplist(place.user, place.gid))
    os.setresgid(place.gid, place.gid, place.gid)
    os.setresuid(place.uid, place.uid, place.uid)
    if set(os.getresuid()) != {place.uid} or set(os.getresgid()) != {place.gid}:
        raise failure("internal", f"This process could not become {place.user}.")
    os.umask(0o077)
    os.chdir("/")
    os.environ.update(HOME=place.home, USER=place.user, LOGNAME=place.user)


def provide_run_folder() -> None:
    """Make /run/cockpit-getmail if tmpfiles has not. Raises Problem (internal) if others may look in."""
    try:
        with suppress(FileExistsError):
            os.mkdir(RUN_FOLDER, 0o700)
        found = os.lstat(RUN_FOLDER)
    except OSError as error:
        raise failure("internal", f"{RUN_FOLDER} cannot be made: {error.strerror}.") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise failure("internal", f"{RUN_FOLDER} must be a folder of root's with mode 0700.")


def _find_user(connector: Connector, settings: Settings, target: Target) -> pwd.struct_passwd:
    """Return the account's own user if the mail lies in their home, and FETCH_USER otherwise.

    Who is not root is nobody else.
    """
    if os.geteuid() != 0:
        return _find_self()
    path = target.maildir
    if path is None:
        return find_fetch_user(settings)
    if target.user:
        return _require_home(pwd.getpwnam(target.user))
    names = (connector.account, account_group(connector.account))
    owner = next(filter(None, (_find_owner_of_home(name, path) for name in names)), None)
    if owner is None:
        return find_fetch_user(settings)
    if owner.pw_uid == 0:
        raise failure("settings", f"{path} is root's: mail is never fetched as root.", setting="DESTINATION")
    return owner


def _require_home(user: pwd.struct_passwd) -> pwd.struct_passwd:
    """Return the user, who has a home. Raises Problem (delivery) if it is missing, or somebody else's."""
    home, name = printable(user.pw_dir), printable(user.pw_name)
    try:
        owner = os.stat(user.pw_dir).st_uid
    except OSError as error:
        raise failure("delivery", f"The home {home} of {name} cannot be used: {error.strerror}.") from error
    if owner != user.pw_uid:
        raise failure("delivery", f"The home {home} of {name} belongs to {_owner(owner)}.")
    return user


def _find_self() -> pwd.struct_passwd:
    uid = os.geteuid()
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        return pwd.struct_passwd((str(uid), "x", uid, os.getegid(), "", "/", ""))


def _find_owner_of_home(name: str, path: str) -> pwd.struct_passwd | None:
    try:
        user = pwd.getpwnam(name)
        # A home such as /bin or /var/mail is not the user's own.
        own = os.stat(user.pw_dir).st_uid == user.pw_uid
    except (KeyError, ValueError, OSError):
        return None
    return user if own and f"{path}/".startswith(os.path.join(os.path.normpath(user.pw_dir), "")) else None


def _check_state(place: Place) -> None:
    """Raise Problem (cause settings) if somebody else made the state folder: a run believes what is in it.

    systemd would give the folder of another user to this one, while that other may have files in it open.
    """
    folder = place.state_folder
    with _explained(folder, "state folder", "settings", place):
        try:
            found = os.lstat(folder)
        except FileNotFoundError:
            return
        if not stat.S_ISDIR(found.st_mode):
            raise failure("settings", f"The state folder {folder} is not a folder.")
        if os.geteuid() == 0 and found.st_uid != place.uid:
            owner = _owner(found.st_uid)
            message = (
                f"The state folder {folder} belongs to {owner}, and {place.user} fetches. "
                "Delete the connector and create it again, which fetches all its mail anew; "
                f"or, if you trust what {owner} left there, give it to {place.user} with chown -R."
            )
            raise failure("settings", message)


def _provide(folder: str, what: str, cause: Cause, place: Place) -> None:
    """Make a folder that is missing, mode 0700. Raises Problem unless the user may then use it."""
    with _explained(folder, what, cause, place):
        try:
            found = os.stat(folder)
        except FileNotFoundError:
            _make(folder, place)
            found = os.stat(folder)
        if not stat.S_ISDIR(found.st_mode):
            raise failure(cause, f"The {what} {folder} is not a folder.")
        if os.geteuid() != 0:
            if not os.access(folder, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        elif found.st_uid != place.uid:
            raise failure(
                cause, f"The {what} {folder} belongs to {_owner(found.st_uid)}, and {place.user} fetches."
            )


@contextmanager
def _explained(folder: str, what: str, cause: Cause, place: Place) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise failure(cause, f"The {what} {folder} cannot be used by {place.user}: {reason}.") from error


def _owner(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _make(folder: str, place: Place) -> None:
    if os.geteuid() != 0:
        make_folder(folder)
        return
    from cockpit_getmail.units import folders

    provide_run_folder()
    lock = os.open(f"{RUN_FOLDER}/lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        # Two runs into one new Maildir: one of them makes it.
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = folders.make_as_root(folder, place.uid, place.gid)
    finally:
        os.close(lock)
    if not made:
        as_user(place, lambda: make_folder(folder))


def as_user(place: Place, action: Callable[[], None]) -> None:
    """Do something in a child that is the user. Raises the OSError that it met there."""
    child = os.fork()
    if child == 0:
        code = errno.EIO
        try:
            become(place)
            action()
            code = 0
        except OSError as error:
            code = error.errno or errno.EIO
        except Problem:
            code = errno.EPERM
        finally:
            os._exit(code)
    watch = os.pidfd_open(child)
    try:
        # What lies below a home may be a network file system that never answers.
        poll = select.poll()
        poll.register(watch, select.POLLIN)
        if not poll.poll(AS_USER_SECONDS * 1000):
            os.kill(child, signal.SIGKILL)
    finally:
        os.close(watch)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code:
        code = errno.ETIMEDOUT if code < 0 else code
        raise OSError(code, os.strerror(code))
