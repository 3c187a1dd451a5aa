# SPDX-License-Identifier: LGPL-2.1-or-later
"""Commands that change how secrets are stored."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from cockpit_getmail.command.session import SUCCESS
from cockpit_getmail.problem import printable
from cockpit_getmail.report import count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cockpit_getmail.command.session import Answer, Session

SOME_FAILED = 65
PORTION = 100
"""Connectors between two movements of the bar: about a second."""


def seal(session: Session) -> int:
    """Have the secrets sealed that are stored in clear."""

    def work(after: str | None) -> Answer:
        return session.call("update", "seal", limit=PORTION, after=after)

    return _tell(session, _convert(session, work, "Sealing secrets"), "sealed", wanted=True)


def unseal(session: Session) -> int:
    """Have the secrets stored in clear that are sealed."""

    def work(after: str | None) -> Answer:
        return session.call("update", "unseal", limit=PORTION, after=after)

    return _tell(session, _convert(session, work, "Opening secrets"), "stored in clear", wanted=False)


def _convert(session: Session, work: Callable[[str | None], Answer], description: str) -> Answer:
    """Return one answer for all portions, each the one after a key. Raises Problem; what is done stays so."""
    whole: Answer = {"state": "success", "connectors": 0, "secrets": 0}
    failed: list[Answer] = []
    after: str | None = None
    with _progress(session, description) as show:
        while True:
            answer = work(after)
            whole |= {name: whole[name] + answer[name] for name in ("connectors", "secrets")}
            failed += answer.get("failed", [])
            after, left = answer.get("after"), answer.get("left", 0)
            show(whole["connectors"] + len(failed), left)
            if after is None:
                return whole | ({"failed": failed, "failed_count": len(failed)} if failed else {})


def _tell(session: Session, answer: Answer, done: str, *, wanted: bool) -> int:
    failed = answer.get("failed", [])
    status = SOME_FAILED if failed else SUCCESS
    if session.show_json(answer):
        return status
    secrets, connectors = count(answer["secrets"], "secret"), count(answer["connectors"], "connector")
    if answer["secrets"]:
        session.screen.say(
            f"{secrets} of {connectors} {'is' if answer['secrets'] == 1 else 'are'} now {done}."
        )
    elif not failed:
        session.screen.say(f"All secrets were {done} already.")
    for connector in failed:
        session.screen.complain(f"{printable(connector['name'])}: {printable(connector['message'])}")
    is_set = session.call("read", "info")["settings"]["ENCRYPT_SECRETS"]
    if is_set and not wanted:
        session.screen.say("What is stored from now on is sealed all the same, by ENCRYPT_SECRETS=yes.")
    elif wanted and not is_set:
        session.screen.say("What is stored from now on stays in clear: ENCRYPT_SECRETS=yes seals that, too.")
    return status


@contextmanager
def _progress(session: Session, description: str) -> Iterator[Callable[[int, int], None]]:
    """Give what shows how many connectors are done and left: a bar on a terminal, else nothing."""
    if session.options.json or not session.screen.is_terminal:
        yield lambda done, left: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=session.screen.console, transient=True) as progress:
        task = progress.add_task(description, total=None)
        yield lambda done, left: progress.update(task, completed=done, total=done + left)
