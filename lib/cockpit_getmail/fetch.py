# SPDX-License-Identifier: LGPL-2.1-or-later
"""One run: retriever -> destination -> state -> deletion on the server.

Nothing is deleted on the server but what the state has as delivered. README tells it step by step.
"""

from __future__ import annotations

import math
import re
import time
from typing import TYPE_CHECKING

from cockpit_getmail import destination as destinations
from cockpit_getmail import fetch_folder, folder_plan, selection
from cockpit_getmail import retriever as retrievers
from cockpit_getmail.connector import EXPIRES
from cockpit_getmail.fetch_folder import Means, Result
from cockpit_getmail.folder_state import DAY
from cockpit_getmail.problem import Problem, failure, quoted
from cockpit_getmail.retriever.base import Folder, FolderProblem, Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cockpit_getmail.connector import Connector
    from cockpit_getmail.destination.base import Destination
    from cockpit_getmail.filtering import Filtering
    from cockpit_getmail.folder_plan import Plan
    from cockpit_getmail.report import Reporter
    from cockpit_getmail.retriever.base import Listed, Retriever, Status
    from cockpit_getmail.settings import Settings
    from cockpit_getmail.state import MailboxState, State
    from cockpit_getmail.stop import Stop

SILENCE_SECONDS = 60.0
BREAKS = 3
"""So often in a row a run that goes through several folders begins another session, as one broke."""
OF_FOLDERS = ("mailbox", "network", "protocol")
"""What goes wrong for one of these may be well in another folder."""
HINT = "Correct Folders of this connector, or ask the provider about this folder; the others are fetched."
EXPIRY_SECONDS = 30.0
"""So long before its access token expires a run ends."""


class FoldersProblem(Problem):
    """Not all folders could be fetched; `result` is of the others."""

    def __init__(self, troubles: Sequence[Problem], result: Result) -> None:
        first = troubles[0]
        count = f"{len(troubles)} folders could not be fetched. " if len(troubles) > 1 else ""
        super().__init__(first.type, count + first.message, first.attributes)
        self.result = result


def run(
    connector: Connector,
    settings: Settings,
    state: State,
    ca_pem: str | None,
    report: Reporter,
    stop: Stop,
    mark: Callable[[int, int], None] | None = None,
) -> Result:
    """Fetch what is new, deliver it, delete what is due. What was delivered stays, whatever happens.

    Asked to `stop`, it ends after the message it is at; so it does, in good order, when its access token
    expires. With `mark` it fetches and deletes nothing, but marks all as seen: see baseline.mark(). Raises
    Problem and Stopped.
    """
    if connector.access_token and not mark:
        stop.set_time(_find_time(connector))
    destination = destinations.make(connector, settings, state.token, state.folder)
    if connector.keeps_folders:
        destination.require_folders()

    def make_filtering() -> Filtering | None:
        if not connector.filters:
            return None
        from cockpit_getmail import filtering

        return filtering.make(connector, settings, state.folder)

    try:
        means = Means(connector, selection.make(connector), destination, make_filtering, report, stop)
        return _run(means, state, ca_pem, mark)
    finally:
        destination.close()


def _find_time(connector: Connector) -> float:
    """Return for how many seconds to go on by what is known of the access token."""
    text = connector.props.get(EXPIRES, "")
    if not re.fullmatch("[0-9]{1,12}", text):
        return math.inf
    left = int(text) - time.time()
    # The server's clock is another one, and messages on their way are still to come.
    return left - min(EXPIRY_SECONDS, left / 2)


def _run(means: Means, state: State, ca_pem: str | None, mark: Callable[[int, int], None] | None) -> Result:
    connector, report = means.connector, means.report
    _recover(state, means.destination, report)
    mailbox = state.begin(connector.mailbox, max(DAY, 2 * 60 * connector.minutes))
    visits = _Visits(means, mailbox, ca_pem, mark)
    try:
        visits.connect()
        report.note(f"Connected to {connector.server} ({visits.retriever.tls or 'not encrypted'}).")
        return visits.make(folder_plan.make(connector, visits.retriever, report))
    finally:
        visits.close()


