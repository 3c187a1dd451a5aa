# SPDX-License-Identifier: LGPL-2.1-or-later
"""One run: retriever -> destination -> state -> deletion on the server.

The calling thread reads from the network while a writer thread delivers, batch by batch:
stage in tmp/, sync, record the intents (and that the batch before is delivered), publish into new/.
Whatever moment a run ends at, the next one knows what is delivered. See DESIGN 5 for the proof, step by step.
"""

import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cockpit_getmail import destination as destinations
from cockpit_getmail import retriever as retrievers
from cockpit_getmail.connector import Connector
from cockpit_getmail.destination.base import Destination, Staging
from cockpit_getmail.problem import Problem, printable
from cockpit_getmail.retriever.base import (
    BATCH_BYTES,
    BATCH_MESSAGES,
    Folder,
    Part,
    Remote,
    Retriever,
    Seen,
)
from cockpit_getmail.settings import Settings
from cockpit_getmail.state import DAY, FolderState, Intent, State

SILENCE_SECONDS = 60.0
ATTEMPTS = 3
"""After so many failed attempts, over state.PATIENCE at least, a message is set aside."""
BREAKS = 10
"""So often may the connection break at one: some servers end the session at what they cannot read."""
FAILURES_SHOWN = 20
"""So many messages that could not be fetched are named in the log; the rest are counted at the end."""
HAND_OVER_BYTES = 1 << 20
HANDS = 4
IDLE_SECONDS = 1.0


class Reporter(Protocol):
    """Where a run says what it does."""

    def begin(self, messages: int, octets: int) -> None:
        """So many new messages are about to be fetched."""

    def advance(self, messages: int, octets: int) -> None:
        """So many more are delivered."""

    def note(self, text: str) -> None:
        """A sentence for the log."""

    def warn(self, text: str) -> None:
        """A sentence that an administrator should read."""


@dataclass(frozen=True)
class Result:
    """What a run did: messages and octets delivered, messages failed, set aside of these, and deleted."""

    messages: int = 0
    octets: int = 0
    failed: int = 0
    set_aside: int = 0
    deleted: int = 0


def run(
    connector: Connector, settings: Settings, state_folder: Path, ca_pem: str | None, report: Reporter
) -> Result:
    """Fetch what is new, deliver it, delete what is due. Raises Problem; what was delivered stays."""
    kind, path = destinations.expand(settings.destination, connector.account)
    with State(state_folder) as state:
        destination = destinations.make(f"{kind}:{path}", state.token)
        _recover(state, destination, report)
        mailbox = state.begin(connector.mailbox, max(DAY, 2 * 60 * connector.minutes))
        if connector.filters:
            report.warn(f"{', '.join(connector.filters)}: there is no filter yet, nothing is scanned.")
        retriever = retrievers.make(
            connector, ca_pem=ca_pem, tls_seen=mailbox.tls_seen, timeout=SILENCE_SECONDS
        )
        try:
            try:
                opened = retriever.open()
            finally:
                # Also where the log-in failed: from here on there is no way back to a clear channel.
                if retriever.tls and not mailbox.tls_seen:
                    mailbox.saw_tls()
            report.note(f"Connected to {connector.server} ({retriever.tls or 'not encrypted'}).")
            return _fetch(connector, retriever, opened, mailbox.folder(opened), destination, report)
        finally:
            retriever.close()


def _recover(state: State, destination: Destination, report: Reporter) -> None:
    """Settle what a run that was cut off left open, before anything is connected."""
    intents = state.open_intents()
    # Those of another place too: the Maildir may have been moved since, and no two messages have one name.
    delivered = destination.recover([staged for found in intents.values() for staged in found])
    state.settle(delivered)
    if delivered:
        report.note(f"{len(delivered)} messages of a run that was cut off are delivered.")
    intents.pop(destination.location, None)
    if lost := sum(staged.name not in delivered for found in intents.values() for staged in found):
        report.warn(f"{lost} messages of a run that was cut off were meant for another place: fetched again.")


