# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program that fetches a made mailbox: what it starts from, and what it must have delivered."""

import itertools
import os
import pwd
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.mailboxes import Mailbox, digest
from bench.pairs import Failed, Usage, measure
from bench.peers import OURS, Program, Source
from tests.support.dovecot import OWNER

LIMIT_SECONDS = 300.0
_numbers = itertools.count(1)


@dataclass(frozen=True)
class _Kept:
    """What lay in the folder at a moment: the program's own files and what was in them, the mail's names."""

    files: Mapping[Path, bytes]
    mail: frozenset[Path]
    digests: Counter[bytes]


class Fetcher:
    """Each run begins with nothing, or with what keep() found. It runs as the user nobody, without root."""

    def __init__(self, program: Program, source: Source, mailbox: Mailbox, folder: Path) -> None:
        self.name, self.version = program.name, program.version
        self._mailbox = mailbox
        self._folder = folder
        self._left = folder.parent / "left"
        self._recipe = program.recipe(source, folder)
        self._maildir = folder / self._recipe.maildir
        self._exact = program is OURS
        self._kept: _Kept | None = None
        self.measure: Callable[..., Usage] = measure

    def keep(self) -> None:
        """Let each run from now on begin with what is there now, whatever the mailbox gets."""
        mail = frozenset(self._mail())
        files = {path: path.read_bytes() for path in self._files() if path not in mail}
        self._kept = _Kept(files, mail, Counter(self._mailbox.digests))

    def prepare(self) -> None:
        if self._kept:
            self._restore(self._kept)
        else:
            self._empty()
        # Nobody pays for what another one left to be written.
        os.sync()

    def run(self) -> Usage:
        env = {"PATH": os.environ["PATH"], "HOME": str(self._folder), "LANG": "C.UTF-8", **self._recipe.env}
        try:
            return self.measure(self._recipe.argv, env=env, user=OWNER, timeout=LIMIT_SECONDS)
        except OSError as error:
            raise Failed(f"{self._recipe.argv[0]}: {error.strerror}") from error

    def check(self) -> None:
        """Raises Failed unless all that is new was delivered; ours must have it octet by octet."""
        known = self._kept.mail if self._kept else frozenset()
        before = self._kept.digests if self._kept else Counter()
        new = [path for path in self._mail() if path not in known]
        expected = self._mailbox.digests - before
        if len(new) != expected.total():
            raise Failed(f"{len(new)} of {expected.total()} messages delivered")
        if self._exact and Counter(digest(path.read_bytes()) for path in new) != expected:
            raise Failed("a message is not what the server has")

    def _empty(self) -> None:
        if self._folder.exists():
            # Not removed yet: ext4 without a journal walks over inodes freed lately whenever it makes a file.
            self._left.mkdir(exist_ok=True)
            self._folder.rename(self._left / str(next(_numbers)))
        owner = pwd.getpwnam(OWNER)
        self._folder.mkdir(parents=True)
        for name, text in self._recipe.files.items():
            path = self._folder / name
            if name.endswith("/"):
                path.mkdir(parents=True)
            else:
                path.write_text(text)
                path.chmod(0o600)
        for path in (self._folder, *self._folder.rglob("*")):
            os.chown(path, owner.pw_uid, owner.pw_gid)

    def _restore(self, kept: _Kept) -> None:
        owner = pwd.getpwnam(OWNER)
        for path in self._files():
            if path not in kept.mail and path not in kept.files:
                path.unlink()
        for path, octets in kept.files.items():
            path.write_bytes(octets)
            os.chown(path, owner.pw_uid, owner.pw_gid)
        for folder in self._boxes():
            # mbsync sleeps for a second where a folder has just been changed.
            os.utime(folder, (0, 0))

    def _files(self) -> Iterator[Path]:
        for folder, _, names in os.walk(self._folder):
            yield from (Path(folder, name) for name in names)

    def _mail(self) -> Iterator[Path]:
        for folder in self._boxes():
            yield from folder.iterdir()

    def _boxes(self) -> Iterator[Path]:
        """Yield where mail is: in the Maildir, and in its folders (Maildir++)."""
        for name in ("new", "cur"):
            yield from self._maildir.glob(name)
            yield from self._maildir.glob(f".*/{name}")
