# SPDX-License-Identifier: LGPL-2.1-or-later
"""One message of a remote folder, with its text and what files it has."""

from __future__ import annotations

from cockpit_getmail.envelope import HEADER_LIMIT
from cockpit_getmail.remote import mime
from cockpit_getmail.remote.mail import open_mail
from cockpit_getmail.remote.mail_shape import check_body, check_entry, check_file
from cockpit_getmail.remote.mime.parts import PARTS_LIMIT
from cockpit_getmail.shape import items, truth

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.remote import Found, Request
    from cockpit_getmail.remote.visit import Visit


def answer(visit: Visit, request: Request) -> Found:
    """Return {"folder", "message", "attachments", "cut"}.

    The message is as Entry.tell() has it, and has `body` (mime.tell_body). Raises Problem.
    """
    source = open_mail(visit, request).load(request["uid"], for_files=False)
    body, is_whole = mime.tell_body(source.parts, lambda part, limit: source.read(part, 0, limit))
    files = [part for part in source.parts if not mime.is_text(part)]
    head_fits = len(source.entry.head) < HEADER_LIMIT
    return {
        "folder": request["folder"],
        "message": {**source.entry.tell(), "body": body},
        "attachments": [mime.tell_file(part, source.size(part)) for part in files],
        "cut": not (source.whole and is_whole and head_fits),
    }


def check(request: Request, found: Any) -> Found:
    """Return the answer in its shape."""
    message = found["message"]
    return {
        "folder": request["folder"],
        "message": {**check_entry(message), "body": check_body(message["body"])},
        "attachments": items(check_file, found["attachments"], PARTS_LIMIT),
        "cut": truth(found["cut"]),
    }
