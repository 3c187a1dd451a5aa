# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is marked as seen: what was delivered while marks were wanted, and that once."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from cockpit_getmail import marking
from cockpit_getmail.destination.base import Staged
from cockpit_getmail.folder_state import FolderState, Intent
from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.retriever.base import Folder, Remote
from cockpit_getmail.state import State

MESSAGES = [Remote(str(uid), 100 * uid) for uid in (9, 10, 11)]


class Marks:
    """The half of a retriever that marks."""

    def __init__(self) -> None:
        self.marked: list[list[str]] = []
        self.trouble: Problem | None = None

    def mark_seen(self, delivered: Sequence[Remote]) -> None:
        if self.trouble:
            raise self.trouble
        self.marked.append([message.uid for message in delivered])


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[FolderState]:
    with State(tmp_path) as state:
        yield state.begin("someone", 86400).folder(Folder("INBOX", 7, 3))


def deliver(folder: FolderState, *messages: Remote) -> None:
    folder.intend("maildir:/m", [Intent(m, True, Staged(f"name{m.uid}", m.size)) for m in messages])
    folder.delivered()


def mark(folder: FolderState, marks: Marks) -> list[list[str]]:
    marking.mark(folder, marks)  # type: ignore[arg-type]
    return marks.marked


def test_only_what_is_delivered_is_marked_and_that_once(folder: FolderState) -> None:
    marks = Marks()
    marking.intend(folder, MESSAGES)
    assert not marking.is_waiting(folder)
    assert mark(folder, marks) == []
    deliver(folder, *MESSAGES[:2])
    assert marking.is_waiting(folder)
    assert mark(folder, marks) == [["9", "10"]]
    assert not marking.is_waiting(folder)
    assert mark(folder, marks) == [["9", "10"]]
    marking.intend(folder, MESSAGES[2:])
    deliver(folder, MESSAGES[2])
    assert mark(folder, marks) == [["9", "10"], ["11"]]


def test_what_was_delivered_while_nobody_wanted_marks_is_let_alone(folder: FolderState) -> None:
    deliver(folder, *MESSAGES[:2])
    marking.intend(folder, MESSAGES[2:])
    deliver(folder, MESSAGES[2])
    assert mark(folder, Marks()) == [["11"]]


def test_what_the_filters_dropped_is_not_marked(folder: FolderState) -> None:
    marking.intend(folder, MESSAGES)
    folder.hold(MESSAGES[:1], [(MESSAGES[1], "spam")])
    assert mark(folder, Marks()) == []


def test_connection_that_breaks_leaves_it_to_the_next_run(folder: FolderState) -> None:
    marks = Marks()
    marking.intend(folder, MESSAGES)
    deliver(folder, *MESSAGES)
    marks.trouble = failure("network", "The connection broke.")
    with pytest.raises(Problem):
        mark(folder, marks)
    marks.trouble = None
    assert mark(folder, marks) == [["9", "10", "11"]]
