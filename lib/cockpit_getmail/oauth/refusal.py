# SPDX-License-Identifier: LGPL-2.1-or-later
"""Why a provider gives no token, as a Problem: in its words, and with what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit_getmail.oauth import hints
from cockpit_getmail.problem import failure, printable

if TYPE_CHECKING:
    from cockpit_getmail.oauth.answers import Answer
    from cockpit_getmail.oauth.flows import Request
    from cockpit_getmail.oauth.providers import Provider
    from cockpit_getmail.problem import Problem

_BUSY = ("temporarily_unavailable", "server_error")
_SERVER_ERROR, _TOO_MANY = 500, 429


def refusal(answer: Answer, provider: Provider, request: Request | None = None) -> Problem:
    """Return what an answer without a token is: cause network if it may be better next time by itself."""
    secrets = request.secrets if request else ()
    error, words = (hints.hide(answer.text(name), secrets) for name in ("error", "error_description"))
    if answer.status >= _SERVER_ERROR or answer.status == _TOO_MANY or error in _BUSY:
        said = f": {_tell(error, words)}" if error else ""
        message = f"{provider.host} gives no tokens for the moment ({answer.status}){said}."
        return failure("network", message, hint="That is the provider's trouble: it is tried again later.")
    if error:
        return refused(provider, error, words, is_signed=request is not None and "assertion=" in request.body)
    what = "redirects" if answer.status // 100 == 3 else "answers, but not as OAuth2 has it"
    hint = "Try again later."
    if provider.name == "custom":
        hint = "Check TokenUrl, AuthorizationUrl and DeviceUrl."
    return failure("protocol", f"{provider.host} {what} ({answer.status}).", hint=hint)


def refused(provider: Provider, error: str, words: str, *, is_signed: bool = False) -> Problem:
    """Return what an `error` is, of which the provider says so many words."""
    hint = hints.about_refusal(error, words, is_signed=is_signed)
    message = f"{provider.host} gives no token: {_tell(error, words)}."
    return failure("credentials", message, hint=hint or hints.ANY, error=printable(error))


def _tell(error: str, words: str) -> str:
    return printable(f"{error} ({words.rstrip('.')})" if words else error)
