# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Message-IDs of many messages, whose headers their senders wrote (RFC 3501 section 6.4.5)."""

import re
from collections.abc import Iterator, Sequence

from cockpit_getmail.retriever.imap_session import UID, Session

BATCH_MESSAGES = 250
HEADER_OCTETS = 2048
"""So much of a field is asked for, more than is recorded of one: no sender makes an answer too long."""
# No bracket before the one that closes: else a line of a MiB could begin to match in each of its places.
_FIELDS = re.compile(
    rb'\d{1,10} FETCH \([^{"]*?BODY\[HEADER\.FIELDS [^][{]*\](?:<0>)? '
    rb'(?:\{(\d{1,5})\}\r?\n|"((?:[^"\\\r\n]|\\["\\])*)")',
    re.IGNORECASE,
)


def identify(session: Session, uids: Sequence[int]) -> dict[str, bytes]:
    """Return by UID the header field Message-ID, as it stands there, of those that are there.

    Raises Problem: mailbox if the server refuses, protocol, network.
    """
    found: dict[str, bytes] = {}
    for start in range(0, len(uids), BATCH_MESSAGES):
        asked = ",".join(map(str, uids[start : start + BATCH_MESSAGES]))
        field = f"BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]<0.{HEADER_OCTETS}>"
        found.update(_parse(session.demand(f"UID FETCH {asked} (UID {field})").untagged))
    return found


def _parse(lines: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
    for line in lines:
        fields = _FIELDS.match(line)
        if not fields:
            continue
        if fields[1] is None:
            header, rest = re.sub(rb"\\(.)", rb"\1", fields[2]), line[fields.end() :]
        else:
            end = fields.end() + int(fields[1])
            header, rest = line[fields.end() : end], line[end:]
        # Not in the header: its sender may write there what looks like it.
        if uid := UID.search(line[: fields.start(1 if fields[2] is None else 2)] + rest):
            yield str(int(uid[1])), header
