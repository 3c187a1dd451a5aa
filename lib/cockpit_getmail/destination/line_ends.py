# SPDX-License-Identifier: LGPL-2.1-or-later
"""Messages as they are kept on this kind of system: lines ended by LF alone."""


class LineEnds:
    """Turns CRLF into LF and nothing else, whatever pieces a message comes in."""

    def __init__(self) -> None:
        self._held = b""

    def convert(self, data: bytes) -> bytes:
        """Return what is certain of the message so far."""
        data = self._held + data
        # A CR at the end may be the first half of a CRLF.
        self._held = b"\r" if data.endswith(b"\r") else b""
        return data[: len(data) - len(self._held)].replace(b"\r\n", b"\n")

    def finish(self) -> bytes:
        """Return the rest: the message is whole."""
        return self._held
