# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ending when a signal asks for it, at once or after the message under way; or when a time is over."""

import math
import signal
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE_SECONDS = 20.0
"""So long a message under way may take to come; systemd kills a unit ten seconds later (TimeoutStopSec=)."""
_AT_ONCE, _AFTER_MESSAGE, _SHIELDED = range(3)


class Stopped(BaseException):
    """A signal asks for an end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Stop:
    """Whether this process was asked to end, and when it may. Without watch() nobody asks."""

    def __init__(self) -> None:
        self._asked: int | None = None
        self._mode = _AT_ONCE
        self._deadline = math.inf

    def watch(self) -> None:
        """From now on the signals raise Stopped in the main thread. What is ignored stays so."""
        for number in SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._handle)

    def at_once(self) -> AbstractContextManager[None]:
        """In this block a signal raises Stopped wherever it comes. So it is outside of all blocks."""
        return self._block(_AT_ONCE)

    def after_message(self) -> AbstractContextManager[None]:
        """In this block a signal counts at check(), and anywhere if another comes or GRACE_SECONDS pass."""
        return self._block(_AFTER_MESSAGE)

    def shielded(self) -> AbstractContextManager[None]:
        """In this block nothing is raised: what it does is short, and must not be half done."""
        return self._block(_SHIELDED)

    def check(self) -> None:
        """Raise Stopped if an end was asked for."""
        if self._asked is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise Stopped(self._asked)

    def set_time(self, seconds: float) -> None:
        """Set how long it may go on from now on."""
        self._deadline = time.monotonic() + seconds

    @property
    def is_due(self) -> bool:
        """Whether that time is over. Nothing is raised for that: whoever asks ends in good order."""
        return time.monotonic() >= self._deadline

    @contextmanager
    def _block(self, mode: int) -> Iterator[None]:
        before, self._mode = self._mode, mode
        try:
            if mode == _AT_ONCE:
                self.check()
            yield
        finally:
            self._mode = before
            if before == _AT_ONCE:
                self.check()

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        is_first = self._asked is None
        self._asked = self._asked or number
        if self._mode == _AT_ONCE or (self._mode == _AFTER_MESSAGE and not is_first):
            self.check()
        if is_first:
            signal.signal(signal.SIGALRM, self._lose_patience)
            signal.setitimer(signal.ITIMER_REAL, GRACE_SECONDS)

    def _lose_patience(self, _number: int, _frame: FrameType | None) -> None:
        if self._mode != _SHIELDED:
            self.check()
