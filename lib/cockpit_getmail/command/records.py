# SPDX-License-Identifier: LGPL-2.1-or-later
"""Commands that show how connectors are and what they did, and that settle messages set aside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit_getmail.command.session import SUCCESS
from cockpit_getmail.command.words import (
    RESULTS,
    WORKING,
    clock,
    condition,
    condition_rows,
    due,
    moment,
    span,
    urgency,
)
from cockpit_getmail.report import count, size

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from cockpit_getmail.command.screen import Cell
    from cockpit_getmail.command.session import Session

ERROR, WARNING = 3, 4
"""Priorities of the journal (syslog(3)) up to which a line counts as such."""


def status(session: Session) -> int:
    """Show how connectors are, what needs somebody first."""
    options = session.options
    named = session.named if options.name is not None else {"account": options.of}
    answer = session.call(
        "read", "status", label=options.label, status=options.status, status_ok=options.status_ok, **named
    )
    if session.show_json(answer):
        return SUCCESS
    found = sorted(answer["connectors"], key=urgency)
    if options.name is not None:
        for connector in found:
            _show_one(session, connector)
    elif found:
        _show_table(session, found)
    else:
        session.screen.say("There is no connector that fits.")
    return SUCCESS


def _show_table(session: Session, found: list[Mapping[str, Any]]) -> None:
    relative = session.screen.is_terminal
    columns = ("STATUS", "NAME", "LAST RUN", "NEXT RUN", ">MESSAGES")
    rows: list[list[Cell]] = [
        [
            condition(connector),
            connector["name"],
            moment(connector["last_run"], relative=relative),
            due(connector["next_run"], relative=relative),
            str(connector["messages"]),
        ]
        for connector in found
    ]
    session.screen.table(columns, rows)
    for connector in found:
        if connector["status"] not in WORKING:
            session.screen.say()
            session.screen.say((connector["name"], "bold"))
            for text in (connector.get("message"), connector.get("hint")):
                if text:
                    session.screen.say(f"  {text}")


def _show_one(session: Session, connector: Mapping[str, Any]) -> None:
    named = [("Name", "name"), ("Label", "label"), ("Account", "account")]
    rows: list[tuple[str, Cell]] = [(title, connector[key]) for title, key in named if connector.get(key)]
    session.screen.pairs(rows + condition_rows(connector, relative=session.screen.is_terminal))


def history(session: Session) -> int:
    """Show past runs, the newest first."""
    answer = session.call("read", "history", **session.named, limit=session.options.limit)
    if session.show_json(answer):
        return SUCCESS
    if not answer["runs"]:
        session.screen.say("It has not run yet.")
        return SUCCESS
    rows: list[list[Cell]] = [
        [
            moment(run["start"], relative=False),
            span(run["end"] - run["start"]) if run["end"] is not None else "",
            (run["result"], RESULTS.get(run["result"], "")),
            str(run["messages"]),
            size(run["bytes"]),
            run.get("message") or _tell_others(run),
        ]
        for run in answer["runs"]
    ]
    session.screen.table(("STARTED", ">TOOK", "RESULT", ">MESSAGES", ">SIZE", "WHAT"), rows)
    return SUCCESS


def _tell_others(run: Mapping[str, Any]) -> str:
    """Return what a run did with messages that it did not fetch."""
    told = (
        (run["passedOver"], "passed over"),
        (run["left"], "left for later runs"),
        (run["baselined"], "marked as seen"),
    )
    return ", ".join(f"{number} {what}" for number, what in told if number)


def log(session: Session) -> int:
    """Show what the journal has of a connector's runs."""
    fields = {"token": session.options.token} if session.options.token else session.named
    answer = session.call("read", "log", **fields, lines=session.options.lines)
    if session.show_json(answer):
        return SUCCESS
    if not answer["lines"]:
        session.screen.complain("The journal has nothing of it.")
    for line in answer["lines"]:
        priority = int(line["priority"])
        style = "red" if priority <= ERROR else "yellow" if priority == WARNING else ""
        session.screen.say((f"{clock(line['time'])}  {line['message']}", style))
    return SUCCESS


def quarantine(session: Session) -> int:
    """Show messages that were set aside."""
    answer = session.call("read", "quarantine", **session.named)
    if session.show_json(answer):
        return SUCCESS
    if not answer["messages"]:
        session.screen.say("No message is set aside.")
        return SUCCESS
    rows: list[list[Cell]] = [
        [
            message["folder"],
            str(message["uid"]),
            size(message["size"]),
            moment(message["since"], relative=False),
            str(message["attempts"]),
            message["reason"],
        ]
        for message in answer["messages"]
    ]
    session.screen.table(("FOLDER", ">UID", ">SIZE", "SINCE", ">TRIED", "REASON"), rows)
    return SUCCESS


def retry(session: Session) -> int:
    """Have messages that were set aside fetched again."""
    answer = session.call("execute", "retry", **session.named, **_message(session))
    return session.done(answer, f"The next run tries {count(answer['messages'], 'message')} again.")


def skip(session: Session) -> int:
    """Give up messages that were set aside."""
    answer = session.call("execute", "skip", **session.named, **_message(session))
    return session.done(answer, f"{count(answer['messages'], 'message')} will not be tried again.")


def _message(session: Session) -> dict[str, Any]:
    return {"folder": session.options.folder, "uid": session.options.uid}


def info(session: Session) -> int:
    """Show version, settings and counts."""
    answer = session.call("read", "info")
    if session.show_json(answer):
        return SUCCESS
    counts = answer["counts"]
    rows: list[tuple[str, Cell]] = [
        ("Version", answer["version"]),
        ("Connectors", f"{counts['connectors']}, {counts['enabled']} enabled, {counts['running']} running"),
    ]
    rows += [
        (f"  {condition({'status': status})[0]}", str(number))
        for status, number in counts["by_status"].items()
        if number
    ]
    secrets = answer["secrets"]
    rows += [("Secrets", f"{secrets['sealed']} sealed, {secrets['plain']} in clear")]
    rows += [(name, _setting(value)) for name, value in answer["settings"].items()]
    session.screen.pairs(rows)
    return SUCCESS


def _setting(value: object) -> str:
    """Return a setting as it would stand in the file of settings."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
