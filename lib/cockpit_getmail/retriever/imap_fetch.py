# SPDX-License-Identifier: LGPL-2.1-or-later
"""SEARCH and FETCH read straight from the connection (RFC 3501 sections 6.4.4, 6.4.5, 7.4.2).

Several FETCH commands are under way at once, a literal is streamed, and nothing a server sends can make
memory grow beyond a batch.
"""

import re
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NoReturn

from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.retriever.base import BATCH_BYTES, FolderProblem, Part, Remote, split_batches
from cockpit_getmail.retriever.imap_session import (
    LINE_COST,
    LINE_LIMIT,
    STATUS,
    TEMPORARY,
    UID,
    Session,
    response_code,
)
from cockpit_getmail.retriever.internal_date import parse_internal_date
from cockpit_getmail.retriever.uid_set import UID_LIMIT, count_uids, split_uid_set

if TYPE_CHECKING:
    from cockpit_getmail.criteria import Pieces
    from cockpit_getmail.words import Cause

COMMANDS_AHEAD = 4
MESSAGES_LIMIT = 1_000_000
UNASKED = 1000
"""So many messages may a server tell of that it was not asked about, or twice."""
ARRIVALS = 10_000
"""So many messages may come between EXAMINE and SEARCH."""
SEARCH_LIMIT, SIZES_LIMIT = 16 << 20, 160 << 20
"""Octets of a whole answer: enough for so many messages."""
SIZE_LIMIT = 10**15
"""Octets of a message that is listed with more: its size, and a sum of sizes, can be recorded."""
LITERALS_LIMIT = 100
CHATTER_LIMIT = 4 << 20
"""Octets beside the messages themselves that the answer to one FETCH of a batch may have."""
_SEARCH = re.compile(rb"\* SEARCH\b", re.IGNORECASE)
_EXPUNGE = re.compile(rb"\* \d+ EXPUNGE\b", re.IGNORECASE)
_ESEARCH = re.compile(rb"\* ESEARCH\b(?:.* ALL ([^ \r\n]+))?", re.IGNORECASE)
_WORD = re.compile(rb"[^\s,]+")
_DATE = re.compile(rb'[( ]INTERNALDATE "([^"]*)"(?=[ )])', re.IGNORECASE)
_SAME = re.compile(rb"[( ]X-GM-MSGID (\d{1,20})(?=[ )])", re.IGNORECASE)
_SIZE = re.compile(rb"[( ]RFC822\.SIZE (\d{1,19})(?=[ )])", re.IGNORECASE)
_WHOLE = re.compile(rb"\* \d{1,10} FETCH \(.*\)\r?\n", re.IGNORECASE | re.DOTALL)
_BODY_NEXT = re.compile(rb"[( ]BODY\[\](?:<0>)? $", re.IGNORECASE)
_BODY_QUOTED = re.compile(rb'[( ]BODY\[\](?:<0>)? "((?:[^"\\\r\n]|\\["\\])*)"(?=[ )])', re.IGNORECASE)
_DONE = re.compile(rb"\S+ OK\b", re.IGNORECASE)


