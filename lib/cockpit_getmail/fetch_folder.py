# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is fetched from one folder: new messages listed, retrieved and delivered, and what is due deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cockpit_getmail import copies, marking, undelivered
from cockpit_getmail.delivery import Delivery
from cockpit_getmail.problem import Problem, quoted
from cockpit_getmail.retriever.base import INBOX, Folder, Part, Remote, Renumbered, Retriever, Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from cockpit_getmail.connector import Connector
    from cockpit_getmail.destination.base import Destination
    from cockpit_getmail.filtering import Filtering
    from cockpit_getmail.folder_state import FolderState
    from cockpit_getmail.report import Reporter
    from cockpit_getmail.selection import Chosen, Selection
    from cockpit_getmail.stop import Stop


class Result(NamedTuple):
    """What a run did: messages and octets delivered, messages failed, set aside of these, and deleted.

    `aside` is how many messages of the folder are set aside in all. Of those that are on the server still
    filters have `dropped` some, and want to see some `later`. It is `unfinished` if the access token expired.
    `passed` is how many a connector does not want (Search, Since, MaxSize), `left` how many it wants in
    later runs (MaxMessages); neither is marked as fetched. `baselined` are those that now are, unfetched.
    """

    messages: int = 0
    octets: int = 0
    failed: int = 0
    set_aside: int = 0
    deleted: int = 0
    aside: int = 0
    dropped: int = 0
    later: int = 0
    unfinished: bool = False
    passed: int = 0
    left: int = 0
    baselined: int = 0

    def plus(self, other: Result) -> Result:
        """Return the result of both: this one of a folder, the other of those before it."""
        summed = Result._make(mine + theirs for mine, theirs in zip(self, other, strict=True))
        return summed._replace(unfinished=self.unfinished or other.unfinished)

    @property
    def was_left(self) -> bool:
        """Whether something was retrieved that is not delivered."""
        return bool(self.failed or self.dropped or self.later or self.unfinished)


class Means(NamedTuple):
    """What a run has to fetch each of its folders with."""

    connector: Connector
    selection: Selection
    destination: Destination
    make_filtering: Callable[[], Filtering | None]
    report: Reporter
    stop: Stop


def is_done(means: Means, folder: FolderState, seen: Seen) -> bool:
    """Whether nothing is to be done in a folder that is as it was `seen` by a listing of all folders."""
    days = means.connector.delete_after
    return (
        not folder.stale
        and folder.seen == seen
        and not (days is not None and folder.due(days))
        and not (means.connector.marks_seen and marking.is_waiting(folder))
    )


def fetch(
    means: Means,
    retriever: Retriever,
    opened: Folder,
    folder: FolderState,
    *,
    place: str | None = None,
    is_last: bool = True,
) -> Result:
    """Fetch what is new in the folder that was selected, and delete in it what is due.

    It goes to the folder `place` of the account, None is the connector's own. After the last one the session
    may end while messages are brought to the disk. Raises Problem and Stopped.
    """
    connector, report, stop = means.connector, means.report, means.stop
    knows_copies = copies.KNOWS_COPIES in retriever.capabilities
    bare = means.selection.is_narrow and not knows_copies
    listed, whole = _list_new(retriever, opened, folder, report, bare=bare)
    if knows_copies:
        listed = copies.set_apart(folder, listed)
    new, *_ = chosen = means.selection.choose(retriever, listed, folder.attempts)
    days = connector.delete_after
    done = Result()
    if new:
        if connector.marks_seen:
            marking.intend(folder, new)

        if opened.name != INBOX.name:
            report.note(f"Folder {quoted(opened.name)}:")

        def make_delivery() -> Delivery:
            filtering = means.make_filtering()
            return Delivery(folder, means.destination, report.advance, report.warn, filtering, place)

        ends = is_last and days is None and not connector.marks_seen
        done = _fetch_new(retriever, folder, make_delivery, new, report, stop, is_last=ends)
    if connector.marks_seen and not done.unfinished:
        # Else messages are still on their way: the next run marks.
        marking.mark(folder, retriever)
    removed: set[tuple[str, int]] = set()
    # To delete over POP3 is to end in good order, and that may cost what was read and not delivered.
    may_delete = (retriever.leaves_mail or not done.was_left) and not done.unfinished
    if days is not None and may_delete and (doomed := folder.due(days)):
        removed = retriever.delete(doomed)
        folder.removed(removed)
    if opened.uid_next and done.messages + done.dropped == len(new):
        seen = _find_seen(retriever, opened, chosen, removed)
        if whole or seen != folder.seen or opened.uid_next > folder.highest:
            folder.account(seen, whole=whole, uid_next=opened.uid_next)
    while retriever.notes:
        report.warn(retriever.notes.pop(0))
    return done._replace(
        deleted=len(removed), aside=folder.set_aside(), passed=chosen.passed, left=chosen.left
    )


