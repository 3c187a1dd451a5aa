# SPDX-License-Identifier: LGPL-2.1-or-later
"""What root believes of a preview. With servers: tests/mail."""

from typing import Any

import pytest

from cockpit_getmail.remote.preview import LIMIT, SHOWN, check

FOLDER = {"name": "Été", "messages": 9, "wanted": 4, "passed": 5}
MESSAGE = {
    "uid": "7",
    "flags": ["\\Seen"],
    "size": 100,
    "received": None,
    "subject": "Hi\x1b",
    "sent_from": [{"name": "Ann", "email": "ann@example.com"}],
    "sent_to": [],
    "date": "",
    "message_id": "",
    "folder": "INBOX",
}
FOUND: dict[str, Any] = {
    "folders": [FOLDER],
    "more": 1,
    "wanted": 4,
    "passed": 5,
    "left": 2,
    "messages": [MESSAGE],
}


def test_answer_in_its_shape() -> None:
    odd = {
        **FOUND,
        "secret": 1,
        "folders": [{**FOLDER, "secret": 1}],
        "messages": [{**MESSAGE, "headers": 5}],
    }
    assert check({}, odd) == {**FOUND, "messages": [{**MESSAGE, "subject": "Hi\\x1b"}]}


@pytest.mark.parametrize(
    "lie",
    [
        {"folders": None},
        {"folders": [FOLDER] * (LIMIT + 1)},
        {"folders": [{**FOLDER, "wanted": -1}]},
        {"folders": [{**FOLDER, "messages": "9"}]},
        {"folders": [{**FOLDER, "name": 5}]},
        {"more": 1.5},
        {"left": None},
        {"wanted": True},
        {"messages": [MESSAGE] * (SHOWN + 1)},
        {"messages": [{**MESSAGE, "folder": None}]},
        {"messages": [{**MESSAGE, "size": -1}]},
        {"messages": [{}]},
    ],
)
def test_lie(lie: dict[str, Any]) -> None:
    with pytest.raises((ValueError, LookupError, TypeError)):
        check({}, {**FOUND, **lie})