class _Visits:
    """All folders of a run, one after the other; in one session, unless that breaks at a folder."""

    def __init__(
        self,
        means: Means,
        mailbox: MailboxState,
        ca_pem: str | None,
        mark: Callable[[int, int], None] | None,
    ) -> None:
        self._means = means
        self._mailbox = mailbox
        self._ca_pem = ca_pem
        self._mark = mark
        self._result = Result()
        self._breaks = 0
        self._places: dict[str, str] | None = None
        self._is_orderly = False
        self.retriever = self._make_retriever()

    def connect(self) -> None:
        try:
            self.retriever.open()
        finally:
            # Also where the log-in failed: from here on there is no way back to a clear channel.
            if self.retriever.tls and not self._mailbox.tls_seen:
                self._mailbox.saw_tls()

    def make(self, plan: Plan) -> Result:
        """Fetch each folder; what is wrong with one does not stop the others, but is raised in the end."""
        troubles = [self._tell_unused(use) for use in plan.unused]
        last = len(plan.folders) - 1
        for number, listed in enumerate(plan.folders):
            self._means.stop.check()
            try:
                self._visit(listed, plan, is_last=number == last)
            except Problem as problem:
                if problem.cause not in OF_FOLDERS or last + len(plan.unused) == 0:
                    raise
                troubles.append(self._explain(listed, problem))
                if number < last and not isinstance(problem, FolderProblem):
                    self._connect_again(troubles[0])
            else:
                self._breaks = 0
            if number < last and (self._result.unfinished or self._means.stop.is_due):
                self._result = self._result._replace(unfinished=True)
                break
        if self._result.aside:
            report = self._means.report
            report.warn(f"Messages set aside, which are still on the server: {self._result.aside}.")
        if troubles:
            raise FoldersProblem(troubles, self._result)
        self._is_orderly = not self._result.was_left
        return self._result

    def close(self) -> None:
        self.retriever.close(orderly=self._is_orderly)

    def _make_retriever(self) -> Retriever:
        connector, tls_seen = self._means.connector, self._mailbox.tls_seen
        return retrievers.make(connector, ca_pem=self._ca_pem, tls_seen=tls_seen, timeout=SILENCE_SECONDS)

    def _visit(self, listed: Listed, plan: Plan, *, is_last: bool) -> None:
        means = self._means
        if listed.status and self._is_done(listed.name, listed.status):
            return
        opened = self.retriever.select(listed)
        if plan.there is not None and (former := self._mailbox.rename(opened, plan.there)):
            means.report.note(f"The folder {quoted(former)} is called {quoted(opened.name)} now.")
        folder = self._mailbox.folder(opened)
        if self._mark:
            from cockpit_getmail import baseline

            marked = baseline.mark(self.retriever, opened, folder, means.report, self._mark)
            self._result = marked.plus(self._result)
            return
        # Only now, as often nothing is new anywhere.
        if self._places is None:
            self._places = folder_plan.find_places(means.connector, self.retriever, plan.folders)
        place = self._places.get(listed.name)
        fetched = fetch_folder.fetch(means, self.retriever, opened, folder, place=place, is_last=is_last)
        self._result = fetched.plus(self._result)

    def _is_done(self, name: str, status: Status) -> bool:
        """Whether a folder needs no visit, by what the listing tells of it."""
        validity, uid_next, messages = status
        if not self._mailbox.knows(name):
            return not messages
        folder = self._mailbox.folder(Folder(name, validity, messages, uid_next))
        is_done = fetch_folder.is_done(self._means, folder, Seen(uid_next, messages))
        if is_done:
            self._result = Result(aside=folder.set_aside()).plus(self._result)
        return is_done

    def _connect_again(self, trouble: Problem) -> None:
        """Go on in another session: nobody knows what this one would say next."""
        self._breaks += 1
        self.close()
        if self._breaks > BREAKS:
            raise trouble
        self.retriever = self._make_retriever()
        self.connect()

    def _explain(self, listed: Listed, problem: Problem) -> Problem:
        message = f"The folder {quoted(listed.name)} could not be fetched: {problem.message}"
        self._means.report.warn(message)
        return failure("mailbox" if isinstance(problem, FolderProblem) else problem.cause, message, hint=HINT)

    def _tell_unused(self, use: str) -> Problem:
        message = f"{self._means.connector.server} has no folder for {use}."
        self._means.report.warn(message)
        return failure("mailbox", message, hint=HINT)


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
