# SPDX-License-Identifier: LGPL-2.1-or-later
"""UIDs, and sequence sets of them (RFC 3501 section 9)."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

UID_LIMIT = 1 << 32
"""A UID, and a UIDVALIDITY, is from 1 and below that."""
UID_SET_LIMIT = 8000
"""Octets of a sequence set in one command."""


def contains(uids: Sequence[int], uid: int) -> bool:
    """Whether a UID is one of these, which ascend."""
    position = bisect_left(uids, uid)
    return position < len(uids) and uids[position] == uid


def format_uid_set(uids: Iterable[int], existing: Sequence[int]) -> str:
    """Return a sequence set (RFC 3501 section 9); `existing` are all UIDs of the folder, ascending.

    A range spans no existing message but wanted ones.
    """
    spans: list[list[int]] = []
    expected = -1
    for uid in uids:
        position = bisect_left(existing, uid)
        if spans and position == expected:
            spans[-1][1] = uid
        else:
            spans.append([uid, uid])
        expected = position + 1
    return ",".join(f"{low}:{high}" if low != high else str(low) for low, high in spans)


def split_uid_set(uid_set: str) -> Iterator[str]:
    """Yield a sequence set in parts that servers take in one command (RFC 7162 section 4 asks for 8192)."""
    while len(uid_set) > UID_SET_LIMIT:
        end = uid_set.rindex(",", 0, UID_SET_LIMIT)
        yield uid_set[:end]
        uid_set = uid_set[end + 1 :]
    if uid_set:
        yield uid_set


def count_uids(uid_set: str) -> int:
    """Return how many UIDs a sequence set names, whether there is a message of each or not."""
    spans = (span.partition(":") for span in uid_set.split(",") if span)
    return sum(int(high or low) - int(low) + 1 for low, _, high in spans)
