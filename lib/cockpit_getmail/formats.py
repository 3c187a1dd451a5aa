# SPDX-License-Identifier: LGPL-2.1-or-later
"""The formats of our schemas.

ipv4, ipv6 and idn-hostname are a little stricter than their RFCs; imap-search is our own.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_NAME_LIMIT = 253
_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_NUMBER = "[0-9]+|0[xX][0-9A-Fa-f]*"


def is_ipv4(value: object) -> bool:
    """Whether a text is an IPv4 address; of what is no text, others judge."""
    if not isinstance(value, str):
        return True
    # Most are host names, and these need not wait for the import.
    if not value.replace(".", "").isdecimal():
        return False
    from ipaddress import IPv4Address

    return _is_made_by(IPv4Address, value)


def is_ipv6(value: object) -> bool:
    """Whether value is no text or an IPv6 address (RFC 4291 section 2.2) without a zone (RFC 4007)."""
    if not isinstance(value, str):
        return True
    if ":" not in value or "%" in value:
        return False
    from ipaddress import IPv6Address

    return _is_made_by(IPv6Address, value)


def _is_made_by(kind: Callable[[str], object], text: str) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return True


def is_host_name(value: object) -> bool:
    """Whether value is no text or a host name (RFC 1123 section 2.1, RFC 5891), one dot at its end allowed.

    A last label that is a number makes it an address, or nothing: resolvers take `127.1` and `0x7f000001`
    for 127.0.0.1.
    """
    if not isinstance(value, str):
        return True
    if len(value) > _NAME_LIMIT + 1:
        return False
    name = value.removesuffix(".")
    labels = (name if name.isascii() else _to_ascii(name)).split(".")
    return (
        len(".".join(labels)) <= _NAME_LIMIT
        and all(re.fullmatch(_LABEL, label) for label in labels)
        and not re.fullmatch(_NUMBER, labels[-1])
    )


def _to_ascii(name: str) -> str:
    """Return a name as DNS has it, empty if it has no such form."""
    import idna

    try:
        return idna.encode(name, uts46=True).decode()
    except idna.IDNAError:
        return ""


def is_imap_search(value: object) -> bool:
    """Whether value is no text or criteria of IMAP; see criteria.parse()."""
    if not isinstance(value, str):
        return True
    from cockpit_getmail import criteria

    return _is_made_by(criteria.parse, value)


def is_command(text: str) -> bool:
    """Whether this is a program by its absolute path, and arguments, quoted as for a shell."""
    from os.path import isabs
    from shlex import split

    try:
        words = split(text)
    except ValueError:
        return False
    return bool(words) and isabs(words[0])


def is_date(value: object) -> bool:
    """Whether value is no text or a day (RFC 3339 section 5.6, full-date)."""
    if not isinstance(value, str):
        return True
    from datetime import date

    return bool(re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value)) and _is_made_by(date.fromisoformat, value)


def is_folder_list(value: object) -> bool:
    """Whether value is no text or names folders; see folder_list.parse()."""
    if not isinstance(value, str):
        return True
    from cockpit_getmail import folder_list

    return _is_made_by(folder_list.parse, value)


FORMATS = {
    "date": is_date,
    "folder-list": is_folder_list,
    "ipv4": is_ipv4,
    "ipv6": is_ipv6,
    "idn-hostname": is_host_name,
    "imap-search": is_imap_search,
}
