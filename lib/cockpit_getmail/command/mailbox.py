# SPDX-License-Identifier: LGPL-2.1-or-later
"""Commands that look into a remote mailbox; nothing is marked as seen."""

from __future__ import annotations

import base64
import os
import sys
from typing import TYPE_CHECKING

from cockpit_getmail.command.session import SUCCESS
from cockpit_getmail.command.words import moment
from cockpit_getmail.problem import failure, printable
from cockpit_getmail.report import count, size

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, BinaryIO

    from cockpit_getmail.command.screen import Cell
    from cockpit_getmail.command.session import Answer, Session

COLUMNS = (">UID", "RECEIVED", "FROM", "SUBJECT", ">SIZE", "")
LINE = 250
"""A line of a message that is longer is shown as several."""
STDOUT = "-"


def folders(session: Session) -> int:
    """Show the folders of the account, and which of them are fetched."""
    answer = session.call("read", "folders", **session.named)
    if session.show_json(answer):
        return SUCCESS
    rows: list[list[Cell]] = [
        [
            folder["name"],
            "yes" if folder["chosen"] else "",
            _number(folder["messages"]),
            _number(folder["unseen"]),
            "" if folder["size"] is None else size(folder["size"]),
            folder["special_use"] or "",
            folder["local"] or "",
        ]
        for folder in answer["folders"]
    ]
    session.screen.table(("FOLDER", "FETCHED", ">MESSAGES", ">UNSEEN", ">SIZE", "USE", "HERE"), rows)
    return SUCCESS


def messages(session: Session) -> int:
    """Show the newest messages of a folder."""
    options = session.options
    answer = session.call(
        "read",
        "messages",
        **session.named,
        folder=options.folder,
        search=options.search,
        limit=options.limit,
        before=options.before,
    )
    if session.show_json(answer):
        return SUCCESS
    if not answer["messages"]:
        session.screen.say("There is no message that fits.")
        return SUCCESS
    session.screen.table(COLUMNS, [_row(message) for message in answer["messages"]])
    if answer["before"] is not None:
        session.screen.complain(f"{answer['total']} in all; older ones: --before {answer['before']}")
    return SUCCESS


def preview(session: Session) -> int:
    """Show what a run would fetch if nothing had been fetched yet."""
    answer = session.call("read", "preview", **session.named)
    if session.show_json(answer):
        return SUCCESS
    rows: list[list[Cell]] = [
        [folder["name"], str(folder["messages"]), str(folder["wanted"]), str(folder["passed"])]
        for folder in answer["folders"]
    ]
    session.screen.table(("FOLDER", ">MESSAGES", ">WANTED", ">PASSED OVER"), rows)
    left = f", {answer['left']} of them in later runs" if answer["left"] else ""
    session.screen.say(f"{count(answer['wanted'], 'message')} wanted{left}.")
    if answer["messages"]:
        session.screen.say()
        rows = [[message["folder"], *_row(message)] for message in answer["messages"]]
        session.screen.table(("FOLDER", *COLUMNS), rows)
    return SUCCESS


def message(session: Session) -> int:
    """Show a message as text."""
    answer = session.call("read", "message", **session.named, **_of_message(session))
    if session.show_json(answer):
        return SUCCESS
    found = answer["message"]
    pairs: list[tuple[str, Cell]] = [
        ("From", _addresses(found["sent_from"])),
        ("To", _addresses(found["sent_to"])),
        ("Date", found["date"]),
        ("Subject", (found["subject"], "bold")),
    ]
    if session.options.headers:
        pairs = [(header["Name"], " ".join(header["Value"].split())) for header in found["headers"]]
    pairs += [("File", _describe(file)) for file in answer["attachments"]]
    if pairs:
        session.screen.pairs(pairs)
    _show_body(session, found["body"])
    if answer["cut"]:
        session.screen.complain("The message is longer than what is shown.")
    return SUCCESS


def _show_body(session: Session, body: Mapping[str, Sequence[str]]) -> None:
    texts = body["html"] if session.options.html else body["plain"]
    for text in texts:
        session.screen.say()
        for line in text.splitlines():
            for start in range(0, max(1, len(line)), LINE):
                session.screen.say(line[start : start + LINE])
    if not texts and body["html"]:
        session.screen.complain("It is in HTML only, which --html shows as it is.")


