# SPDX-License-Identifier: LGPL-2.1-or-later
"""Search criteria of IMAP as people write them, whatever they hold."""

from collections.abc import Sequence

from hypothesis import strategies as st

TEXTS = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=12)
DATES = st.dates().map(lambda day: f"{day.day}-{day:%b}-{day.year:04}")
NUMBERS = st.integers(0, 2**32 - 1).map(str)
PLACES = st.integers(1, 2**32 - 1).map(str) | st.just("*")
RANGES = st.tuples(PLACES, PLACES).map(":".join)
SETS = st.lists(PLACES | RANGES, min_size=1, max_size=4).map(",".join)
FLAGS = st.text("!#$&'+-./:;<=>?@AZaz09[^_`|}~", min_size=1, max_size=8)
ALONE = ["ALL", "NEW", "OLD", "RECENT", "SEEN", "UNSEEN", "UNDRAFT", "ANSWERED", "DELETED", "UNFLAGGED"]
WITH_TEXT = ["BCC", "BODY", "CC", "FROM", "SUBJECT", "TEXT", "TO"]
GMAIL = ["X-GM-RAW", "X-GM-LABELS"]


def quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


STRINGS = TEXTS.map(quote)


def make_searches(
    *, with_text: Sequence[str] = WITH_TEXT, numbers: st.SearchStrategy[str] = SETS
) -> st.SearchStrategy[str]:
    """Return searches with these keys that take a text, and these sets of message numbers."""
    keys = st.recursive(
        st.one_of(
            st.sampled_from(ALONE),
            st.builds("{} {}".format, st.sampled_from(with_text), STRINGS),
            st.builds("HEADER {} {}".format, STRINGS, STRINGS),
            st.builds("{} {}".format, st.sampled_from(["BEFORE", "ON", "SENTSINCE", "SINCE"]), DATES),
            st.builds("{} {}".format, st.sampled_from(["KEYWORD", "UNKEYWORD"]), FLAGS),
            st.builds("{} {}".format, st.sampled_from(["LARGER", "SMALLER"]), NUMBERS),
            st.builds("YOUNGER {}".format, st.integers(1, 2**32 - 1)),
            st.builds("UID {}".format, SETS),
            numbers,
        ),
        lambda keys: st.one_of(
            keys.map("NOT {}".format),
            st.tuples(keys, keys).map(lambda pair: f"OR {pair[0]} {pair[1]}"),
            st.lists(keys, min_size=1, max_size=3).map(lambda some: f"({' '.join(some)})"),
        ),
        max_leaves=6,
    )
    return st.lists(keys, min_size=1, max_size=3).map(" ".join)
