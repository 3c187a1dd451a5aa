# SPDX-License-Identifier: LGPL-2.1-or-later
"""What shells complete; see `make install` for what they are told, and argcomplete for how it works."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def complete(parser: argparse.ArgumentParser) -> None:
    """Answer a shell that asks for completions, and end."""
    import argcomplete
    from argcomplete.completers import ChoicesCompleter

    # By itself it would complete everything else with the names of files.
    argcomplete.autocomplete(parser, default_completer=ChoicesCompleter({}))


def complete_files(*, prefix: str, **_: object) -> list[str]:
    """Return the files whose path begins so."""
    from argcomplete.completers import FilesCompleter

    return list(FilesCompleter()(prefix))


def complete_names(*, parsed_args: argparse.Namespace, **_: object) -> list[str]:
    """Return the names and labels of this machine's connectors, where they may be read.

    Of another machine none: to press a key is no reason to log in somewhere.
    """
    from cockpit_getmail.client import Client
    from cockpit_getmail.problem import Problem

    if getattr(parsed_args, "host", None):
        return []
    try:
        found = Client().call("read", "status")["connectors"]
    except Problem:
        return []
    return [name for connector in found for name in (connector["name"], connector.get("label")) if name]
