# SPDX-License-Identifier: LGPL-2.1-or-later
"""A run from its lock to its record."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from cockpit_getmail import fetch
from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.record import Record
from cockpit_getmail.report import count, size
from cockpit_getmail.state import State
from cockpit_getmail.stop import Stop, Stopped

if TYPE_CHECKING:
    from collections.abc import Callable

    from cockpit_getmail.connector import Connector
    from cockpit_getmail.fetch_folder import Result
    from cockpit_getmail.report import Reporter
    from cockpit_getmail.settings import Settings
    from cockpit_getmail.state_file import StrPath


def run(
    connector: Connector,
    settings: Settings,
    folder: StrPath,
    ca_pem: str | None,
    report: Reporter,
    *,
    token: str,
    forgive: bool = False,
    problem: Problem | None = None,
    baseline: bool = False,
    stop: Stop | None = None,
) -> Result:
    """Run a connector whose state is in `folder`. Raises Problem and Stopped, which are recorded there.

    `forgive`: the failures before do not count any more. A `problem` is why it cannot log in, as who starts
    it has found: it is all that there is to do. For a `baseline` nothing is fetched, but all marked as seen.
    """
    stop = stop or Stop()
    days = settings.history_days
    make_record = partial(Record, folder, "run", token, report, days=days, baseline=baseline)
    with stop.shielded():
        try:
            state = State(folder)
        except Problem as trouble:
            if trouble.cause != "running":
                make_record().end("failed", None, trouble)
            raise
        with state:
            record = make_record()
            prepare = partial(_prepare, record, forgive=forgive, problem=problem)
            mark = record.mark if baseline else None
            result = _fetch(connector, settings, state, ca_pem, record, stop, prepare, mark)
            text = _tell_marked(result) if baseline else tell(result)
            record.end(
                "succeeded",
                state.transaction,
                text=text,
                partial=result.failed - result.set_aside + result.aside,
                unfinished=result.unfinished,
                counts=_counts(result),
            )
        report.note(text)
        return result


def _fetch(
    connector: Connector,
    settings: Settings,
    state: State,
    ca_pem: str | None,
    record: Record,
    stop: Stop,
    prepare: Callable[[State], None],
    mark: Callable[[int, int], None] | None,
) -> Result:
    """Fetch, and record why if that does not come to its end."""
    try:
        prepare(state)
        with stop.at_once():
            return fetch.run(connector, settings, state, ca_pem, record, stop, mark)
    except fetch.FoldersProblem as problem:
        # The other folders do not have to wait for longer because of one.
        record.end("failed", state.transaction, problem, keeps_pace=True, counts=_counts(problem.result))
        raise
    except Problem as problem:
        record.end("failed", state.transaction, problem)
        raise
    except Stopped:
        record.end("cancelled", state.transaction, text="Cancelled.")
        raise
    except Exception as error:
        bug = failure("internal", f"This is a bug in cockpit-getmail ({type(error).__name__}).")
        record.end("failed", state.transaction, bug)
        raise


def _prepare(record: Record, state: State, *, forgive: bool, problem: Problem | None) -> None:
    """Count the run before, and raise the Problem that is known already."""
    with state.transaction() as db:
        if record.is_cut_off or record.before is None:
            record.settle(db)
        record.recall(db)
    if forgive:
        record.forgive()
    if problem:
        raise problem


def _counts(result: Result) -> dict[str, int]:
    """Return what is counted of a run beside what it delivered."""
    return {
        "failed": result.failed,
        "set_aside": result.aside,
        "deleted": result.deleted,
        "passed": result.passed,
        "left": result.left,
        "baselined": result.baselined,
    }


def _tell_marked(result: Result) -> str:
    return f"{count(result.baselined, 'message')} marked as seen; nothing was fetched."


def tell(result: Result) -> str:
    """Return what a run did, as a sentence."""
    parts = [f"{count(result.messages, 'message')} delivered, {size(result.octets)}"]
    if result.deleted:
        parts.append(f"{count(result.deleted, 'message')} deleted on the server")
    if result.dropped:
        parts.append(f"{count(result.dropped, 'message')} dropped as spam")
    if result.later:
        parts.append(f"{count(result.later, 'message')} to be asked for again later")
    if result.failed:
        parts.append(f"{count(result.failed, 'message')} failed, {result.set_aside} of them for good")
    if result.passed:
        parts.append(f"{count(result.passed, 'message')} passed over")
    if result.left:
        parts.append(f"{count(result.left, 'message')} left for later runs")
    if result.unfinished:
        parts.append("the rest follows at once: the access token expires")
    return f"{'; '.join(parts)}."
