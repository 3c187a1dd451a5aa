# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a person can do about a refused token or log-in, by the words it was refused with.

The words are Google's and Microsoft's own, and those of RFC 6749 section 5.2 and RFC 8628 section 3.5.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

SIGN_IN = "Sign in again: the sign-in has expired, was revoked, or the password was changed."
CONSENT = "Sign in again and consent to what is asked for; an organisation's administrator may have to."
SECRET = "The client secret is wrong or has expired: make a new one with the provider and put it here."  # noqa: S105
CLIENT = "Check ClientId, Tenant and the app registration: this client is not known, or not for mail."
DELEGATION = (
    "Authorise the service account for this scope in the organisation's console (domain-wide delegation), or "
    "check ClientId and Tenant."
)
SCOPE = "Check Scope: the provider does not grant it to this client."
ACCOUNT = "The account is disabled, deleted or not licensed for mail: ask its administrator."
KEY = "Check KeyFile and the clock of this server: the provider does not accept what was signed."
NOT_CONNECTED = (
    "The sign-in is good, but the mailbox cannot be opened so: it is not licensed, IMAP or POP3 is switched "
    "off for it, or Username is another's."
)
ANY = "Correct the connector, or sign in again."
OTHER_REFUSAL = "Check Username and Scope, then sign in again."

_PIECE = 24
"""So many characters of a secret are not shown: what a provider repeats is cut off somewhere."""
_BY_CODE = (
    # Microsoft's codes stand in the description.
    (("AADSTS7000215", "AADSTS7000222", "AADSTS7000218"), SECRET),
    (("AADSTS700016", "AADSTS90002", "AADSTS70001", "AADSTS50011"), CLIENT),
    (("AADSTS65001", "AADSTS65004", "AADSTS90094", "AADSTS50076", "AADSTS50079"), CONSENT),
    (("AADSTS50057", "AADSTS50105", "AADSTS50034", "AADSTS500011"), ACCOUNT),
    (("AADSTS700027", "AADSTS700024"), KEY),
)
_BY_ERROR = {
    "invalid_grant": SIGN_IN,
    "expired_token": SIGN_IN,
    "login_required": SIGN_IN,
    "access_denied": CONSENT,
    "authorization_declined": CONSENT,
    "consent_required": CONSENT,
    "interaction_required": CONSENT,
    "admin_policy_enforced": CONSENT,
    "invalid_client": SECRET,
    "unauthorized_client": CLIENT,
    "deleted_client": CLIENT,
    "disabled_client": CLIENT,
    "redirect_uri_mismatch": CLIENT,
    "invalid_scope": SCOPE,
}
_ACCOUNT_WORDS = re.compile(
    "account has been (deleted|disabled)|not licensed|mailbox.{0,40}disabled", re.IGNORECASE
)
_NOT_CONNECTED_WORDS = re.compile(
    "authenticated but not connected|not licensed|mailbox.{0,40}(disabled|not enabled)|"
    "(imap|pop).{0,40}(disabled|not enabled)",
    re.IGNORECASE,
)


def about_refusal(error: str, description: str, *, is_signed: bool = False) -> str | None:
    """Return what to do about an answer of a provider with this `error`; None if nothing is known.

    `is_signed`: it was asked by a service account's key.
    """
    codes = _find_codes(description)
    for known, hint in _BY_CODE:
        if codes.intersection(known):
            return hint
    if _ACCOUNT_WORDS.search(description):
        return ACCOUNT
    if is_signed and error in ("invalid_grant", "unauthorized_client"):
        return DELEGATION if error == "unauthorized_client" else KEY
    return _BY_ERROR.get(error)


def about_login(words: str) -> str:
    """Return what to do where a mail server refused a token, with these words."""
    return NOT_CONNECTED if _NOT_CONNECTED_WORDS.search(words) else OTHER_REFUSAL


def hide(text: str, secrets: Iterable[str]) -> str:
    """Return the text without these secrets, which a provider may have repeated, cut or with more around."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "…")
        starts = range(0, len(secret) - _PIECE + 1, _PIECE // 2)
        pieces = [secret[start : start + _PIECE] for start in starts]
        if any(piece in text for piece in pieces):
            words = text.split(" ")
            text = " ".join("…" if any(piece in word for piece in pieces) else word for word in words)
    return text


def _find_codes(description: str) -> set[str]:
    return set(re.findall("AADSTS[0-9]{3,9}", description))