def _fetch(
    connector: Connector,
    retriever: Retriever,
    opened: Folder,
    folder: FolderState,
    destination: Destination,
    report: Reporter,
) -> Result:
    new, whole = _list_new(retriever, opened, folder)
    writer = _fetch_new(retriever, folder, destination, new, report) if new else None
    removed: set[tuple[str, int]] = set()
    if connector.delete_after is not None and (doomed := folder.due(connector.delete_after)):
        removed = retriever.delete(doomed)
        folder.removed(removed)
    if opened.uid_next and (not new or (writer and len(writer.delivered) == len(new))):
        left = opened.messages - sum(int(uid) < opened.uid_next for uid, _ in removed)
        folder.account(Seen(opened.uid_next, left), whole=whole)
    for note in retriever.notes:
        report.warn(note)
    if aside := folder.set_aside():
        report.warn(f"Messages set aside because they could not be fetched: {aside}. They are on the server.")
    if writer is None:
        return Result(deleted=len(removed))
    return Result(len(writer.delivered), writer.octets, writer.failed, writer.set_aside, len(removed))


def _list_new(retriever: Retriever, opened: Folder, folder: FolderState) -> tuple[list[Remote], bool]:
    """Return the messages to fetch, and whether the whole folder was listed for it."""
    seen = folder.seen
    if seen and seen == (opened.uid_next, opened.messages):
        return [], False
    known = folder.known()
    nothing = Seen(1, 0)
    since = seen if known else nothing
    new, present = retriever.list_new(known, since)
    if present is not None:
        folder.saw(known, present)
    return new, present is not None or since == nothing


def _fetch_new(
    retriever: Retriever, folder: FolderState, destination: Destination, new: list[Remote], report: Reporter
) -> "_Writer":
    attempts = folder.attempts()
    wanted = sorted(new, key=lambda message: attempts.get((message.uid, message.ordinal), 0))
    untried = sum((message.uid, message.ordinal) not in attempts for message in wanted)
    report.begin(len(wanted), sum(message.size for message in wanted))
    writer = _Writer(folder, destination, report)
    writer.start()
    troubled: Problem | None = None
    under_way: Remote | None = None
    try:
        hand: list[Part] = []
        octets = 0
        for part in _retrieve(retriever, wanted, untried):
            under_way = None if part.last else part.message
            hand.append(part)
            octets += len(part.data)
            if octets >= HAND_OVER_BYTES or len(hand) >= BATCH_MESSAGES:
                if not writer.take(hand):
                    break
                hand, octets = [], 0
        writer.take(hand)
    except Problem as problem:
        writer.take(hand)
        troubled = problem
    finally:
        writer.finish()
    if writer.problem:
        raise writer.problem
    if troubled:
        message = next((m for m in wanted if (m.uid, m.ordinal) not in writer.answered), None)
        if message:
            _blame(folder, message, troubled, report, came=message == under_way)
        raise troubled
    return writer


def _retrieve(retriever: Retriever, wanted: Sequence[Remote], untried: int) -> Iterator[Part]:
    """Yield the untried messages, and then one by one those that made trouble.

    A server takes what it is asked for at once in an order of its own, and may end the session at one
    message: then the others have come already.
    """
    for batch in (wanted[:untried], *([message] for message in wanted[untried:])):
        if batch:
            yield from retriever.retrieve(batch)


def _blame(folder: FolderState, message: Remote, problem: Problem, report: Reporter, *, came: bool) -> None:
    """Count the trouble against the message it came at, so that the next run fetches the others first.

    Where the connection broke while a large message `came`, the network is to blame, however often; so is
    the server where it refuses for the moment.
    """
    limits = {"protocol": ATTEMPTS, "network": None if came else BREAKS}
    limit = limits.get(problem.cause)
    if folder.failed(message, problem.message, limit):
        report.warn(f"Message {printable(message.uid)} ends every session and is set aside.")