def files(session: Session) -> int:
    """Show the files of a message."""
    raw = 1 if session.options.all else None
    answer = session.call("read", "files", **session.named, **_of_message(session), raw_file_list=raw)
    if session.show_json(answer):
        return SUCCESS
    if not answer["files"]:
        session.screen.say("There is no file in it.")
        return SUCCESS
    rows: list[list[Cell]] = [
        [file["id"], size(file["size"]), file["type"], file["file_name"]] for file in answer["files"]
    ]
    session.screen.table(("ID", ">SIZE", "TYPE", "NAME"), rows)
    return SUCCESS


def file(session: Session) -> int:
    """Write a file of a message to a file here, or to standard output."""
    if session.options.json:
        session.screen.json(_read_piece(session, 0))
        return SUCCESS
    output = session.options.output
    if output == STDOUT:
        _write(session, sys.stdout.buffer)
        return SUCCESS
    try:
        # What is there already stays.
        with open(output, "xb") as stream:
            octets = _write(session, stream)
    except OSError as error:
        message = f"{printable(os.fspath(output))} cannot be written: {error.strerror}."
        raise failure("connector", message) from error
    session.screen.say(f"Written: {output}, {size(octets)}.")
    return SUCCESS


def _write(session: Session, stream: BinaryIO) -> int:
    """Write all pieces of a file; return how many octets these are."""
    offset: int | None = 0
    octets = 0
    while offset is not None:
        answer = _read_piece(session, offset)
        octets += stream.write(base64.b64decode(answer["data"]))
        offset = answer["next"]
    return octets


def _read_piece(session: Session, offset: int) -> Answer:
    return session.call(
        "read", "file", **session.named, **_of_message(session), file=session.options.file, offset=offset
    )


def server(session: Session) -> int:
    """Show what a server tells of itself and of the account."""
    named, folder = session.named, session.options.folder
    match session.options.what:
        case "capabilities":
            answer = session.call("read", "capabilities", **named)
        case "namespace":
            answer = session.call("read", "namespace", **named)
        case "quota":
            answer = session.call("read", "quota", **named, folder=folder)
        case "rights":
            answer = session.call("read", "rights", **named, folder=folder)
        case _:
            answer = session.call("read", "certificate", **named)
    if not session.show_json(answer):
        session.screen.pairs(list(_flatten("", answer)))
    return SUCCESS


def _flatten(path: str, value: Any) -> list[tuple[str, Cell]]:
    """Return what is in an answer, a line each, named by where it is."""
    if isinstance(value, dict):
        return [pair for key, item in value.items() for pair in _flatten(f"{path} {key}".strip(), item)]
    if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        return [pair for item in value for pair in _flatten(path, item)]
    if isinstance(value, list):
        return [(path, " ".join(map(str, value)))]
    if isinstance(value, str):
        return [(path, line) for line in value.splitlines() or [""]]
    return [
        (path, "-" if value is None else "yes" if value is True else "no" if value is False else str(value))
    ]


def _of_message(session: Session) -> dict[str, Any]:
    return {"folder": session.options.folder, "uid": session.options.uid}


def _row(message: Mapping[str, Any]) -> list[Cell]:
    # POP3 tells neither when a message came nor whether somebody has read it.
    is_new = message["received"] is not None and "\\seen" not in map(str.lower, message["flags"])
    return [
        message["uid"],
        moment(message["received"], relative=False),
        _addresses(message["sent_from"]),
        (message["subject"], "bold") if is_new else message["subject"],
        size(message["size"]),
        "new" if is_new else "",
    ]


def _addresses(found: Sequence[Mapping[str, str]]) -> str:
    return ", ".join(each["name"] or each["email"] for each in found)


def _describe(file: Mapping[str, Any]) -> str:
    return f"{file['id']}: {file['file_name'] or file['type']}, {size(file['size'])}"


def _number(value: int | None) -> str:
    return "" if value is None else str(value)
