# SPDX-License-Identifier: LGPL-2.1-or-later
"""The folders of a Maildir as Maildir++ has them: each is a whole Maildir beside tmp/, new/ and cur/.

Their names begin with a dot, a dot is between the levels of a hierarchy, and what is not ASCII is in IMAP's
modified UTF-7 (RFC 3501 section 5.1.3), as Dovecot has it unless told otherwise.
"""

from __future__ import annotations

import errno
import os
import re
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING

from cockpit_getmail.durable import make_folder
from cockpit_getmail.imap_utf7 import to_utf7
from cockpit_getmail.problem import failure, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDERS = ("tmp", "new", "cur")
INBOX = "INBOX"
"""What IMAP calls the Maildir itself, in capitals or not."""
_MARK = "maildirfolder"
_NAME_LIMIT = 255
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def is_inbox(folder: str) -> bool:
    """Whether a folder of an account is its inbox; that is what no name means, too."""
    return folder.upper() in ("", INBOX)


def format_subfolder(folder: str) -> str:
    """Return the name that `Lists/Users` has in a Maildir: `.Lists.Users`; nothing for the inbox.

    Raises Problem (delivery) for a name that is none, or would lead out of the Maildir.
    """
    if is_inbox(folder):
        return ""
    levels = re.split("[/.]", folder)
    # Dovecot has what is below it below just this name.
    levels[0] = INBOX if levels[0].upper() == INBOX else levels[0]
    name = ""
    if all(levels) and not _CONTROL.search(folder):
        with suppress(UnicodeEncodeError):
            name = f".{'.'.join(map(to_utf7, levels))}"
    if not name or len(name) > _NAME_LIMIT:
        raise failure("delivery", f"No Maildir has a folder {printable(folder)}.")
    return name


def create(path: str, subfolder: str = "") -> None:
    """Make a Maildir and what is missing above it, durably, mode 0700. What is there stays as it is.

    With a `subfolder`, as format_subfolder() has it, that one is made in it. Raises OSError.
    """
    top = f"{path}/{subfolder}" if subfolder else path
    if subfolder and os.path.islink(top):
        # Nobody looks for mail there: not who recovers, nor who verifies.
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    for folder in (top, *(f"{top}/{name}" for name in FOLDERS)):
        if not os.path.isdir(folder):
            make_folder(folder)
    if subfolder and not os.path.exists(f"{top}/{_MARK}"):
        os.close(os.open(f"{top}/{_MARK}", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))


def find_subfolders(path: str) -> Iterator[str]:
    """Yield the names of the folders in a Maildir. Raises OSError."""
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.name.startswith(".") and entry.is_dir(follow_symlinks=False):
                yield entry.name


class Box:
    """A Maildir, or a folder in one, that is open: mail comes into its tmp/ and goes on to its own new/."""

    def __init__(self, path: str, subfolder: str = "") -> None:
        """Open what create() made. Raises OSError."""
        flags = _FOLDER | os.O_NOFOLLOW if subfolder else _FOLDER
        top = os.open(f"{path}/{subfolder}" if subfolder else path, flags)
        try:
            self.tmp, self.new, self.cur = (self._open(name, flags, top) for name in FOLDERS)
        finally:
            os.close(top)
        self.syncs_together: bool | None = None

    def _open(self, name: str, flags: int, top: int) -> int:
        descriptor = os.open(name, flags, dir_fd=top)
        weakref.finalize(self, os.close, descriptor)
        return descriptor
