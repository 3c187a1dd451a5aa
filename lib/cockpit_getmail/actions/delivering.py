# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether mail can go where a connector says: found when it is saved, and not by its first run."""

from __future__ import annotations

from cockpit_getmail.actions import refuse
from cockpit_getmail.problem import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cockpit_getmail.settings import Settings
    from cockpit_getmail.words import Fault

_DECIDE = ("Account", "Destination", "Folder", "FolderMap")


def refuse_target(
    props: Mapping[str, str], settings: Settings, before: Mapping[str, str] | None = None
) -> None:
    """Raise Problem (NotValid) if mail cannot be delivered as these props say.

    With what they were `before`, only if there is a change to judge.
    """
    if before is not None and all(props.get(prop) == before.get(prop) for prop in _DECIDE):
        return
    words: dict[str, str] = {}
    for prop, word in _find_faults(props, settings):
        words.setdefault(prop, word)
    faults: list[Fault] = [
        {"parameter": prop, "value": props.get(prop), "error": word} for prop, word in words.items()
    ]
    refuse(faults)


def _find_faults(props: Mapping[str, str], settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield props and what is wrong with each."""
    from cockpit_getmail.target import find_fault

    own = props.get("Destination", "")
    if own and find_fault(own):
        yield "Destination", "format"
        return
    kind, _, place = (own or settings.destination).partition(":")
    account, folder = props.get("Account", ""), props.get("Folder", "")
    if kind == "maildir":
        yield from _find_maildir_faults(place, account)
    elif kind == "command":
        yield from _find_command_faults(place, account, folder)
        if own and not _can_run(place):
            yield "Destination", "unknown"
    yield from _find_folder_faults(kind, place, folder, settings)
    if props.get("FolderMap") == "keep" and _is_nameless(kind, place, settings):
        yield "FolderMap", "conflict"


def _find_maildir_faults(template: str, account: str) -> Iterator[tuple[str, str]]:
    if account and "{domain}" in template and "@" not in account:
        yield "Account", "format"
    elif account and template.startswith("~"):
        from cockpit_getmail.destination.home import find_user

        if _fails(lambda: find_user(account)):
            yield "Account", "unknown"


def _find_command_faults(command: str, account: str, folder: str) -> Iterator[tuple[str, str]]:
    from cockpit_getmail.destination.command import parse_command

    if account and _fails(lambda: parse_command(command, account, "")):
        yield "Account", "format"
    elif folder and account and _fails(lambda: parse_command(command, account, folder)):
        yield "Folder", "format"


def _find_folder_faults(kind: str, place: str, folder: str, settings: Settings) -> Iterator[tuple[str, str]]:
    if not folder:
        return
    from cockpit_getmail.destination.maildir_folders import format_subfolder, is_inbox

    if is_inbox(folder):
        return
    if _fails(lambda: format_subfolder(folder)):
        yield "Folder", "format"
        return
    if _is_nameless(kind, place, settings):
        yield "Folder", "conflict"


def _is_nameless(kind: str, place: str, settings: Settings) -> bool:
    """Whether a destination knows no folders of an account."""
    nameless = {"lmtp": not settings.recipient_delimiter, "command": "{folder}" not in place}
    return nameless.get(kind, False)


def _can_run(command: str) -> bool:
    from shlex import split

    from cockpit_getmail.destination.command import require_program

    return not _fails(lambda: require_program(split(command)[0]))


def _fails(check: Callable[[], object]) -> bool:
    try:
        check()
    except Problem:
        return True
    return False
