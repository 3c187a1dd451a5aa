# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the demo says, and how it looks."""

import itertools
import sys
import textwrap
from collections.abc import Iterable

WIDTH = 100
_steps = itertools.count(1)


def tell(title: str, text: str) -> None:
    """Begin a step."""
    print(_bold(f"{next(_steps)}. {title}") + "\n")
    say(text)


def say(text: str) -> None:
    print(textwrap.fill(text, WIDTH) + "\n", flush=True)


def type_command(command: str) -> None:
    """Show what a person would type."""
    print(_bold(_fold(command, "    # ", "        ")), flush=True)


def quote(lines: Iterable[str]) -> None:
    """Show what a program says, as it says it."""
    for line in lines:
        print(_fold(line.rstrip("\n"), "    ", "      "), flush=True)
    print()


def wait_for_enter(question: str, nobody: str) -> None:
    if sys.stdin.isatty():
        input(_bold(f"{question} "))
    else:
        say(nobody)


def _fold(line: str, first: str, further: str) -> str:
    return textwrap.fill(
        line,
        WIDTH,
        initial_indent=first,
        subsequent_indent=further,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _bold(text: str) -> str:
    return f"\033[1m{text}\033[0m" if sys.stdout.isatty() else text