class Fetcher:
    """The mail-carrying commands of one selected folder."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._connection = session.connection
        self._server = session.server
        self._shown = session.shown

    def search_all(self, messages: int, *, extended: bool = False) -> Sequence[int]:
        """Return the UIDs of all messages, ascending. Fewer or many more than there are is an error.

        With `extended` the server is asked for ranges, where it knows them (ESEARCH, RFC 4731).
        """
        tag = self._session.send("UID SEARCH RETURN (ALL) ALL" if extended else "UID SEARCH ALL")
        uids, expunged = self._read_uids(self._untagged(tag, SEARCH_LIMIT), messages)
        if len(uids) < messages - expunged:
            raise failure("protocol", f"{self._server} has {messages} messages but lists {len(uids)} only.")
        return uids

    def search(
        self, pieces: "Pieces", uid_set: str, messages: int, *, extended: bool = False
    ) -> Sequence[int]:
        """Return the UIDs, ascending, of what matches criteria in a folder of so many messages.

        It is looked for in `uid_set`, which is short; a server may answer with others all the same.
        """
        returned = "RETURN (ALL) " if extended else ""
        charset = "CHARSET UTF-8 " if len(pieces) > 1 else ""
        first, *others = pieces
        command = (f"UID SEARCH {returned}{charset}UID {uid_set} {first}", *others)
        tag = self._session.send_pieces(command, self._search_refusal)
        lines = self._untagged(tag, SEARCH_LIMIT, self._search_refusal)
        return self._read_uids(lines, messages)[0]

    def _read_uids(self, lines: Iterable[bytes], messages: int) -> tuple[Sequence[int], int]:
        """Return the UIDs that a search has found, ascending, and how many messages went meanwhile."""
        uids = array("I")
        expunged = 0
        limit = min(messages + ARRIVALS, MESSAGES_LIMIT)
        for line in lines:
            if found := _SEARCH.match(line):
                words = _WORD.finditer(line, found.end())
            elif found := _ESEARCH.match(line):
                words = _WORD.finditer(found[1] or b"")
            else:
                expunged += bool(_EXPUNGE.match(line))
                continue
            for word in words:
                uids.extend(self._parse_range(word[0], limit - len(uids), messages))
        if any(uid >= following for uid, following in pairwise(uids)):
            uids = array("I", sorted(set(uids)))
        return uids, expunged

    def sizes(self, uid_set: str) -> dict[int, int]:
        """Return RFC822.SIZE by UID of those of the set that exist."""
        return {int(message.uid): message.size for message in self._describe(uid_set, "")}

    def describe(self, uid_set: str) -> dict[int, Remote]:
        """Return by UID the messages of the set that exist: size, date, and Gmail's X-GM-MSGID."""
        gmail = " X-GM-MSGID" if "X-GM-EXT-1" in self._session.capabilities() else ""
        return {int(message.uid): message for message in self._describe(uid_set, f" INTERNALDATE{gmail}")}

    def _describe(self, uid_set: str, more: str) -> Iterator[Remote]:
        for part in split_uid_set(uid_set):
            room = most = min(count_uids(part) + UNASKED, MESSAGES_LIMIT)
            command = f"UID FETCH {part} (UID RFC822.SIZE{more})"
            for line in self._untagged(self._session.send(command), SIZES_LIMIT):
                uid, size = UID.search(line), _SIZE.search(line)
                if not (uid and size):
                    continue
                date = _DATE.search(line) if more else None
                same = _SAME.search(line) if more else None
                yield Remote(
                    str(int(uid[1])),
                    min(int(size[1]), SIZE_LIMIT),
                    date=parse_internal_date(date[1]) if date else None,
                    same=same[1].decode() if same else "",
                )
                room -= 1
                if room < 0:
                    self._refuse_more(most)

    def retrieve(self, wanted: Sequence[Remote], uid_set: Callable[[Iterable[int]], str]) -> Iterator[Part]:
        """Yield the wanted messages as they come. A server may answer the commands under way in any order.

        Those without a body come last, as failures; not those that are gone, as other clients expunge too.
        """
        lost: list[Part] = []
        waiting = split_batches(wanted)
        upcoming = next(waiting, None)
        under_way: dict[bytes, list[Remote]] = {}
        missing: dict[int, Remote] = {}
        while True:
            while upcoming and _may_ask(upcoming, under_way.values()):
                uids = [int(message.uid) for message in upcoming]
                missing.update(zip(uids, upcoming, strict=True))
                tag = self._session.send(f"UID FETCH {uid_set(uids)} (UID BODY.PEEK[])")
                under_way[tag] = upcoming
                upcoming = next(waiting, None)
            if not under_way:
                break
            chatter = 0
            while (
                tag := (line := self._connection.read_line(LINE_LIMIT)).partition(b" ")[0]
            ) not in under_way:
                chatter += len(line)
                if chatter > CHATTER_LIMIT:
                    raise failure("protocol", f"{self._server} answers FETCH with endless other lines.")
                self._session.check_bye(line)
                for part in self._read_response(line, missing):
                    chatter = 0
                    yield part
            lost += self._end_batch(line, under_way.pop(tag), missing)
        if lost:
            left = self.sizes(uid_set(int(part.message.uid) for part in lost))
            yield from (part for part in lost if int(part.message.uid) in left)

    def _untagged(
        self, tag: bytes, limit: int, refusal: Callable[[bytes], Problem] | None = None
    ) -> Iterator[bytes]:
        """Yield the lines before the end of a command, of at most so many octets together."""
        octets = 0
        while not (line := self._connection.read_line(min(limit, SEARCH_LIMIT))).startswith(tag + b" "):
            octets += max(len(line), LINE_COST)
            if octets > limit:
                raise failure("protocol", f"{self._server} answers with endless lines.")
            self._session.check_bye(line)
            yield line
        if not _DONE.match(line):
            problem = (refusal or self._refusal)(line)
            raise FolderProblem(problem.cause, problem.message) if problem.cause == "mailbox" else problem

    def _end_batch(self, line: bytes, batch: list[Remote], missing: dict[int, Remote]) -> list[Part]:
        status = line.split(None, 2)[1].upper() if line.count(b" ") else b""
        if status not in (b"OK", b"NO"):
            raise self._refusal(line)
        lost = [message for message in batch if missing.pop(int(message.uid), None)]
        text = line.partition(b" ")[2].strip()
        if lost and status == b"NO" and self._is_temporary(response_code(text[2:].strip()), len(lost)):
            raise self._refusal(line)
        reason = f"The server gave no body for it: {self._shown(text)}"
        return [Part(message, b"", failure=reason) for message in lost]

    def _is_temporary(self, code: str, lost: int) -> bool:
        # Dovecot with imap_fetch_failure=no-after says SERVERBUG of a single message that is broken.
        return code in TEMPORARY and not (code == "SERVERBUG" and lost == 1)

    def _read_response(self, line: bytes, missing: dict[int, Remote]) -> Iterator[Part]:
        """Read one untagged response to its end, with its literals; yield the message if it is one."""
        if STATUS.match(line):
            return
        text = b""
        streamed: Remote | None = None
        body: bytes | None = None
        octets = literals = 0
        while literal := self._session.literal(line):
            text += literal.text
            literals += 1
            if len(text) > LINE_LIMIT or literals > LITERALS_LIMIT:
                raise failure("protocol", f"{self._server} answers FETCH with an endless line.")
            if body is None and not octets and _BODY_NEXT.search(text):
                expected = self._expected(text, missing)
                self._check_size(literal.size, expected)
                octets = literal.size
                if octets <= BATCH_BYTES:
                    body = self._connection.read(octets)
                else:
                    if expected is None:
                        self._session.refuse(line)
                    streamed = expected
                    yield from self._stream(streamed, octets)
            else:
                text += self._read_aside(literal.size)
            line = self._connection.read_line(LINE_LIMIT)
            # Anything else is a part of the message, or was: the announced size is wrong.
            if not line.startswith((b")", b" ")):
                self._session.refuse(line)
        text += line
        if not octets and (short := _BODY_QUOTED.search(text)):
            body = re.sub(rb"\\(.)", rb"\1", short[1])
            octets = len(body)
            text = text[: short.start(1)] + text[short.end(1) :]
        if octets and not _WHOLE.fullmatch(text):
            self._session.refuse(line)
        found = UID.search(text)
        message = missing.get(int(found[1])) if found else None
        if streamed is not None and streamed is not message:
            missing.pop(int(streamed.uid), None)
            yield Part(streamed, b"", failure="The server sent another message in its place.")
        elif message is not None and octets:
            del missing[int(message.uid)]
            yield Part(message, body or b"", exact=octets == message.size)

    def _stream(self, message: Remote, octets: int) -> Iterator[Part]:
        while octets:
            data = self._connection.read(min(octets, BATCH_BYTES))
            octets -= len(data)
            yield Part(message, data, last=False)

    def _expected(self, text: bytes, missing: dict[int, Remote]) -> Remote | None:
        """Return which message a literal is of: its UID went before, or only one is asked for."""
        if found := UID.search(text):
            return missing.get(int(found[1]))
        return next(iter(missing.values())) if len(missing) == 1 else None

    def _check_size(self, octets: int, expected: Remote | None) -> None:
        # Some servers estimate RFC822.SIZE, but none by factors: this bounds what a hostile one can store.
        listed = expected.size if expected and expected.size else BATCH_BYTES
        if octets > 4 * listed + (1 << 20):
            raise failure("protocol", f"{self._server} announces {octets} octets for a message of {listed}.")

    def _read_aside(self, octets: int) -> bytes:
        if octets > LINE_LIMIT:
            raise failure(
                "protocol", f"{self._server} sends a literal of {octets} octets where none belongs."
            )
        return b" " + re.sub(rb"[^!-~]", b"_", self._connection.read(octets)).replace(b"(", b"_") + b" "

    def _parse_range(self, word: bytes, room: int, messages: int) -> range:
        """Return the UIDs that `7` or `3:9` stands for, if there is room for so many."""
        low, colon, high = word.partition(b":")
        first = last = self._parse_uid(low)
        if colon:
            last = self._parse_uid(high)
        if abs(last - first) >= room:
            self._refuse_more(messages)
        return range(min(first, last), max(first, last) + 1)

    def _parse_uid(self, word: bytes) -> int:
        uid = int(word) if word.isdigit() and len(word) <= 10 else 0
        if not 0 < uid < UID_LIMIT:
            raise failure("protocol", f"{self._server} answers SEARCH with what is not a UID.")
        return uid

    def _refuse_more(self, messages: int) -> NoReturn:
        most = f"more than the {messages} messages that there can be"
        if messages >= MESSAGES_LIMIT:
            most = f"more than {MESSAGES_LIMIT} messages: too many for one folder"
        raise failure("protocol", f"{self._server} lists {most}.")

    def _refusal(self, line: bytes) -> Problem:
        cause: Cause = "mailbox" if re.match(rb"\S+ NO\b", line, re.IGNORECASE) else "protocol"
        text = self._shown(line.partition(b" ")[2].strip())
        return failure(cause, f"{self._server} refuses to show its messages: {text}")

    def _search_refusal(self, line: bytes) -> Problem:
        text = line.partition(b" ")[2].strip()
        said = f"{self._server} does not do what Search asks for: {self._shown(text)}"
        if text.partition(b" ")[0].upper() not in (b"NO", b"BAD"):
            return failure("protocol", said)
        if response_code(text.partition(b" ")[2]) in TEMPORARY:
            return failure("mailbox", said)
        return failure("connector", said, hint="Search for something else.")


def _may_ask(batch: list[Remote], under_way: Collection[list[Remote]]) -> bool:
    """Whether to ask for a batch now. A large message goes alone: one that is streamed must be known before
    it has come, and some servers give its UID after its body.
    """
    large = any(message.size > BATCH_BYTES for message, *_ in (batch, *under_way))
    return not under_way or (len(under_way) < COMMANDS_AHEAD and not large)
