# SPDX-License-Identifier: LGPL-2.1-or-later
"""Spam, by rspamd: one POST /checkv2 for each message (rspamd.com/doc/developers/protocol.html)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cockpit_getmail import http
from cockpit_getmail.filter.base import Removal, Verdict
from cockpit_getmail.filter.milter import Changes, read_changes
from cockpit_getmail.problem import Problem, failure, printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cockpit_getmail.filter.base import Action, Envelope
    from cockpit_getmail.settings import Settings
    from cockpit_getmail.spool import Spool

ANSWER_LIMIT = 1 << 20
_SPAM = "X-Spam"


class Rspamd:
    """rspamd at a URL; `reject` is what becomes of what it would not let in."""

    def __init__(self, url: str, timeout: float, reject: Action) -> None:
        self._url = url.rstrip("/")
        self._timeout = timeout
        self._reject = reject

    def scan(self, message: Spool, envelope: Envelope) -> Verdict:
        try:
            answer = http.exchange(
                f"{self._url}/checkv2",
                "POST",
                make_headers(envelope),
                message.chunks(),
                length=message.size,
                seconds=self._timeout,
                answer_limit=ANSWER_LIMIT,
            )
        except Problem as problem:
            if problem.cause not in ("network", "tls", "protocol", "connector"):
                raise
            # It hangs up, without a word, on what is larger than its max_message.
            reason = f"rspamd did not answer for {message.size} octets. {problem.message}"
            raise failure("filter", reason) from problem
        if answer.status == 413:
            return Verdict("fail", "it is larger than rspamd takes (max_message).")
        if answer.status != 200:
            raise _refuse(f"status {answer.status}")
        return parse_answer(answer.body, self._reject)


def make(settings: Settings) -> Rspamd:
    return Rspamd(settings.rspamd_url, settings.filter_timeout, settings.spam_reject)


def make_headers(envelope: Envelope) -> dict[str, bytes]:
    """Return what rspamd is told beside the message.

    Nothing of who handed it to the mailbox is known. A User would mean that somebody of here has sent it.
    """
    told = {
        "From": f"<{envelope.sender}>",
        "Rcpt": f"<{envelope.recipient}>",
        "Deliver-To": envelope.recipient,
        "Queue-Id": "cockpit-getmail",
    }
    return {name: printable(value).encode() for name, value in told.items()}


def parse_answer(body: bytes, reject: Action) -> Verdict:
    """Return what rspamd's answer says. Raises Problem (filter) if that is nothing we know.

    What it says of sender, recipients and DKIM signatures is for who sends mail.
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _refuse("no JSON") from error
    action = answer.get("action") if isinstance(answer, dict) else None
    if not isinstance(action, str):
        raise _refuse("no action")
    changes = read_changes(answer.get("milter"))
    if changes.no_action:
        action = "no action"
    if action in ("soft reject", "greylist"):
        return Verdict("later", _find_reason(answer, action))
    if action in ("reject", "discard"):
        return _turn_away(answer, action, changes, reject)
    if action == "quarantine":
        return Verdict("quarantine", f"rspamd: {_find_reason(answer, action)}")
    if action == "rewrite subject":
        _rewrite_subject(answer, changes)
    elif action == "add header":
        _mark(changes)
    elif action != "no action":
        raise _refuse(f'the unknown action "{printable(action)}"')
    return Verdict("deliver", "", changes.added, tuple(changes.removed))


def _turn_away(answer: Mapping[str, Any], action: str, changes: Changes, reject: Action) -> Verdict:
    reason = _find_reason(answer, action)
    if changes.quarantine:
        return Verdict("quarantine", f"rspamd: {reason}")
    if reject != "junk":
        return Verdict(reject, reason)
    _mark(changes)
    return Verdict("junk", reason, changes.added, tuple(changes.removed))


def _mark(changes: Changes) -> None:
    """Mark a message as spam, unless rspamd's own header does."""
    for name, value in changes.spam.items():
        changes.removed.append(Removal(name.encode()))
        changes.add(name, value)
    if not changes.has(_SPAM):
        changes.removed.append(Removal(_SPAM.encode()))
        changes.add(_SPAM, "Yes")


def _rewrite_subject(answer: Mapping[str, Any], changes: Changes) -> None:
    subject = answer.get("subject")
    if not isinstance(subject, str) or not subject:
        _mark(changes)
        return
    changes.removed.append(Removal(b"Subject"))
    changes.add("Subject", subject)


def _find_reason(answer: Mapping[str, Any], action: str) -> str:
    messages = answer.get("messages")
    told = messages.get("smtp_message") if isinstance(messages, dict) else None
    return printable(f"{action} ({told})" if isinstance(told, str) and told else action)


def _refuse(what: str) -> Problem:
    return failure("filter", f"rspamd did not scan a message: it answered {what}.")
