# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calling the helpers of a machine, each call a process: here by itself, elsewhere by ssh.

Also here they are processes, not functions: what answers is what is installed, whatever version and
interpreter the caller has, and nothing that a helper does to its process is done to the caller's.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from typing import TYPE_CHECKING, Any

from cockpit_getmail.problem import Problem, failure, not_valid, printable

if TYPE_CHECKING:
    from collections.abc import Mapping

VERBS = ("read", "validate", "create", "update", "delete", "execute")
INSTALLED = "/usr/local/libexec/cockpit-getmail"
SSH = (
    "ssh",
    "-T",
    "-oBatchMode=yes",
    "-oConnectTimeout=30",
    # A connection that is dead is known after a minute, not never.
    "-oServerAliveInterval=20",
    "-oServerAliveCountMax=3",
    "--",
)
# What ssh takes: HOST, USER@HOST or ssh://USER@HOST:PORT. A ProxyCommand may hand it to a shell.
_HOST = re.compile(r"(ssh://)?([A-Za-z0-9_][\w.+-]*@)?[A-Za-z0-9_\[][\w.:%\]-]*/?", re.ASCII)
_CANNOT_RUN = (126, 127)
_SSH_FAILED = 255


class Channel:
    """The helpers in a folder of this machine, or of another one."""

    def __init__(self, host: str | None = None, helpers: str | os.PathLike[str] | None = None) -> None:
        """`host` is what ssh is told, None for this machine; `helpers` an absolute path.

        Raises Problem (NotValid).
        """
        if host is not None and not _HOST.fullmatch(host):
            raise not_valid([{"parameter": "host", "value": printable(host), "error": "format"}])
        self.host = host
        self.helpers = os.fspath(helpers) if helpers is not None else INSTALLED if host else find_helpers()

    def call(self, verb: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return a helper's answer to a request. Raises Problem: its own, or cause network or internal."""
        try:
            done = subprocess.run(  # noqa: S603 (quoted, and what is secret goes over stdin)
                self._argv(verb), input=_encode(request), capture_output=True, check=False
            )
        except OSError as error:
            program = error.filename or self._argv(verb)[0]
            raise failure("internal", f"{program} cannot be run: {error.strerror}.") from error
        answer = _parse(done.stdout)
        if answer is not None and done.returncode == 0:
            return answer
        if answer is not None and done.returncode == 1 and {"type", "message"} <= answer.keys():
            raise _restore(answer, done.stderr)
        raise self._explain(verb, done)

    def command(self, *words: str) -> list[str]:
        """Return how `cockpit-getmail` is run with these words, there where the helpers are."""
        argv = [find_command(self.helpers), *words]
        return argv if self.host is None else [*SSH, self.host, shlex.join(argv)]

    def _argv(self, verb: str) -> list[str]:
        if verb not in VERBS:
            raise not_valid([{"parameter": "verb", "value": printable(verb), "error": "enum"}])
        program = f"{self.helpers}/{verb}"
        return [program] if self.host is None else [*SSH, self.host, shlex.quote(program)]

    def _explain(self, verb: str, done: subprocess.CompletedProcess[bytes]) -> Problem:
        """Return the Problem of a helper that gave no answer."""
        said = [line for line in done.stderr.splitlines() if line.strip()]
        ended = f"signal {-done.returncode}" if done.returncode < 0 else f"exit status {done.returncode}"
        last = f": {printable(said[-1])}" if said else f" ({ended})."
        if self.host is None:
            return failure("internal", f"The helper {verb} gave no answer{last}")
        if done.returncode == _SSH_FAILED:
            return failure("network", f"The connection to {self.host} failed{last}")
        if done.returncode in _CANNOT_RUN:
            return failure("network", f"There is no helper {self.helpers}/{verb} on {self.host}{last}")
        return failure("network", f"The helper {verb} on {self.host} gave no answer{last}")


def find_helpers() -> str:
    """Return the folder of this machine's helpers: those that belong to this package, else the usual one."""
    package = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    checkout = os.path.normpath(f"{package}/../../api")
    # As `make install` has it: PREFIX/lib/cockpit-getmail/lib/python3.X/site-packages/cockpit_getmail.
    installed = os.path.normpath(f"{package}/../../../../../../libexec/cockpit-getmail")
    found = [folder for folder in (checkout, installed) if os.path.isfile(f"{folder}/read")]
    return found[0] if found else INSTALLED


def find_command(helpers: str) -> str:
    """Return the `cockpit-getmail` that belongs to a folder of helpers: of an installation, or a checkout."""
    parent, name = os.path.split(helpers.rstrip("/"))
    if name == "api":
        return f"{parent}/.venv/bin/cockpit-getmail"
    # As `make install` has it: PREFIX/libexec/cockpit-getmail and PREFIX/sbin.
    prefix, folder = os.path.split(parent)
    return f"{prefix}/sbin/cockpit-getmail" if folder == "libexec" else f"{helpers}/cockpit-getmail"


def _encode(request: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(request).encode()
    except (TypeError, ValueError) as error:
        # Without the words of the error: these may hold a secret.
        raise Problem("InvalidInput", "The request cannot be written as JSON.") from error


def _parse(output: bytes) -> dict[str, Any] | None:
    """Return the object that an output is, None if it is none."""
    try:
        answer = json.loads(output)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _restore(answer: Mapping[str, Any], stderr: bytes) -> Problem:
    """Return the Problem that an answer is, for a traceback with its faults, or with the place of a bug."""
    problem = Problem(answer["type"], answer["message"], answer.get("attributes"))
    faults = problem.attributes if isinstance(problem.attributes, list) else []
    for fault in faults:
        problem.add_note(f"{fault.get('parameter')}: {fault.get('error')}")
    for line in stderr.splitlines():
        problem.add_note(printable(line))
    return problem