class _Writer(threading.Thread):
    """Delivers what the reader hands over. `problem` is set when it could not go on."""

    def __init__(self, folder: FolderState, destination: Destination, report: Reporter) -> None:
        super().__init__(daemon=True, name="writer")
        self._folder = folder
        self._destination = destination
        self._report = report
        self._queue: queue.Queue[list[Part] | None] = queue.Queue(HANDS)
        self._staging: Staging | None = None
        self._batch: list[Intent] = []
        self._batch_octets = 0
        self._unrecorded = False
        self.problem: Problem | None = None
        self.error: BaseException | None = None
        self.delivered: set[tuple[str, int]] = set()
        self.answered: set[tuple[str, int]] = set()
        self.octets = 0
        self.set_aside = 0
        self._failures: list[Part] = []

    @property
    def failed(self) -> int:
        """How many messages could not be fetched."""
        return len(self._failures)

    def take(self, parts: list[Part]) -> bool:
        """Hand parts over; returns False once the writer has stopped."""
        while self.is_alive():
            try:
                self._queue.put(parts, timeout=IDLE_SECONDS)
                return self.is_alive()
            except queue.Full:
                continue
        return False

    def finish(self) -> None:
        """Deliver what is whole, record it and end."""
        while self.is_alive():
            try:
                self._queue.put(None, timeout=IDLE_SECONDS)
                break
            except queue.Full:
                continue
        self.join()
        if self.error:
            raise self.error

    def run(self) -> None:
        try:
            self._work()
        except Problem as problem:
            self.problem = problem
            self._discard()
        except BaseException as error:  # handed to the thread that waits in finish()
            self.error = error

    def _work(self) -> None:
        while True:
            try:
                parts = self._queue.get(timeout=IDLE_SECONDS)
            except queue.Empty:
                self._commit()
                continue
            if parts is None:
                break
            for part in parts:
                self._write(part)
        if self._staging:
            self._staging.abort()
        self._commit()
        self._commit_delivered()
        self._count_failures()

    def _write(self, part: Part) -> None:
        if part.failure is not None:
            self._fail(part)
            return
        if self._staging is None:
            self._staging = self._destination.stage()
        self._staging.write(part.data)
        if part.last:
            self._batch.append(Intent(part.message, part.exact, self._staging.finish()))
            self._staging = None
            self._batch_octets += part.message.size
            if self._batch_octets >= BATCH_BYTES or len(self._batch) >= BATCH_MESSAGES:
                self._commit()

    def _fail(self, part: Part) -> None:
        if self._staging:
            self._staging.abort()
            self._staging = None
        self.answered.add((part.message.uid, part.message.ordinal))
        self._failures.append(part)

    def _count_failures(self) -> None:
        # Where nothing at all can be fetched, it is the server and not the messages.
        blamed = bool(self.delivered) or len(self._failures) == 1
        for number, part in enumerate(self._failures):
            aside = blamed and self._folder.failed(part.message, part.failure or "", ATTEMPTS)
            self.set_aside += aside
            if number < FAILURES_SHOWN:
                what = "is set aside" if aside else "will be tried again"
                uid = printable(part.message.uid)
                self._report.warn(f"Message {uid} could not be fetched and {what}: {part.failure}")

    def _commit(self) -> None:
        """Deliver the batch: durable in tmp/, intents recorded, renamed into new/."""
        if not self._batch:
            self._commit_delivered()
            return
        batch, octets = self._batch, self._batch_octets
        staged = [intent.staged for intent in batch]
        self._destination.sync(staged)
        self._folder.intend(self._destination.location, batch)
        self._batch, self._batch_octets = [], 0
        self._destination.publish(staged)
        self._unrecorded = True
        keys = {(intent.message.uid, intent.message.ordinal) for intent in batch}
        self.delivered |= keys
        self.answered |= keys
        self.octets += octets
        inexact = sum(not intent.exact for intent in batch)
        if inexact:
            self._report.warn(
                f"{inexact} messages have another size than the server lists: they stay on the server."
            )
        self._report.advance(len(batch), octets)

    def _discard(self) -> None:
        """Give back the space of what has no intent yet: on a full disk it is missed."""
        if self._staging:
            with suppress(Problem):
                self._staging.abort()
        self._destination.discard([intent.staged for intent in self._batch])

    def _commit_delivered(self) -> None:
        if self._unrecorded:
            self._folder.delivered()
            self._unrecorded = False
