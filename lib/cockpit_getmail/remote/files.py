# SPDX-License-Identifier: LGPL-2.1-or-later
"""The files of a message in a remote folder, and pieces of one of them."""

from __future__ import annotations

from base64 import b64encode
from binascii import a2b_base64

from cockpit_getmail.problem import failure, printable
from cockpit_getmail.remote import mime
from cockpit_getmail.remote.mail import open_mail
from cockpit_getmail.remote.mail_shape import check_file
from cockpit_getmail.remote.mime import content
from cockpit_getmail.remote.mime.parts import PARTS_LIMIT
from cockpit_getmail.shape import items, number, optional, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.remote import Found, Request
    from cockpit_getmail.remote.visit import Visit

PIECE = 4 << 10
"""At least so many octets are decoded at once: an encoded group may have line ends in it."""


def answer(visit: Visit, request: Request) -> Found:
    """Return the files of a message, or a piece of one. Raises Problem."""
    return (_list if request["about"] == "files" else _read)(visit, request)


def check(request: Request, found: Any) -> Found:
    """Return the answer in its shape."""
    if request["about"] == "files":
        files = items(check_file, found["files"], PARTS_LIMIT)
        return {"folder": request["folder"], "uid": text(found["uid"]), "files": files}
    a2b_base64(found["data"], strict_mode=True)
    return {
        "file": check_file(found["file"]),
        "offset": request["offset"],
        "data": found["data"],
        "next": optional(number, found["next"]),
    }


def _list(visit: Visit, request: Request) -> Found:
    """Return {"folder", "uid", "files"}; all files if `raw` is set, else not those that are left out."""
    source = open_mail(visit, request).load(request["uid"], for_files=True)
    sizes = [(part, source.size(part)) for part in source.parts if not mime.is_text(part)]
    told = [mime.tell_file(*one) for one in sizes if request["raw"] or not mime.is_left_out(*one)]
    return {"folder": request["folder"], "uid": source.entry.uid, "files": told}


def _read(visit: Visit, request: Request) -> Found:
    """Return {"file", "offset", "data", "next"}. `offset` and `next` count octets that are still encoded."""
    source = open_mail(visit, request).load(request["uid"], for_files=True)
    part = next((part for part in source.parts if part.id == request["file"]), None)
    if part is None:
        message = f"There is no file {printable(request['file'])} in this message."
        raise failure("mailbox", message, kind="NotFound")
    offset, limit = request["offset"], max(PIECE, request["limit"])
    octets = source.read(part, offset, limit)
    is_last = len(octets) < limit
    if is_last and not part.whole:
        raise failure("mailbox", "This message is too large: the rest of this file cannot be read.")
    piece = content.decode_piece(octets, part.encoding, last=is_last)
    return {
        "file": mime.tell_file(part, source.size(part)),
        "offset": offset,
        "data": b64encode(piece.data).decode(),
        "next": None if is_last or piece.ended else offset + piece.used,
    }
