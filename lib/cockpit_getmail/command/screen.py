# SPDX-License-Identifier: LGPL-2.1-or-later
"""What people are shown: tables and colours on a terminal, plain aligned text anywhere else.

Text from servers, files and other machines is made printable here, and never read as markup.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from cockpit_getmail.problem import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Literal, TextIO, TypeAlias

    from rich.console import Console

    Cell: TypeAlias = str | tuple[str, str]
    """Text, or text and its style."""

PLAIN_GAP = "  "
LONG = ("NAME", "ACCOUNT", "LABEL", "REASON", "WHAT", "MESSAGE-ID", "FOLDER")
"""The columns that give way where a terminal is narrow."""


class Screen:
    """Standard output and error of one command."""

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self.out = out or sys.stdout
        self.err = err or sys.stderr
        self.is_terminal = self.out.isatty()
        for stream in (self.out, self.err):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        self._console: Console | None = None

    @property
    def console(self) -> Console:
        """rich's, for a terminal."""
        if self._console is None:
            from rich.console import Console

            self._console = Console(file=self.out, highlight=False, markup=False, emoji=False, soft_wrap=True)
        return self._console

    def say(self, text: Cell = "") -> None:
        """Write a line."""
        words, style = _split(text)
        if not self.is_terminal:
            self.out.write(f"{words}\n")
            return
        from rich.text import Text

        self.console.print(Text(words, style=style))

    def complain(self, text: str) -> None:
        """Write a line to standard error."""
        self.out.flush()
        self.err.write(f"{printable(text)}\n")
        self.err.flush()

    def flush(self) -> None:
        """Have all that was said written. Raises BrokenPipeError if its reader has gone."""
        self.out.flush()

    def write_to_nobody(self) -> None:
        """Lose what is still to be written: Python would try again at its end (docs: signal, SIGPIPE)."""
        nobody = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nobody, self.out.fileno())
        os.close(nobody)

    def json(self, answer: Mapping[str, Any]) -> None:
        """Write an answer as one JSON object; on a terminal indented, and in ASCII, which cannot harm it."""
        text = json.dumps(
            answer, ensure_ascii=self.is_terminal, indent=2 if self.is_terminal else None, allow_nan=False
        )
        # What is no character, octets of a path say, JSON can carry escaped.
        self.out.write(text.encode(errors="backslashreplace").decode() + "\n")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
        """Write a table. A column whose title begins with `>` is set to the right, an empty one left out."""
        used = [number for number in range(len(columns)) if any(_split(row[number])[0] for row in rows)]
        columns = [columns[number] for number in used]
        rows = [[row[number] for number in used] for row in rows]
        titles = [column.removeprefix(">") for column in columns]
        to_right = [column.startswith(">") for column in columns]
        if self.is_terminal:
            self._table_on_terminal(titles, to_right, rows)
        else:
            self._table_as_text(titles, to_right, rows)

    def pairs(self, rows: Sequence[tuple[str, Cell]]) -> None:
        """Write names and what they have, one a line."""
        width = max(len(name) for name, _ in rows)
        for name, cell in rows:
            words, style = _split(cell)
            if not self.is_terminal:
                self.out.write(f"{name:{width}}  {words}".rstrip() + "\n")
                continue
            from rich.text import Text

            self.console.print(Text.assemble((f"{name:{width}}  ", "dim"), (words, style)))

    def _table_on_terminal(
        self, titles: Sequence[str], to_right: Sequence[bool], rows: Sequence[Sequence[Cell]]
    ) -> None:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0), pad_edge=False)
        for title, is_right in zip(titles, to_right, strict=True):
            justify: Literal["left", "right"] = "right" if is_right else "left"
            # Folded, not cut: a name is to be copied.
            table.add_column(title, justify=justify, overflow="fold", no_wrap=title not in LONG)
        for row in rows:
            table.add_row(*(Text(words, style=style) for words, style in map(_split, row)))
        self.console.print(table, soft_wrap=False)

    def _table_as_text(
        self, titles: Sequence[str], to_right: Sequence[bool], rows: Sequence[Sequence[Cell]]
    ) -> None:
        from rich.cells import cell_len

        lines = [list(titles), *([_split(cell)[0] for cell in row] for row in rows)]
        widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            cells = []
            for words, width, is_right in zip(line, widths, to_right, strict=True):
                blanks = " " * (width - cell_len(words))
                cells.append(blanks + words if is_right else words + blanks)
            self.out.write(PLAIN_GAP.join(cells).rstrip() + "\n")


def _split(cell: Cell) -> tuple[str, str]:
    words, style = (cell, "") if isinstance(cell, str) else cell
    return printable(words), style
