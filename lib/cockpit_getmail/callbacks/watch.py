# SPDX-License-Identifier: LGPL-2.1-or-later
"""Root's look at the connectors: what changed since the last one is put into the queue."""

from __future__ import annotations

import os
import sys
import time

from cockpit_getmail import status_file
from cockpit_getmail.callbacks import PROPS, are_wanted
from cockpit_getmail.callbacks.message import make_complete, make_status
from cockpit_getmail.callbacks.queue import Change, Queue
from cockpit_getmail.connector import folder_name
from cockpit_getmail.problem import Problem
from cockpit_getmail.report import Lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, TypeAlias

    from cockpit_getmail.connector import Connector
    from cockpit_getmail.settings import Settings

    ConditionOf: TypeAlias = Callable[[Connector], Mapping[str, Any]]

NO_SECRET = "Callbacks are not sent: the setting CALLBACK_SECRET, which signs them, is missing."  # noqa: S105


def observe(
    settings: Settings,
    connectors: Iterable[Connector],
    condition_of: ConditionOf,
    say: Lines | None = None,
) -> None:
    """Note how all connectors are, and queue what is to be told of that.

    `condition_of` gives what status.derive() does now: it is not asked before what was noted last is read, so
    that what another process notes meanwhile stays. What is not among `connectors` is forgotten. The first
    look at a connector tells nothing. Without CALLBACK_SECRET nothing is queued, and that is said once.
    Raises Problem (internal, quota).
    """
    wanted = [connector for connector in connectors if are_wanted(connector.props)]
    if not wanted and not Queue.exists(settings):
        return
    say = say or Lines(sys.stderr)
    with _open(settings, say) as opened:
        opened.keep({key: url for connector in wanted for key, url in _urls(connector).items()})
        if opened.is_news("no secret", holds=bool(wanted) and not settings.callback_secret):
            say.warn(NO_SECRET)
        _look(opened, settings, wanted, condition_of)


def note(settings: Settings, connector: Connector, condition_of: ConditionOf) -> None:
    """Do the same for one connector; also how a new one begins, so that its first run is not missed.

    Raises Problem (internal, quota).
    """
    if are_wanted(connector.props):
        with Queue(settings) as opened:
            _look(opened, settings, [connector], condition_of)


def forget(settings: Settings, name: str) -> None:
    """Forget a connector that is no more, and what waits to be told. Raises Problem (internal, quota)."""
    if Queue.exists(settings):
        with Queue(settings) as opened:
            opened.forget(name)


def _urls(connector: Connector) -> dict[tuple[str, str], str]:
    """Return where each kind of news of a connector goes, by its name and the kind."""
    urls = {(connector.name, kind): connector.props.get(prop, "") for kind, prop in PROPS.items()}
    return {key: url for key, url in urls.items() if url}


def _look(
    opened: Queue, settings: Settings, connectors: Iterable[Connector], condition_of: ConditionOf
) -> None:
    """Record what changed; nobody is told of what is noted for the first time, or without a secret."""
    noted, now = opened.noted(), time.time()
    changes = []
    for connector in connectors:
        for (name, kind), url in _urls(connector).items():
            before = noted.get((name, kind))
            if kind == "complete":
                after, message = _look_at_complete(settings, connector)
            else:
                condition = condition_of(connector)
                after = condition["status"]
                message = make_status(connector, condition, before or "", now)
            if before != after:
                is_told = before is not None and settings.callback_secret
                changes.append(Change(name, kind, before, after, url, message if is_told else None))
    if changes:
        opened.record(changes, now)


def _look_at_complete(settings: Settings, connector: Connector) -> tuple[str, dict[str, Any] | None]:
    """Return when the first complete run was done, and what tells of it; "" and None if none was."""
    report = status_file.read(os.path.join(settings.state_dir, folder_name(connector.name)))
    at = report["first_complete"] if report else None
    return ("", None) if at is None else (repr(at), make_complete(connector, at))


def _open(settings: Settings, say: Lines) -> Queue:
    """Return the queue; a new one in the place of one that is damaged, or nothing would be told any more."""
    try:
        return Queue(settings)
    except Problem as problem:
        if not isinstance(problem.attributes, dict) or "damaged" not in problem.attributes:
            raise
        say.error(f"{problem.message} This one is kept as {Queue.set_aside(settings)}.")
    return Queue(settings)
