# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ending when a signal asks for it: at once, or after the message under way."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE_SECONDS = 20.0
"""So long a message under way may take to come; systemd kills a unit ten seconds later (TimeoutStopSec=)."""


class Stopped(BaseException):
    """A signal asks for an end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Stop:
    """Whether this process was asked to end. Without watch() nobody asks."""

    def __init__(self) -> None:
        self._asked: int | None = None
        self._is_deferred = False

    def watch(self) -> None:
        """From now on the signals raise Stopped in the main thread. What is ignored stays so."""
        for number in SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._handle)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """In this block a first signal counts at check() and at the end, or GRACE_SECONDS later."""
        self._is_deferred = True
        try:
            yield
        finally:
            self._is_deferred = False
            if self._asked is not None:
                signal.setitimer(signal.ITIMER_REAL, 0)
                raise Stopped(self._asked)

    def check(self) -> None:
        """Raise Stopped if an end was asked for."""
        if self._asked is not None:
            raise Stopped(self._asked)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if not self._is_deferred or self._asked is not None:
            raise Stopped(number)
        self._asked = number
        signal.signal(signal.SIGALRM, self._lose_patience)
        signal.setitimer(signal.ITIMER_REAL, GRACE_SECONDS)

    def _lose_patience(self, _number: int, _frame: FrameType | None) -> None:
        self.check()
