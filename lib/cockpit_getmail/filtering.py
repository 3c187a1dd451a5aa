# SPDX-License-Identifier: LGPL-2.1-or-later
"""Messages on their way through the filters: several are scanned at once while others are still coming.

The calling thread keeps each message until it is whole, hands it to threads that have it scanned, and takes
it back in the order in which it came.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from cockpit_getmail import filter as filters
from cockpit_getmail.envelope import HEADER_LIMIT, find_sender
from cockpit_getmail.filter.base import Envelope, Verdict
from cockpit_getmail.filter.header import Change, apply_change, plan_change
from cockpit_getmail.problem import Problem
from cockpit_getmail.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cockpit_getmail.connector import Connector
    from cockpit_getmail.durable import StrPath
    from cockpit_getmail.filter.base import Filter
    from cockpit_getmail.retriever.base import Part, Remote
    from cockpit_getmail.settings import Settings

WORKERS = 8
"""rspamd waits for name servers more than it works."""
MESSAGES, OCTETS = 2 * WORKERS, 64 << 20
"""So much may wait to be scanned, and to be delivered in its order; or one message, if it is larger."""
_UNCHANGED = Change(b"", 0)


class Scanned(NamedTuple):
    """A message that was scanned; `folder` is where it goes, None is where all goes. It is to be closed."""

    message: Remote
    exact: bool
    spool: Spool
    verdict: Verdict
    change: Change
    folder: str | None

    def pieces(self) -> Iterator[bytes]:
        """Yield the message as it is to be delivered."""
        return apply_change(self.spool, self.change)


class _Scan:
    """A whole message; its verdict comes, or why there is none."""

    def __init__(self, part: Part, spool: Spool) -> None:
        self.message = part.message
        self.exact = part.exact
        self.spool = spool
        self.done = False
        self.verdict: Verdict | None = None
        self.change: Change = _UNCHANGED
        self.error: BaseException | None = None

    def is_done(self) -> bool:
        return self.done


class Filtering:
    """The filters of one run; what they are busy with is kept in memory, or without a name in `folder`."""

    def __init__(self, chain: Filter, recipient: str, junk_folder: str, folder: StrPath) -> None:
        self._chain = chain
        self._recipient = recipient
        self._junk_folder = junk_folder
        self._folder = folder
        self._spool: Spool | None = None
        self._under_way: deque[_Scan] = deque()
        self._waiting: deque[_Scan] = deque()
        self._octets = 0
        self._change = threading.Condition()
        self._workers = 0
        self._idle = 0
        self._ended = False
        self.trouble: Problem | None = None
        """Why nothing more is scanned."""

    def write(self, part: Part) -> None:
        """Take a piece of a message, or that there is none. Raises Problem if nothing is scanned any more."""
        if self.trouble:
            raise self.trouble
        if part.failure is not None:
            self._drop()
            return
        if self._spool is None:
            self._spool = Spool(self._folder)
        self._spool.write(part.data)
        if part.last:
            spool, self._spool = self._spool, None
            self._begin(_Scan(part, spool))

    def take(self, *, wait: bool = False) -> Iterator[Scanned]:
        """Yield what is scanned, in the order in which it came; with `wait` all there is.

        Without it, wait only while there is too much. What could not be scanned is left out: see `trouble`.
        """
        while self._under_way:
            first = self._under_way[0]
            with self._change:
                if wait or self._is_full():
                    self._change.wait_for(first.is_done)
                if not first.done:
                    return
                self._under_way.popleft()
                self._octets -= first.spool.size
            if first.verdict is None:
                first.spool.close()
                if first.error:
                    raise first.error
                continue
            folder = self._junk_folder if first.verdict.action == "junk" else None
            yield Scanned(first.message, first.exact, first.spool, first.verdict, first.change, folder)

    def end(self) -> None:
        """Forget what was not taken. Never raises."""
        with self._change:
            self._ended = True
            # A thread still reads what is neither done nor waiting: it closes that itself.
            for scan in self._under_way:
                if scan.done or scan in self._waiting:
                    scan.spool.close()
            self._change.notify_all()
        self._drop()

    def _drop(self) -> None:
        spool, self._spool = self._spool, None
        if spool:
            spool.close()

    def _is_full(self) -> bool:
        return len(self._under_way) > MESSAGES or (self._octets > OCTETS and len(self._under_way) > 1)

    def _begin(self, scan: _Scan) -> None:
        with self._change:
            self._under_way.append(scan)
            self._waiting.append(scan)
            self._octets += scan.spool.size
            if self._idle < len(self._waiting) and self._workers < WORKERS:
                self._workers += 1
                threading.Thread(target=self._work, daemon=True, name=f"filter {self._workers}").start()
            self._change.notify_all()

    def _work(self) -> None:
        while True:
            with self._change:
                self._idle += 1
                self._change.wait_for(lambda: self._ended or self._waiting)
                self._idle -= 1
                if self._ended:
                    return
                scan = self._waiting.popleft()
                is_over = self.trouble is not None
            if not is_over:
                self._scan(scan)
            with self._change:
                scan.done = True
                if self._ended:
                    scan.spool.close()
                self._change.notify_all()

    def _scan(self, scan: _Scan) -> None:
        try:
            envelope = Envelope(find_sender(scan.spool.head(HEADER_LIMIT)), self._recipient)
            verdict = self._chain.scan(scan.spool, envelope)
            change = plan_change(scan.spool, verdict.removed, verdict.added)
            if change is None:
                verdict = Verdict("fail", "its header is too long to be changed as the filter says.")
            scan.verdict, scan.change = verdict, change or _UNCHANGED
        except Problem as problem:
            with self._change:
                self.trouble = self.trouble or problem
        except BaseException as error:  # handed to the thread that takes it
            scan.error = error


def make(connector: Connector, settings: Settings, folder: StrPath) -> Filtering | None:
    """Return the filters of a connector, None if it has none; its state's folder has room for what waits."""
    chain = filters.make(connector, settings)
    return Filtering(chain, connector.account, settings.junk_folder, folder) if chain else None
