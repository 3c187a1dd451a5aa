# SPDX-License-Identifier: LGPL-2.1-or-later
"""What retrievers decide without a server. With one: tests/mail."""

from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.retriever.base import BATCH_BYTES, BATCH_MESSAGES, Remote, split_batches


@given(st.lists(st.integers(0, 2 * BATCH_BYTES), max_size=600))
def test_batches_hold_all_in_order_within_bounds(sizes: list[int]) -> None:
    messages = [Remote(str(number), size) for number, size in enumerate(sizes)]
    batches = list(split_batches(messages))
    assert [message for batch in batches for message in batch] == messages
    for batch in batches:
        assert len(batch) <= BATCH_MESSAGES
        assert len(batch) == 1 or sum(message.size for message in batch) <= BATCH_BYTES
