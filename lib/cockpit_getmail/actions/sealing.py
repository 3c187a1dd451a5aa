# SPDX-License-Identifier: LGPL-2.1-or-later
"""Secrets as they are stored: sealed or in clear, shown, counted, and made the one of the other."""

from __future__ import annotations

from cockpit_getmail import database
from cockpit_getmail.actions import find, select
from cockpit_getmail.connector import SEALED, SEALED_AS
from cockpit_getmail.problem import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any, TypeAlias

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.database import Database, Record
    from cockpit_getmail.settings import Settings

    Stored: TypeAlias = tuple[str, str, str]
    """A connector's key, the prop that a secret is stored as, and its value."""
    Work: TypeAlias = Callable[[Sequence[tuple[str, str]]], list[str | Problem]]

FAILED_SHOWN = 100


def count_secrets(records: Iterable[Record]) -> dict[str, int]:
    """Return how many secrets are stored sealed, and how many in clear."""
    counts = {"sealed": 0, "plain": 0}
    for record in records:
        for prop, _ in _find_stored(record.props):
            counts["sealed" if prop in SEALED else "plain"] += 1
    return counts


def seal_all(data: Mapping[str, Any], settings: Settings) -> Answer:
    """Seal what is stored in clear; return what was done. Raises Problem: then nothing was written."""
    from cockpit_getmail.login.sealed import seal_each

    return _convert(data, settings, SEALED_AS, seal_each)


def unseal_all(data: Mapping[str, Any], settings: Settings) -> Answer:
    """Store in clear what is stored sealed; return what was done, and what does not open. Raises Problem."""
    from cockpit_getmail.login.sealed import unseal_each

    return _convert(data, settings, SEALED, unseal_each)


def _convert(data: Mapping[str, Any], settings: Settings, forms: Mapping[str, str], work: Work) -> Answer:
    """Replace each secret that is stored in one form by the other: in `forms` by the prop that it is now.

    Whoever else writes meanwhile is not kept waiting, and wins: what is another value by then stays as it is.
    All that was done is written at once, or nothing.
    """
    keys, rest = _choose(database.read(settings.connectors_db), forms, data)
    stored = [(key, prop, value) for key, found in keys.items() for prop, value in found]
    results = work([(SEALED.get(prop, prop), value) for _, prop, value in stored])
    done: dict[Stored, str] = {}
    failed: dict[str, str] = {}
    for item, result in zip(stored, results, strict=True):
        if not isinstance(result, Problem):
            done[item] = result
        elif result.cause == "credentials":
            failed[item[0]] = f"{result.message} {result.hint}".rstrip()
        else:
            raise result
    answer = _store(settings, forms, done)
    if failed:
        shown = [{"name": name, "message": message} for name, message in failed.items()]
        answer |= {"failed": shown[:FAILED_SHOWN], "failed_count": len(failed)}
    if rest:
        answer |= {"after": max(keys), "left": rest}
    return answer


def _choose(
    content: Database, forms: Mapping[str, str], data: Mapping[str, Any]
) -> tuple[dict[str, list[tuple[str, str]]], int]:
    """Return what is to be done by connector, in the order of keys, and how many connectors are left then."""
    after, limit = data.get("after", ""), data.get("limit")
    found = {
        record.key: secrets
        for record in select(content)
        if record.key > after
        and (secrets := [item for item in _find_stored(record.props) if item[0] in forms])
    }
    keys = sorted(found)[:limit]
    return {key: found[key] for key in keys}, len(found) - len(keys)


def _store(settings: Settings, forms: Mapping[str, str], done: Mapping[Stored, str]) -> Answer:
    changed: set[str] = set()
    secrets = 0
    with database.transaction(settings.connectors_db) as content:
        for (key, prop, before), value in done.items():
            record = find(content, key)
            if record is None or (prop, before) not in _find_stored(record.props):
                continue
            props = {**record.props, forms[prop]: value}
            del props[prop]
            content.put(key, record.type, props)
            changed.add(key)
            secrets += 1
    return {"state": "success", "connectors": len(changed), "secrets": secrets}


def _find_stored(props: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the secrets of a record as they count (see Connector.from_record), by the prop as stored."""
    return [(prop, props[prop]) for prop in _find_props(props)]


def _find_props(props: Mapping[str, str]) -> Iterator[str]:
    for prop, name in SEALED_AS.items():
        if props.get(prop):
            yield prop
        elif props.get(name):
            yield name
