# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a run says while it works: a bar on a terminal, a line per batch anywhere else."""

import io
import os
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from rich.progress import TaskID

NOTICE, WARNING, ERROR = "<5>", "<4>", "<3>"
"""Priorities as the journal reads them at the start of a line (sd-daemon(3))."""


class Reporter(Protocol):
    """Where a run says what it does."""

    def begin(self, messages: int, octets: int) -> None:
        """So many more new messages are about to be fetched."""

    def advance(self, messages: int, octets: int) -> None:
        """So many more are delivered."""

    def note(self, text: str) -> None:
        """A sentence for the log."""

    def warn(self, text: str) -> None:
        """A sentence that an administrator should read."""


class Lines:
    """Plain lines; with a priority in front of each when `stream` is the journal.

    What cannot be shown, or to a reader who has gone, never ends a run.
    """

    def __init__(self, stream: TextIO) -> None:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
        self._stream = stream
        self._journal = is_journal(stream)
        self._messages = self._done = self._octets = 0

    def __enter__(self) -> "Lines":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def begin(self, messages: int, octets: int) -> None:
        self._messages += messages
        self._octets += octets
        self.note(tell_new(messages, octets))

    def advance(self, messages: int, octets: int) -> None:
        self._done += messages
        self.note(tell_done(self._done, self._messages))

    def note(self, text: str) -> None:
        self._say(NOTICE, text)

    def warn(self, text: str) -> None:
        self._say(WARNING, text)

    def error(self, text: str) -> None:
        self._say(ERROR, text)

    def _say(self, priority: str, text: str) -> None:
        try:
            self._stream.write(f"{priority if self._journal else ''}{text}\n")
            self._stream.flush()
        except OSError:
            self._write_to_nobody()

    def _write_to_nobody(self) -> None:
        # What is still buffered would fail again, at the latest when Python ends (docs: signal, SIGPIPE).
        nobody = os.open(os.devnull, os.O_WRONLY)
        with suppress(OSError):
            os.dup2(nobody, self._stream.fileno())
        os.close(nobody)


class Bar(Lines):
    """A progress bar, with the notes as lines above it."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

        super().__init__(stream)
        columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn())
        console = Console(file=stream, highlight=False, markup=False, emoji=False)
        self._progress = Progress(*columns, "{task.description}", console=console)
        self._task: TaskID | None = None

    def __enter__(self) -> "Bar":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._progress.stop()
        except OSError:
            self._write_to_nobody()

    def begin(self, messages: int, octets: int) -> None:
        super().begin(messages, octets)
        text = f"{self._done} of {self._messages}"
        if self._task is None:
            self._task = self._progress.add_task(text, total=self._octets)
        else:
            self._progress.update(self._task, total=self._octets, description=text)

    def advance(self, messages: int, octets: int) -> None:
        self._done += messages
        if self._task is not None:
            self._progress.update(self._task, advance=octets, description=f"{self._done} of {self._messages}")

    def _say(self, priority: str, text: str) -> None:
        try:
            self._progress.console.print(text)
        except OSError:
            self._write_to_nobody()


def reporter(stream: TextIO) -> Lines:
    """Return what suits the stream."""
    return Bar(stream) if stream.isatty() else Lines(stream)


def is_journal(stream: TextIO) -> bool:
    """Whether a stream is connected to the journal (systemd.exec(5), $JOURNAL_STREAM)."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


def tell_new(messages: int, octets: int) -> str:
    """Return the line that a run begins with."""
    return f"{count(messages, 'new message')}, {size(octets)}."


def tell_done(done: int, messages: int) -> str:
    """Return the line of how far a run is."""
    return f"{done} of {messages} delivered."


def count(number: int, thing: str) -> str:
    """Return `1 message`, `2 messages`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def size(octets: int) -> str:
    """Return a size for a person: `512 bytes`, `3.4 MB`."""
    value = float(octets)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    return count(octets, "byte") if unit == "bytes" else f"{value:.1f} {unit}"
