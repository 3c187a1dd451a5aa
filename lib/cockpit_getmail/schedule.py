# SPDX-License-Identifier: LGPL-2.1-or-later
"""When a connector's next run is: arithmetic alone, on seconds since 1970."""

from __future__ import annotations

from binascii import crc32

DAY = 86400
REFUSED_LIMIT = 5
"""So many refused log-ins in a row, and it is tried once a day: providers lock accounts that go on."""
_HASH_RANGE = 1 << 32
_DOUBLINGS_LIMIT = 32


def offset(name: str, minutes: int) -> int:
    """Return the connector's own place in its interval, in whole seconds from 0, less than the interval.

    It is always the same for a name, and over many names it is everywhere alike: so they do not all start on
    the hour.
    """
    return crc32(name.encode("utf-8", "surrogatepass")) * _interval(minutes) // _HASH_RANGE


def next_run(
    name: str, minutes: int, last_start: float | None, failures: int, refused: int, now: float
) -> float:
    """Return when the connector's next run is due; `now` or before: it is due, also by the whole seconds.

    `failures` counts the runs that failed in a row, `refused` the log-ins. It is due at once if it was never
    started, or if its last start lies in the future, as after the clock was set back. Without failures, or
    after the first, its next run is at its own place in the next interval, so it never waits for longer than
    `minutes`. From the second failure in a row on the wait doubles, up to a day, or to `minutes` if that is
    longer; so long it is also after REFUSED_LIMIT refused log-ins.
    """
    if last_start is None or last_start > now:
        return now
    interval = _interval(minutes)
    longest = max(DAY, interval)
    if refused >= REFUSED_LIMIT:
        return last_start + longest
    if failures > 1:
        return last_start + min(interval * (1 << min(failures - 1, _DOUBLINGS_LIMIT)), longest)
    own = offset(name, minutes)
    return own + ((int(last_start) - own) // interval + 1) * interval


def _interval(minutes: int) -> int:
    return max(minutes, 1) * 60
