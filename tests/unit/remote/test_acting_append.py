# SPDX-License-Identifier: LGPL-2.1-or-later
import base64
from typing import Any

import pytest

from cockpit_getmail import remote
from tests.support.fetching import make_connector
from tests.support.hostile import Server, Step, imap, read, tagged

MESSAGE = b"Subject: x\r\n\r\n\xff\r\n"
APPEND = rf'APPEND "INBOX" \(\) "01-Jan-1970 00:00:07 \+0000" \{{{len(MESSAGE)}\}}'


def append(server: Server, **more: Any) -> dict[str, Any]:
    connector = make_connector("SimpleIMAPRetriever", server.port, TLS="none")
    message = base64.b64encode(MESSAGE).decode()
    request = {"about": "append", "folder": "INBOX", "message": message, "flags": [], "date": 7, **more}
    return remote.check(request, remote.answer(connector, None, 5.0, request))


@pytest.mark.parametrize(
    ("status", "found"),
    [
        (b"OK [APPENDUID 7 4] done", {"uidvalidity": 7, "uid": 4}),
        (b"OK [appenduid 7 4] done", {"uidvalidity": 7, "uid": 4}),
        (b"OK done", {"uidvalidity": None, "uid": None}),
        (b"OK [APPENDUID 7 4:5] done", {"uidvalidity": None, "uid": None}),
    ],
)
def test_uid_is_told_where_the_server_does(status: bytes, found: dict[str, Any]) -> None:
    steps: list[Step] = [b"+ go on\r\n", read(len(MESSAGE) + 2), tagged(status=status)]
    with Server(imap({APPEND: steps})) as server:
        assert append(server) == found


@pytest.mark.parametrize(
    "found", [{}, {"uid": 1}, {"uid": "1", "uidvalidity": 1}, {"uid": -1, "uidvalidity": 1}]
)
def test_answer_of_another_shape_is_none(found: dict[str, Any]) -> None:
    with pytest.raises((ValueError, LookupError, TypeError)):
        remote.check({"about": "append"}, found)
