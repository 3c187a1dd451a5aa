# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tables of figures in Markdown, to be read as they are too."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bench.pairs import Spread


@dataclass(frozen=True)
class Row:
    """One piece of work. `met` is None where there is no target, or no figure to hold against it."""

    work: str
    cells: Sequence[str]
    target: str = ""
    met: bool | None = None


@dataclass(frozen=True)
class Section:
    """A table. `head` names the column of the work and those of the cells."""

    title: str
    head: Sequence[str]
    rows: list[Row] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def without_targets(section: Section) -> Section:
    rows = [replace(row, target="", met=None) for row in section.rows]
    return replace(section, rows=rows)


def show(section: Section) -> str:
    """Return a heading, the table and its remarks in Markdown, the columns aligned."""
    lines = [[*section.head], *([row.work, *row.cells] for row in section.rows)]
    if any(row.target for row in section.rows):
        lines[0] += ["target", "met"]
        for line, row in zip(lines[1:], section.rows, strict=True):
            line += [row.target, _show_met(row)]
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    table = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in lines
    ]
    remarks = [f"- {remark}" for remark in section.remarks]
    return "\n".join([f"### {section.title}", "", *table, *([""] if remarks else []), *remarks, ""])


def show_spread(spread: Spread | None, digits: int = 2) -> str:
    """Return "0.42 (0.40-0.47)": the median, and from the least to the most."""
    if spread is None:
        return "-"
    middle, least, most = (f"{figure:.{digits}f}" for figure in spread)
    return f"{middle} ({least}-{most})"


def show_seconds(seconds: float) -> str:
    """Return three digits that count, in seconds or milliseconds."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"


def show_octets(octets: float) -> str:
    """Return octets, KiB or MiB."""
    if octets < 10 << 10:
        return f"{octets:.0f} B"
    return f"{octets / 1024:.0f} KiB" if octets < 1 << 20 else f"{octets / (1 << 20):.1f} MiB"


def _show_met(row: Row) -> str:
    if not row.target or row.met is None:
        return ""
    return "yes" if row.met else "**no**"
