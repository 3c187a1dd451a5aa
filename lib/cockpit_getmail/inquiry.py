# SPDX-License-Identifier: LGPL-2.1-or-later
"""Questions about what is in a connector's state, and their answers.

As root's, they are asked in a sandbox (units.ask): there answer() is called, and what comes out of it is held
against check(), as the folder is in the hands of the run's user.
"""

from __future__ import annotations

import json

from cockpit_getmail import status_file
from cockpit_getmail.problem import printable
from cockpit_getmail.shape import number, optional, truth

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeAlias

    from cockpit_getmail.status_file import Report, StrPath

    Found: TypeAlias = dict[str, Any]

ASIDE_LIMIT = 1000
_WHICH = ("mailbox", "folder", "uid")
_COUNTS = ("messages", "bytes", "failed", "set_aside", "deleted", "passed", "left", "baselined")
_UNTOLD = ("version", "total_messages", "total_bytes", "failures", "refused", "runs")


def answer(folder: StrPath, question: Mapping[str, Any]) -> Found:
    """Answer a question about the state in a folder; `about` is its name. Raises Problem."""
    return _QUESTIONS[question["about"]][0](folder, question)


def check(question: Mapping[str, Any], found: Any) -> Found:
    """Return the answer and nothing in it but what belongs there.

    Raises ValueError, LookupError or TypeError.
    """
    return _QUESTIONS[question["about"]][1](found)


def nothing(question: Mapping[str, Any]) -> Found:
    """Return the answer where there is no state."""
    return dict(_QUESTIONS[question["about"]][2])


def _list_runs(folder: StrPath, question: Mapping[str, Any]) -> Found:
    from cockpit_getmail import history
    from cockpit_getmail.state_file import opened

    with opened(folder) as db:
        return {"runs": history.listing(db, int(question["limit"])) if db else []}


def _check_runs(found: Any) -> Found:
    return {"runs": [_check_entry(entry) for entry in found["runs"]]}


def _find_task(folder: StrPath, question: Mapping[str, Any]) -> Found:
    from cockpit_getmail import history
    from cockpit_getmail.state_file import opened

    with opened(folder) as db:
        return {"task": history.find(db, str(question["token"])) if db else None}


def _check_task(found: Any) -> Found:
    task = found["task"]
    return {"task": None if task is None else _check_entry(task)}


def _check_entry(entry: Any) -> Report:
    """Return an entry of the history as a Report. Raises ValueError, LookupError, TypeError."""
    result = entry["result"] if isinstance(entry["result"], dict) else {}
    is_run = entry["kind"] == "run"
    log = entry["log"] or []
    told = {
        **dict.fromkeys(_UNTOLD, 0),
        **{name: result.get(name, 0) if is_run else 0 for name in _COUNTS},
        **dict.fromkeys(("first_complete", "last_success", "outcome")),
        "version": max((version for version, _ in log), default=1),
        "text": log[-1][1] if log else "",
        "log_cut": entry["log"] is None,
        **entry,
        "hint": result.get("hint", "") if is_run else "",
        "log": log,
        "days": {},
        "result": None if is_run else entry["result"],
    }
    report = status_file.parse(json.dumps(told).encode())
    if report is None or report["ended"] is None or report["state"] == "running":
        raise ValueError
    return report


def _list_aside(folder: StrPath, question: Mapping[str, Any]) -> Found:
    from cockpit_getmail import quarantine
    from cockpit_getmail.state_file import opened

    with opened(folder) as db:
        return {"messages": quarantine.listing(db, question["mailbox"], ASIDE_LIMIT) if db else []}


def _check_aside(found: Any) -> Found:
    return {"messages": [_check_message(message) for message in found["messages"][:ASIDE_LIMIT]]}


def _check_message(message: Any) -> Found:
    return {
        **{name: printable(message[name]) for name in ("folder", "uid", "reason")},
        **{name: number(message[name]) for name in ("size", "attempts")},
        "since": optional(_check_time, message["since"]),
    }


def _check_time(value: Any) -> int:
    return number(value, int(status_file.TIME_LIMIT))


def _decide(folder: StrPath, question: Mapping[str, Any]) -> Found:
    from cockpit_getmail import quarantine
    from cockpit_getmail.state_file import opened

    act = quarantine.retry if question["about"] == "retry" else quarantine.skip
    with opened(folder) as db:
        return {"messages": act(db, *(question[name] for name in _WHICH)) if db else 0}


def _check_count(found: Any) -> Found:
    return {"messages": number(found["messages"])}


def _find_tls(folder: StrPath, question: Mapping[str, Any]) -> Found:
    """Return whether runs have spoken TLS with the server of a mailbox."""
    from cockpit_getmail.state_file import find_tls, opened

    with opened(folder) as db:
        found = db.execute(*find_tls(question["mailbox"])).fetchone() if db else None
        return {"seen": found is not None}


def _check_tls(found: Any) -> Found:
    return {"seen": truth(found["seen"])}


_QUESTIONS: Mapping[
    str, tuple[Callable[[StrPath, Mapping[str, Any]], Found], Callable[[Any], Found], Found]
] = {
    "history": (_list_runs, _check_runs, {"runs": []}),
    "task": (_find_task, _check_task, {"task": None}),
    "tls": (_find_tls, _check_tls, {"seen": False}),
    "quarantine": (_list_aside, _check_aside, {"messages": []}),
    "retry": (_decide, _check_count, {"messages": 0}),
    "skip": (_decide, _check_count, {"messages": 0}),
}
"""By name: how it is answered, how the answer is checked, and the answer where there is no state."""
