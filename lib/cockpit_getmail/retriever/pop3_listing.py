# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which messages of a POP3 listing are new, and of which there is no doubt.

UIDLs should be unique and never change (RFC 1939 section 7). In the wild they are missing, shared by several
messages or of any length and content: no message may be taken for another because of that.
"""

from array import array
from collections import Counter, defaultdict, deque
from collections.abc import Container, Mapping, Sequence
from operator import attrgetter

from cockpit_getmail.retriever.base import Remote


class Listing:
    """What UIDL and LIST said, in columns: dictionaries of 100,000 messages would take 20 MiB more."""

    def __init__(self) -> None:
        self._numbers = array("q")
        self._uids: list[str] = []
        self._sizes = array("q")
        self._unusable: dict[int, str] = {}

    def add(self, number: int, uid: str, size: int | None) -> None:
        """Take a message that was not added before. It may have an empty UIDL, and None for a size."""
        self._numbers.append(number)
        self._uids.append(uid)
        self._sizes.append(size or 0)
        if not uid:
            self._unusable[number] = "The server gives this message no UIDL."
        elif size is None:
            self._unusable[number] = "The server does not list the size of this message."

    def compare(self, known: Mapping[tuple[str, int], int]) -> tuple[list[Remote], set[tuple[str, int]]]:
        """Return the new messages by ascending number, and the (uid, ordinal) of records still there."""
        clear = self._find_clear(known)
        present = {key for key in known if key[0] in clear}
        new: list[Remote] = []
        others: defaultdict[str, dict[int, int]] = defaultdict(dict)
        for number, uid, size in zip(self._numbers, self._uids, self._sizes, strict=True):
            if uid not in clear:
                others[uid][number] = size
            elif (uid, 0) not in known:
                new.append(Remote(uid, size, 0, number))
        recorded = _find_records(others, known) if others else {}
        for uid, listed in others.items():
            matched, free = match_records(dict(sorted(listed.items())), recorded.get(uid, {}))
            present.update((uid, ordinal) for ordinal in matched)
            new += (Remote(uid, listed[number], ordinal, number) for number, ordinal in free.items())
        new.sort(key=attrgetter("number"))
        return new, present

    def find_certain(
        self, doomed: Sequence[Remote], known: Mapping[tuple[str, int], int]
    ) -> dict[Remote, int]:
        """Return the numbers of those messages that can be no other than the one recorded."""
        recorded = Counter(uid for uid, _ in {*known, *((m.uid, m.ordinal) for m in doomed)})
        wanted = {message.uid for message in doomed if message.uid and recorded[message.uid] == 1}
        listed: defaultdict[str, dict[int, int]] = defaultdict(dict)
        for number, uid, size in zip(self._numbers, self._uids, self._sizes, strict=True):
            if uid in wanted:
                listed[uid][number] = size
        certain: dict[Remote, int] = {}
        for message in doomed:
            numbers = listed.get(message.uid, {})
            for number, size in numbers.items() if len(numbers) == 1 else ():
                if size == message.size and number not in self._unusable:
                    certain[message] = number
        return certain

    def why_unusable(self, number: int) -> str | None:
        """Return why a message cannot be fetched at all, None for one that can."""
        return self._unusable.get(number)

    def _find_clear(self, known: Mapping[tuple[str, int], int]) -> Container[str]:
        """Return the UIDLs of one message, and of no more than one record: nearly all of them."""
        counts = Counter(self._uids)
        odd = {uid for (uid, ordinal), size in known.items() if ordinal or size < 0}
        for uid in [uid for uid, count in counts.items() if count > 1 or not uid or uid in odd]:
            del counts[uid]
        return counts


def match_records(listed: Mapping[int, int], recorded: Mapping[int, int]) -> tuple[list[int], dict[int, int]]:
    """Tell old from new among the messages of one UIDL.

    `listed` has sizes by number, oldest first; `recorded` has sizes by ordinal. Returns the ordinals of the
    records that are still there, and the next free ordinals by the numbers of the new messages. One message
    and one record belong together whatever the size: some servers change their mind about it. Of several,
    those of equal size do, in order; so they do where the record is of a message deleted by us (~size), whose
    UIDL may have gone to another.
    """
    if len(listed) == len(recorded) == 1 and min(recorded.values()) >= 0:
        return list(recorded), {}
    by_size: defaultdict[int, deque[int]] = defaultdict(deque)
    for ordinal in sorted(recorded):
        size = recorded[ordinal]
        by_size[size if size >= 0 else ~size].append(ordinal)
    free = (ordinal for ordinal in range(len(listed) + len(recorded)) if ordinal not in recorded)
    matched: list[int] = []
    new: dict[int, int] = {}
    for number, size in listed.items():
        if same := by_size.get(size):
            matched.append(same.popleft())
        else:
            new[number] = next(free)
    return matched, new


def _find_records(
    uids: Container[str], known: Mapping[tuple[str, int], int]
) -> defaultdict[str, dict[int, int]]:
    """Return the sizes recorded for these UIDLs, by ordinal."""
    records: defaultdict[str, dict[int, int]] = defaultdict(dict)
    for (uid, ordinal), size in known.items():
        if uid in uids:
            records[uid][ordinal] = size
    return records
