# SPDX-License-Identifier: LGPL-2.1-or-later
"""Secrets sealed by systemd-creds(1): with the machine's key, or one that its TPM2 chip keeps.

In the database a sealed secret stands as prop `Sealed<Prop>`, in base64. Only root of the very machine opens
it, and for nothing but this prop: its name is sealed in. For a unit, systemd opens it by itself.
"""

from __future__ import annotations

import binascii
import os

from cockpit_getmail.connector import SEALED_AS, SECRETS, Connector
from cockpit_getmail.environment import ENVIRONMENT
from cockpit_getmail.problem import Problem, failure, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TypeAlias

    from cockpit_getmail.settings import Settings
    from cockpit_getmail.units.process import Finished

    Item: TypeAlias = tuple[str, str]

PROGRAM = "systemd-creds"
SECONDS = 30.0
"""A TPM2 chip takes its time."""
_KEY = ("--with-key=auto", "--tpm2-pcrs=")
"""This machine's chip, whatever state it is in: else an update of its firmware would cost all passwords."""
_STEPS = {"Password": "Enter the password anew.", "RefreshToken": "Sign in again (authorize)."}
_INSTEAD = "or set ENCRYPT_SECRETS=no"


def seal(prop: str, text: str) -> str:
    """Return a secret sealed, in base64 without line ends. Raises Problem (cause settings or internal)."""
    if os.geteuid() != 0:
        message = f"Sealing secrets takes root: run this as root, {_INSTEAD}."
        raise failure("settings", message, setting="ENCRYPT_SECRETS")
    done = _run("encrypt", prop, text.encode("utf-8", "surrogatepass"), *_KEY)
    blob = b"".join(done.output.split())
    if done.status != 0 or not _is_base64(blob):
        message = f"{prop} could not be sealed: {_reason(done)} Nothing was stored. Mend that, {_INSTEAD}."
        raise failure("settings", message, setting="ENCRYPT_SECRETS")
    return blob.decode()


def unseal(prop: str, blob: str) -> str:
    """Return a secret that seal() sealed. Raises Problem (cause credentials, settings or internal)."""
    if os.geteuid() != 0:
        raise failure("settings", f"{prop} is sealed, and opening it takes root: run this as root.")
    done = _run("decrypt", prop, blob.encode("utf-8", "surrogateescape"))
    if done.status is None:
        raise failure("internal", f"{prop} could not be opened: {_reason(done)}")
    if done.status != 0:
        raise _foreign(prop, done)
    return done.output.decode("utf-8", "surrogatepass")


def seal_wanted(secrets: Mapping[str, str | None], settings: Settings) -> dict[str, str]:
    """Return, by prop, those of these secrets sealed that are to be stored so; empty ones stay out.

    Raises Problem as seal() does.
    """
    if not settings.encrypt_secrets:
        return {}
    return {prop: seal(prop, text) for prop in SECRETS if (text := secrets.get(prop))}


def put_sealed(props: Mapping[str, str], sealed: Mapping[str, str]) -> dict[str, str]:
    """Return props in which those of these secrets that are in them stand sealed, and no more in clear."""
    kept = {prop: value for prop, value in props.items() if prop not in sealed}
    return kept | {SEALED_AS[prop]: blob for prop, blob in sealed.items() if prop in props}


def opened(connector: Connector, needed: Iterable[str] = SECRETS) -> Connector:
    """Return a connector with its sealed secrets in clear, where no unit needs them sealed. Raises Problem.

    What is not `needed` is left out: it may not open, and that is no trouble yet.
    """
    if not connector.sealed:
        return connector
    secrets = {prop: unseal(prop, connector.sealed[prop]) for prop in needed if prop in connector.sealed}
    return Connector(connector.name, connector.props, {**connector.secrets, **secrets})


def open_secret(connector: Connector, prop: str) -> str:
    """Return one secret of a connector in clear, empty if it has none. Raises Problem."""
    return opened(connector, (prop,)).secrets.get(prop, "")


def find_trouble(connector: Connector) -> Problem | None:
    """Return why a secret of the connector does not open, None if all do: for when its unit did not start."""
    try:
        opened(connector)
    except Problem as problem:
        return problem
    return None


def seal_each(items: Sequence[Item]) -> list[str | Problem]:
    """Return each of these secrets (prop and text) sealed, or why it is not: several at a time.

    The first is sealed alone: with it the machine gets its key, or instead of another machine's. Where two do
    that at once on an overlay of file systems, what the one has sealed does not open any more.
    """
    return [*_each(seal, items[:1]), *_each(seal, items[1:])]


def unseal_each(items: Sequence[Item]) -> list[str | Problem]:
    """Return each of these sealed secrets (prop and base64) in clear, or why it does not open."""
    return _each(unseal, items)


def _each(work: Callable[[str, str], str], items: Sequence[Item]) -> list[str | Problem]:
    from concurrent.futures import ThreadPoolExecutor

    def attempt(item: Item) -> str | Problem:
        try:
            return work(*item)
        except Problem as problem:
            return problem

    # What takes the time are other processes.
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        return list(pool.map(attempt, items))


def _run(verb: str, prop: str, data: bytes, *options: str) -> Finished:
    """Run systemd-creds; what goes in and out shows nowhere. Raises Problem (settings) if there is none."""
    import shutil

    from cockpit_getmail.units import process

    if shutil.which(PROGRAM, path=ENVIRONMENT["PATH"]) is None:
        message = f"There is no {PROGRAM} here to seal and open secrets: it comes with systemd 250."
        raise failure("settings", message, setting="ENCRYPT_SECRETS")
    argv = [PROGRAM, verb, f"--name={prop}", *options, "-", "-"]
    return process.run(argv, stdin=data, timeout=SECONDS)


def _foreign(prop: str, done: Finished) -> Problem:
    message = (
        f"{prop} does not open: it was sealed on another machine, or the key of this one has changed "
        f"({PROGRAM}: {_reason(done).rstrip('.')})."
    )
    return failure("credentials", message, parameter=prop, hint=_STEPS.get(prop, f"Enter {prop} anew."))


def _reason(done: Finished) -> str:
    """Return the last thing that systemd-creds complained of, as a sentence. It never says what is sealed."""
    if done.status is None:
        return "It took too long."
    lines = done.errors.strip().splitlines()
    return printable(lines[-1]).rstrip(".") + "." if lines else "It gave no reason."


def _is_base64(blob: bytes) -> bool:
    try:
        return bool(binascii.a2b_base64(blob, strict_mode=True))
    except ValueError:
        return False
