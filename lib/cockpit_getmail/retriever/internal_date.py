# SPDX-License-Identifier: LGPL-2.1-or-later
"""INTERNALDATE: when a message came to its server (RFC 3501 section 2.3.3)."""

import re
from calendar import timegm

_MONTHS = {
    name: number + 1 for number, name in enumerate(b"jan feb mar apr may jun jul aug sep oct nov dec".split())
}
_DATE = re.compile(
    rb"([ 0-3]?\d)-([A-Za-z]{3})-(?!0000)(\d{4}) ([0-2]\d):([0-5]\d):([0-6]\d) ([+-])([0-2]\d)([0-5]\d)"
)


def parse_internal_date(text: bytes) -> int | None:
    """Return the seconds since 1970 of `17-Jul-1996 02:44:25 -0700`, None of what is no such date.

    They are the same in whatever zone a server tells it, as it does in another one in summer.
    """
    found = _DATE.fullmatch(text)
    month = _MONTHS.get(found[2].lower()) if found else None
    if not found or not month:
        return None
    day, year, hour, minute, second, hours, minutes = map(int, found.group(1, 3, 4, 5, 6, 8, 9))
    offset = (hours * 60 + minutes) * 60
    return timegm((year, month, day, hour, minute, second)) - (offset if found[7] == b"+" else -offset)
