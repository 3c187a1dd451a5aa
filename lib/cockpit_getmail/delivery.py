# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is fetched, brought to its destination and recorded, batch by batch.

The calling thread writes each message to tmp/ as it comes, while a thread of its own commits those that are
whole: sync, record the intents (and that the batch before is delivered), publish into new/. Whatever moment
it ends at, the next run knows what is delivered. README tells it step by step.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from cockpit_getmail.destination.base import Destination, Refusal, Staging
from cockpit_getmail.envelope import HEADER_LIMIT
from cockpit_getmail.folder_state import FolderState, Intent
from cockpit_getmail.problem import Problem, printable
from cockpit_getmail.retriever.base import BATCH_BYTES, Part, Remote

if TYPE_CHECKING:
    from cockpit_getmail.filtering import Filtering, Scanned

PATIENCE_SECONDS = 1.0
"""A message that is whole waits no longer than this for others of its batch."""


class Delivery:
    """A folder's way into a destination. `delivered` and `answered` hold (uid, ordinal) of messages.

    `refused` is what the destination did not take, `dropped` and `aside` (with the reason) what the filters
    held back: that is recorded. What they want `later` or could not scan is not.
    `advance` is called with messages and octets as they are delivered, `warn` with a sentence for the log.
    `place` is the folder of the account that the messages go to, None the connector's own.
    """

    def __init__(
        self,
        folder: FolderState,
        destination: Destination,
        advance: Callable[[int, int], None],
        warn: Callable[[str], None],
        filtering: "Filtering | None" = None,
        place: str | None = None,
    ) -> None:
        self._folder = folder
        self._destination = destination
        self._advance = advance
        self._warn = warn
        self._filtering = filtering
        self._place = place
        self._staging: Staging | None = None
        self._message_id: str | None = None
        self._whole: list[Intent] = []
        self._octets = 0
        self._change = threading.Condition()
        self._ended = False
        self._unrecorded = False
        self._problem: Problem | None = None
        self._error: BaseException | None = None
        self.delivered: set[tuple[str, int]] = set()
        self.octets = 0
        self.failures: list[Part] = []
        self.refused: dict[tuple[str, int], Refusal] = {}
        self.dropped: list[Remote] = []
        self.aside: list[tuple[Remote, str]] = []
        self.later: list[tuple[Remote, str]] = []
        self._names: dict[tuple[str, int], str | None] = {}
        self.unscanned: list[tuple[Remote, str]] = []
        self._committer = threading.Thread(target=self._commit_all, daemon=True, name="committer")
        self._committer.start()

    @property
    def answered(self) -> set[tuple[str, int]]:
        """The messages that were delivered, or of which it is known why they cannot be."""
        failed = [part.message for part in self.failures]
        held = [message for message, _ in (*self.aside, *self.later, *self.unscanned)]
        known = {(message.uid, message.ordinal) for message in (*failed, *held, *self.dropped)}
        return self.delivered | self.refused.keys() | known

    def write(self, part: Part) -> None:
        """Take a piece of a message, or why there is none. Raises Problem if nothing can be delivered.

        Where that is for the filters, settle() may follow.
        """
        if self._ended:
            # The committer has stopped: finish() says why.
            raise self._problem or RuntimeError("the delivery has ended")
        if self._filtering:
            self._filter(self._filtering, part)
            return
        try:
            self._stage(part)
        except Problem as problem:
            self._stop(problem)
            raise

    def settle(self) -> None:
        """Wait until what has come is scanned, and take it. Raises Problem if not all of it is."""
        if self._filtering and not self._ended:
            self._take(self._filtering.take(wait=True))
            if self._filtering.trouble:
                raise self._filtering.trouble

    def finish(self) -> None:
        """Deliver what is whole, record it and end. Raises the Problem that a delivery met.

        What is still being scanned comes again: see settle().
        """
        if self._filtering:
            self._filtering.end()
        with suppress(Problem):
            self._abort()
        self._stop(None)
        self._committer.join()
        if self._error:
            raise self._error
        if self._problem:
            # On a full disk the space of what has no intent yet is missed.
            self._destination.discard([intent.staged for intent in self._whole])
            raise self._problem
        if self.dropped or self.aside:
            self._folder.hold(self.dropped, self.aside, self._names)

    def _filter(self, filtering: "Filtering", part: Part) -> None:
        filtering.write(part)
        if part.failure is not None:
            self.failures.append(part)
        self._take(filtering.take())

    def _take(self, found: "Iterator[Scanned]") -> None:
        for scanned in found:
            try:
                self._judge(scanned)
            except Problem as problem:
                self._stop(problem)
                raise
            finally:
                scanned.spool.close()

    def _judge(self, scanned: "Scanned") -> None:
        message, (action, reason, *_) = scanned.message, scanned.verdict
        message_id = find_message_id(scanned.spool.head(HEADER_LIMIT))
        if action in ("drop", "quarantine"):
            self._names[message.uid, message.ordinal] = message_id
        if action == "drop":
            self.dropped.append(message)
        elif action == "later":
            self.later.append((message, reason))
        elif action == "quarantine":
            self.aside.append((message, reason))
        elif action == "fail":
            self.unscanned.append((message, reason))
        else:
            folder = self._place if scanned.folder is None else scanned.folder
            self._staging = self._destination.stage(folder)
            for piece in scanned.pieces():
                self._staging.write(piece)
            self._end_stage(Intent(message, scanned.exact, self._staging.finish(), message_id))

    def _stage(self, part: Part) -> None:
        if part.failure is not None:
            self._abort()
            self.failures.append(part)
            return
        if self._staging is None:
            self._staging = self._destination.stage(self._place)
            self._message_id = find_message_id(part.data)
        self._staging.write(part.data)
        if part.last:
            self._end_stage(Intent(part.message, part.exact, self._staging.finish(), self._message_id))

    def _end_stage(self, intent: Intent) -> None:
        self._staging = None
        self._hand_over(intent)

    def _abort(self) -> None:
        staging, self._staging = self._staging, None
        if staging:
            staging.abort()

    def _hand_over(self, intent: Intent) -> None:
        """Put a whole message into the batch; wait while one is full that the committer has not taken."""
        with self._change:
            self._whole.append(intent)
            self._octets += intent.message.size
            if self._is_full():
                self._change.notify()
                self._change.wait_for(lambda: self._ended or not self._is_full())

    def _is_full(self) -> bool:
        return self._octets >= BATCH_BYTES or len(self._whole) >= self._destination.batch_messages

    def _stop(self, problem: Problem | None) -> None:
        with self._change:
            self._ended = True
            self._problem = self._problem or problem
            self._change.notify()

    def _commit_all(self) -> None:
        try:
            while self._commit_next():
                pass
        except Problem as problem:
            self._stop(problem)
        except BaseException as error:  # handed to the thread that waits in finish()
            self._error = error
            self._stop(None)

    def _commit_next(self) -> bool:
        """Commit the next batch, or record that the last one is delivered; return whether to go on."""
        with self._change:
            self._change.wait_for(lambda: self._ended or self._is_full(), PATIENCE_SECONDS)
            if self._problem:
                return False
            ended = self._ended
            batch = self._whole
            self._whole, self._octets = [], 0
            self._change.notify()
        if batch:
            self._commit(batch)
        elif self._unrecorded:
            self._folder.delivered()
            self._unrecorded = False
        if self._destination.trouble:
            raise self._destination.trouble
        return not ended or bool(batch)

    def _commit(self, batch: list[Intent]) -> None:
        """Deliver the batch: durable where it is staged, intents recorded, published."""
        staged = [intent.staged for intent in batch]
        try:
            self._destination.sync(staged)
            self._folder.intend(self._destination.location, batch)
        except BaseException:
            self._destination.discard(staged)
            raise
        refused = self._destination.publish(staged)
        self._unrecorded = self._destination.remembers and not refused
        if not self._unrecorded:
            self._folder.delivered(refused)
        for intent in batch:
            if intent.staged.name in refused:
                self.refused[key_of(intent)] = refused[intent.staged.name]
        self._count([intent for intent in batch if intent.staged.name not in refused])

    def _count(self, batch: list[Intent]) -> None:
        """Tell of what is delivered."""
        octets = sum(intent.message.size for intent in batch)
        self.delivered.update(key_of(intent) for intent in batch)
        self.octets += octets
        inexact = sum(not intent.exact for intent in batch)
        if inexact:
            self._warn(
                f"{inexact} messages have another size than the server lists: they stay on the server."
            )
        self._advance(len(batch), octets)


def key_of(intent: Intent) -> tuple[str, int]:
    """Return (uid, ordinal) of a message."""
    return intent.message.uid, intent.message.ordinal


def find_message_id(data: bytes) -> str | None:
    """Return the Message-ID (RFC 5322 section 3.6.4) in the beginning of a message, fit for an answer."""
    end = data.find(b"\r\n\r\n", 0, HEADER_LIMIT)
    header = b"\r\n" + data[: end if end >= 0 else HEADER_LIMIT]
    begin = header.lower().find(b"\r\nmessage-id:")
    if begin < 0:
        return None
    line, _, following = header[begin + len("\r\nmessage-id:") :].partition(b"\r\n")
    if not line.strip() and following.startswith((b" ", b"\t")):
        # Folded (section 2.2.3).
        line = following.partition(b"\r\n")[0]
    return printable(line.strip()) or None
