# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a run did not deliver: counted, so that it is set aside one day, and told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit_getmail.problem import Problem, printable

if TYPE_CHECKING:
    from cockpit_getmail.delivery import Delivery
    from cockpit_getmail.folder_state import FolderState
    from cockpit_getmail.report import Reporter
    from cockpit_getmail.retriever.base import Remote

ATTEMPTS = 3
"""After so many failed attempts, over state.PATIENCE at least, a message is set aside."""
BREAKS = 10
"""So often may the connection break at one: some servers end the session at what they cannot read."""
FAILURES_SHOWN = 20
"""So many messages that could not be fetched are named in the log; the rest are counted at the end."""


def count(folder: FolderState, delivery: Delivery, report: Reporter) -> int:
    """Count and tell of what an ended delivery did not let through; return how many are set aside."""
    return (
        _count_failures(folder, delivery, report)
        + _tell_refused(delivery, report)
        + _tell_filtered(folder, delivery, report)
    )


def tell_set_aside(delivery: Delivery, report: Reporter) -> None:
    """Tell of each message that the destination will never take."""
    aside = [(uid, refusal.reason) for (uid, _), refusal in delivery.refused.items() if refusal.for_good]
    for uid, reason in aside[:FAILURES_SHOWN]:
        _warn(report, uid, "is not delivered", reason, aside=True)


def blame(folder: FolderState, message: Remote, problem: Problem, report: Reporter, *, came: bool) -> None:
    """Count the trouble against the message it came at, so that the next run fetches the others first.

    Where the connection broke while a large message `came`, the network is to blame, however often; so is
    the server where it refuses for the moment. A filter that does not answer says nothing of a message, but
    may not have survived it.
    """
    if problem.cause == "filter":
        folder.postpone(message, problem.message)
        return
    limits = {"protocol": ATTEMPTS, "network": None if came else BREAKS}
    limit = limits.get(problem.cause)
    if folder.failed(message, problem.message, limit):
        report.warn(f"Message {printable(message.uid)} ends every session and is set aside.")


def _count_failures(folder: FolderState, delivery: Delivery, report: Reporter) -> int:
    """Count a failed attempt of each message that could not be fetched; return how many are set aside."""
    # Where nothing at all can be fetched, it is the server and not the messages.
    blamed = bool(delivery.delivered) or len(delivery.failures) == 1
    set_aside = 0
    for number, part in enumerate(delivery.failures):
        aside = blamed and folder.failed(part.message, part.failure or "", ATTEMPTS)
        set_aside += aside
        if number < FAILURES_SHOWN:
            _warn(report, part.message.uid, "could not be fetched", part.failure or "", aside=aside)
    return set_aside


def _tell_refused(delivery: Delivery, report: Reporter) -> int:
    """Tell of each message that the destination did not take; return how many are set aside."""
    for (uid, _), refusal in list(delivery.refused.items())[:FAILURES_SHOWN]:
        _warn(report, uid, "is not delivered", refusal.reason, aside=refusal.for_good)
    return sum(refusal.for_good for refusal in delivery.refused.values())


def _tell_filtered(folder: FolderState, delivery: Delivery, report: Reporter) -> int:
    """Tell of the messages that the filters held back; return how many are set aside.

    What cannot be scanned counts as a failed attempt, even if that is all there was.
    """
    set_aside = len(delivery.aside)
    for number, (message, reason) in enumerate(delivery.unscanned):
        aside = folder.failed(message, reason, ATTEMPTS)
        set_aside += aside
        if number < FAILURES_SHOWN:
            _warn(report, message.uid, "cannot be scanned", reason, aside=aside)
    for message, reason in delivery.aside[:FAILURES_SHOWN]:
        _warn(report, message.uid, "is not delivered", reason, aside=True)
    if dropped := len(delivery.dropped):
        report.note(f"Messages dropped as spam: {dropped}. They stay on the server.")
    if delivery.later:
        later, reason = len(delivery.later), delivery.later[0][1]
        report.note(f"Messages that wait because the spam filter wants them later: {later}, {reason}.")
    return set_aside


def _warn(report: Reporter, uid: str, what: str, reason: str, *, aside: bool) -> None:
    then = "is set aside" if aside else "will be tried again"
    report.warn(f"Message {printable(uid)} {what} and {then}: {reason}")