def _find_seen(
    retriever: Retriever, opened: Folder, chosen: Chosen, removed: Iterable[tuple[str, int]]
) -> Seen:
    """Return the part of the folder in which each message is accounted for: what comes before the first
    that is not wanted now, or all of it.
    """
    end, messages = opened.uid_next, opened.messages
    if chosen.first:
        end = int(chosen.first.uid)
        messages = retriever.count_before(end)
    return Seen(end, messages - sum(int(uid) < end for uid, _ in removed))


def check_uids(retriever: Retriever, opened: Folder, folder: FolderState) -> None:
    """See that UIDNEXT is no smaller than it was, also where what came last was not fetched.

    Raises Renumbered, and Problem.
    """
    highest = folder.highest
    if 0 < opened.uid_next < highest:
        retriever.check_uids(highest - 1)


def expect_newest(retriever: Retriever, folder: FolderState) -> None:
    """Let the next listing see that what came last is still the same, so that UIDs mean what they did.

    UIDNEXT tells nothing where more came after a backup was restored than was lost by it. Raises Problem.
    """
    if newest := folder.newest():
        retriever.expect(newest)


def _list_new(
    retriever: Retriever, opened: Folder, folder: FolderState, report: Reporter, *, bare: bool
) -> tuple[list[Remote], bool]:
    """Return the messages not fetched yet, and whether the whole folder was listed for it."""
    if not folder.stale:
        try:
            check_uids(retriever, opened, folder)
            return _list(retriever, opened, folder, bare=bare)
        except Renumbered as anew:
            report.warn(f"{anew}.")
            folder.number_anew()
    from cockpit_getmail import rematch

    return rematch.list_again(retriever, opened, folder, report), True


def _list(
    retriever: Retriever, opened: Folder, folder: FolderState, *, bare: bool
) -> tuple[list[Remote], bool]:
    since = folder.seen
    if since and since == (opened.uid_next, opened.messages):
        return [], False
    expect_newest(retriever, folder)
    is_first = not since and folder.is_unknown()
    if is_first:
        since = Seen(1, 0)
    if since:
        listed = retriever.list_since(folder.known(since.uid_next), since, bare=bare)
        if listed is not None:
            return listed, is_first
    known = folder.known()
    new, present = retriever.list_new(known, bare=bare)
    folder.saw(known, present)
    return new, True


def _fetch_new(
    retriever: Retriever,
    folder: FolderState,
    make_delivery: Callable[[], Delivery],
    new: list[Remote],
    report: Reporter,
    stop: Stop,
    *,
    is_last: bool,
) -> Result:
    """Deliver the new messages; if this `is_last` the session may end while they are brought to the disk."""
    turns = {key: turn for turn, key in enumerate(folder.attempts())}
    wanted = sorted(new, key=lambda message: turns.get((message.uid, message.ordinal), -1))
    untried = sum((message.uid, message.ordinal) not in turns for message in wanted)
    report.begin(len(wanted), sum(message.size for message in wanted))
    delivery = make_delivery()
    troubled: Problem | None = None
    under_way: Remote | None = None
    left = len(wanted)
    unfinished = False
    with stop.after_message():
        try:
            try:
                for part in _retrieve(retriever, wanted, untried):
                    under_way = None if part.last else part.message
                    delivery.write(part)
                    if under_way:
                        continue
                    stop.check()
                    left -= 1
                    if left and stop.is_due:
                        unfinished = True
                        break
                if is_last and not unfinished and retriever.leaves_mail:
                    retriever.close()
            except Problem as problem:
                troubled = problem
            unscanned = _settle(delivery)
            troubled = troubled or unscanned
        finally:
            with stop.shielded():
                _finish(delivery, report)
    set_aside = undelivered.count(folder, delivery, report)
    if troubled:
        answered = delivery.answered
        message = next((m for m in wanted if (m.uid, m.ordinal) not in answered), None)
        if message:
            undelivered.blame(folder, message, troubled, report, came=message == under_way)
        raise troubled
    return Result(
        len(delivery.delivered),
        delivery.octets,
        failed=sum(map(len, (delivery.failures, delivery.refused, delivery.aside, delivery.unscanned))),
        set_aside=set_aside,
        dropped=len(delivery.dropped),
        later=len(delivery.later),
        unfinished=unfinished,
    )


def _finish(delivery: Delivery, report: Reporter) -> None:
    """End a delivery; what is set aside is told also where nothing more can be delivered."""
    try:
        delivery.finish()
    except Problem:
        undelivered.tell_set_aside(delivery, report)
        raise


def _settle(delivery: Delivery) -> Problem | None:
    """Let the filters look at all that has come; return why they do not."""
    try:
        delivery.settle()
    except Problem as problem:
        return problem
    return None


def _retrieve(retriever: Retriever, wanted: Sequence[Remote], untried: int) -> Iterator[Part]:
    """Yield the untried messages, and then one by one those that made trouble.

    A server takes what it is asked for at once in an order of its own, and may end the session at one
    message: then the others have come already.
    """
    for batch in (wanted[:untried], *([message] for message in wanted[untried:])):
        if batch:
            yield from retriever.retrieve(batch)
