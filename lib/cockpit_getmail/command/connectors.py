# SPDX-License-Identifier: LGPL-2.1-or-later
"""Commands that show and change connectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit_getmail.command import props
from cockpit_getmail.command.login import check_first, check_login
from cockpit_getmail.command.session import SUCCESS
from cockpit_getmail.command.words import condition, condition_rows, interval
from cockpit_getmail.connector import SECRETS
from cockpit_getmail.problem import failure, printable
from cockpit_getmail.report import count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from cockpit_getmail.command.screen import Cell
    from cockpit_getmail.command.session import Answer, Session

REQUIRED = {
    "Retriever": ("Protocol: imaps, imap, pop3s or pop3", "imaps"),
    "Server": ("Server", ""),
    "Username": ("User name there", ""),
    "Account": ("Local account that gets the mail", ""),
}
"""What a person is asked for, and what an empty answer means."""
NO_PASSWORD = {"Provider", "PasswordFile", "PasswordCommand", "Tunnel"}
"""With one of these nobody is asked for a password, nor with Auth external."""


def list_connectors(session: Session) -> int:
    """Show what there is."""
    options = session.options
    answer = session.call(
        "read", "list", redact=True, account=options.account, label=options.label, **_filters(options)
    )
    if session.show_json(answer):
        return SUCCESS
    found = [connector for group in answer["connectors"].values() for connector in group]
    if found:
        columns = ("NAME", "LABEL", "ACCOUNT", ">EVERY", "STATUS")
        session.screen.table(columns, [_row(connector) for connector in found])
    else:
        session.screen.say("There is no connector that fits." if _is_filtered(options) else NO_CONNECTORS)
    for broken in answer.get("broken", ()):
        session.screen.complain(f"Line {broken['line']} of the database cannot be read: {broken['reason']}")
    return SUCCESS


NO_CONNECTORS = "There are no connectors yet: `cockpit-getmail add` makes one."


def _filters(options: Any) -> Answer:
    return {"status": options.status, "status_ok": options.status_ok}


def _is_filtered(options: Any) -> bool:
    return any(item is not None for item in (options.account, options.label, *_filters(options).values()))


def _row(connector: Mapping[str, Any]) -> list[Cell]:
    stored = connector["props"]
    return [
        connector["name"],
        stored.get("Label", ""),
        stored.get("Account", ""),
        interval(stored.get("Time", "")),
        condition(connector),
    ]


def show(session: Session) -> int:
    """Show all that is stored of one connector, and how it is."""
    connector = _find(session)
    if session.show_json(connector):
        return SUCCESS
    rows: list[tuple[str, Cell]] = [("Name", connector["name"])]
    rows += [
        (prop, "set" if prop in SECRETS else value)
        for prop, value in sorted(connector["props"].items(), key=props.rank)
        if prop not in ("type", "status")
    ]
    session.screen.pairs(rows + condition_rows(connector, relative=session.screen.is_terminal))
    return SUCCESS


def _resolve(session: Session) -> Answer:
    """Return the key of the connector that is named. Raises Problem (NotFound, Conflict)."""
    [found] = session.call("read", "status", **session.named)["connectors"]
    return {"name": found["name"]}


def _find(session: Session) -> Answer:
    """Return the listed connector that is named. Raises Problem (NotFound, Conflict)."""
    [named] = session.call("read", "status", **session.named)["connectors"]
    # The whole Account, or all: a record of an old database may have none.
    listed = session.call("read", "list", redact=True, account=named["account"] or None)
    for group in listed["connectors"].values():
        for connector in group:
            if connector["name"] == named["name"]:
                found: Answer = connector
                return found
    raise failure("connector", f"There is no connector {printable(named['name'])}.", kind="NotFound")


def add(session: Session) -> int:
    """Store a new connector."""
    options = session.options
    data = props.read(options)
    if session.is_interactive and not options.password_stdin:
        data |= {prop: session.ask(*text) for prop, text in REQUIRED.items() if prop not in data}
        data["Retriever"] = props.RETRIEVERS.get(data["Retriever"].lower(), data["Retriever"])
    wanted = not NO_PASSWORD & data.keys() and data.get("Auth") != "external"
    data |= _password(session, data, wanted=wanted) | _secrets(session)
    if options.dry_run:
        return session.done(session.call("validate", "create", **data), "This could be added.")
    if _is_checked(session, data):
        session.call("validate", "create", **data)
        data = check_first(session, data)
    answer = session.call("create", "create", **data)
    name = answer["name"]
    step = f"Its mail comes from now on; to see it come: {session.advise('run --follow', name)}."
    if "Provider" in data and data.get("Grant", "refresh") == "refresh" and not data.get("RefreshToken"):
        step = f"Sign in next: {session.advise('authorize', name)}."
    elif data.get("status") == "disabled":
        step = f"It is disabled: {session.advise('enable', name)}."
    return session.done(answer, f"Added {printable(name)}. {step}")


def edit(session: Session) -> int:
    """Change what is given of a connector, and nothing else."""
    options = session.options
    data = props.read_changes(options) | _password(session, {}, wanted=options.password) | _secrets(session)
    if options.dry_run:
        answer = session.call("validate", "update", **session.named, **data)
        return session.done(answer, "This could be changed.")
    named = session.named
    if options.check:
        named = _resolve(session)
        session.call("validate", "update", **named, **data)
        after = check_first(session, named | {prop: data[prop] for prop in props.LOGIN if prop in data})
        data |= {prop: after[prop] for prop in ("Fingerprint",) if prop in after}
    answer = session.client.call("update", "update", **named, **data)
    return session.done(answer, f"Changed {', '.join(map(printable, data))} of {printable(answer['name'])}.")


def check(session: Session) -> int:
    """Try a log-in: that of a connector, with what is given instead of what is stored."""
    options = session.options
    data = props.read(options)
    if options.name is None:
        data |= _password(session, data, wanted=options.password)
    else:
        data |= _resolve(session) | _password(session, {}, wanted=options.password)
    answer = check_login(session, data)
    if not session.show_json(answer):
        channel = answer["tls"] or "in clear"
        number = count(answer["messages"], "message")
        session.screen.say((f"The log-in works: {answer['folder']} has {number} ({channel}).", "green"))
    return SUCCESS


def _password(session: Session, data: Answer, *, wanted: bool) -> Answer:
    """Return the password, if it is given or a person can be asked for it."""
    if session.options.password_stdin:
        return {"Password": session.read_password()}
    if not session.is_interactive or not (wanted or ("Password" not in data and "Server" in data)):
        return {}
    return {"Password": session.ask_password("Password there")}


def _secrets(session: Session) -> Answer:
    """Return the other secrets that are given. Raises Problem (connector)."""
    return {
        prop: session.read_secret(file) for prop, file in props.find_secret_files(session.options).items()
    }


def _is_checked(session: Session, data: Answer) -> bool:
    wanted = session.options.check
    # Nobody can sign in for what is not stored yet.
    return session.is_interactive and "Provider" not in data if wanted is None else bool(wanted)


def remove(session: Session) -> int:
    """Remove a connector, after a question to a person."""
    named = session.named
    if session.is_interactive and not session.options.yes:
        [found] = session.call("read", "status", **named)["connectors"]
        named = {"name": found["name"]}
        question = (
            f"Remove {printable(found['name'])} and the record of what it fetched? Delivered mail stays."
        )
        if not session.confirm(question):
            session.screen.complain("Nothing is removed.")
            return SUCCESS
    answer = session.call("delete", "delete", **named)
    return session.done(answer, f"Removed {printable(str(answer.get('name', named['name'])))}.")


def enable(session: Session) -> int:
    """Let a connector run."""
    answer = session.call("update", "enable", **session.named)
    return session.done(answer, f"{printable(answer['name'])} is enabled.")


def disable(session: Session) -> int:
    """Let a connector run no more."""
    answer = session.call("update", "disable", **session.named)
    return session.done(answer, f"{printable(answer['name'])} is disabled; a run under way ends.")


def reset(session: Session) -> int:
    """Forget failures."""
    answer = session.call("update", "reset", **session.named)
    return session.done(
        answer, f"The failures of {printable(answer['name'])} are forgotten: it is tried at once."
    )


def accounts(session: Session) -> int:
    """Show local accounts."""
    answer = session.call("read", "accounts")
    if not session.show_json(answer):
        rows = list(_account_rows(answer))
        session.screen.table(("ACCOUNT", "IS", ">CONNECTORS"), rows)
    return SUCCESS


def _account_rows(answer: Answer) -> Iterator[list[Cell]]:
    for account in answer["accounts"]:
        kind = "a user of this machine" if account["user"] else "a mailbox"
        yield [account["name"], kind, str(account["connectors"])]
