# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which messages of a POP3 listing are new, and of which there is no doubt.

UIDLs should be unique and never change (RFC 1939 section 7). In the wild they are missing, shared by several
messages or of any length and content: no message may be taken for another because of that.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from cockpit_getmail.retriever.base import Remote


@dataclass(frozen=True)
class Listing:
    """What UIDL and LIST said, by message number. A number may be missing in either."""

    uids: Mapping[int, str]
    sizes: Mapping[int, int]

    def compare(self, known: Mapping[tuple[str, int], int]) -> tuple[list[Remote], set[tuple[str, int]]]:
        """Return the new messages by ascending number, and the (uid, ordinal) of records still there."""
        clear = self._find_clear(known)
        present = {key for key in known if key[0] in clear}
        new: list[Remote] = []
        others: defaultdict[str, dict[int, int]] = defaultdict(dict)
        for number in sorted(self.uids.keys() | self.sizes.keys()):
            uid, size = self.uids.get(number, ""), self.sizes.get(number, 0)
            if uid not in clear:
                others[uid][number] = size
            elif (uid, 0) not in known:
                new.append(Remote(uid, size, 0, number))
        if others:
            recorded = _find_records(others, known)
            for uid, listed in others.items():
                matched, free = match_records(listed, recorded[uid])
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
        listed: defaultdict[str, list[int]] = defaultdict(list)
        for number, uid in self.uids.items():
            if uid in wanted:
                listed[uid].append(number)
        return {
            message: numbers[0]
            for message in doomed
            if len(numbers := listed.get(message.uid, [])) == 1 and self.sizes.get(numbers[0]) == message.size
        }

    def why_unusable(self, number: int) -> str | None:
        """Return why a message cannot be fetched at all, None for one that can."""
        if not self.uids.get(number):
            return "The server gives this message no UIDL."
        return None if number in self.sizes else "The server does not list the size of this message."

    def _find_clear(self, known: Mapping[tuple[str, int], int]) -> set[str]:
        """Return the UIDLs of one message, and of no more than one record: nearly all of them."""
        odd = {uid for (uid, ordinal), size in known.items() if ordinal or size < 0}
        counts = Counter(self.uids.values())
        return {uid for uid, count in counts.items() if count == 1 and uid and uid not in odd}


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
