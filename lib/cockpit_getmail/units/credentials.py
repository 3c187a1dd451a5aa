# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a run needs, handed to its unit as credentials (systemd.exec(5), LoadCredential=).

inside.py reads them there.

`connector` has name, props and settings, and what run.run() is told of this run; each secret has one of its
own, named as its prop; `ca` is the certificates of CAFile. Unit properties show no more of them than the
random names of short-lived files. What is sealed stays so until systemd opens it for the unit.
"""

import json
import os
import re
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cockpit_getmail.connector import Connector
from cockpit_getmail.problem import Problem, failure, printable
from cockpit_getmail.settings import Settings
from cockpit_getmail.units import place

CA_LIMIT = 512 << 10
TOTAL_LIMIT = 1_000_000
"""systemd takes 1 MiB for all credentials of a unit together, their names included."""
LEFTOVER_SECONDS = 600
_SUFFIX = ".credential"
_SEALED_SUFFIX = ".sealed" + _SUFFIX
_CERTIFICATE = re.compile(
    rb"^-----BEGIN ((?:X509 |TRUSTED )?CERTIFICATE)-----\s[A-Za-z0-9+/=\s]*-----END \1-----", re.MULTILINE
)
"""In PEM form (RFC 7468, and OpenSSL's other names for it)."""
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def written(
    connector: Connector,
    settings: Settings,
    token: str = "",
    *,
    forgive: bool = False,
    problem: Problem | None = None,
    baseline: bool = False,
) -> Iterator[dict[str, Path]]:
    """Give the files to load credentials from, by credential; they are gone when the block ends.

    Raises Problem: cause connector for a CAFile that cannot be read or for too much of it all, and internal.
    """
    task = {
        "token": token,
        "forgive": forgive,
        "problem": tell_problem(problem),
        "baseline": baseline,
    }
    contents = _collect(connector, settings, task)
    with _in_files(connector, contents) as files:
        yield files


@contextmanager
def secrets_written(connector: Connector) -> Iterator[dict[str, Path]]:
    """Give the files of the connector's secrets alone, sealed or not: for units that get the rest otherwise.

    There, inside.read_secrets() reads them. Raises Problem (internal).
    """
    with _in_files(connector, _encode_secrets(connector)) as files:
        yield files


def tell_problem(problem: Problem | None) -> list[Any] | None:
    """Return what Problem() takes, as JSON has it."""
    return [problem.type, problem.message, problem.attributes] if problem else None


def loading(files: Mapping[str, Path]) -> list[str]:
    """Return the properties by which a unit gets these files as credentials."""
    return [f"{_find_loader(path)}={name}:{path}" for name, path in files.items()]


def _find_loader(path: Path) -> str:
    return "LoadCredentialEncrypted" if path.name.endswith(_SEALED_SUFFIX) else "LoadCredential"


@contextmanager
def _in_files(connector: Connector, contents: Mapping[str, bytes]) -> Iterator[dict[str, Path]]:
    contents = {**contents, **{name: _encode(blob) for name, blob in connector.sealed.items()}}
    if contents:
        place.provide_run_folder()
        _remove_leftovers(Path(place.RUN_FOLDER))
    files = {
        name: Path(place.RUN_FOLDER, os.urandom(16).hex() + _choose_suffix(connector, name))
        for name in contents
    }
    try:
        for name, path in files.items():
            _write(path, contents[name])
        yield files
    finally:
        for path in files.values():
            path.unlink(missing_ok=True)


def _choose_suffix(connector: Connector, name: str) -> str:
    return _SEALED_SUFFIX if name in connector.sealed else _SUFFIX


def read_ca(connector: Connector) -> str | None:
    """Return the certificates in the connector's CAFile (PEM), and nothing else of it; None without one.

    Raises Problem (cause connector).
    """
    name = connector.props.get("CAFile")
    if not name:
        return None
    try:
        # Not to wait for a pipe's other end.
        descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(0, "it is not a regular file")
            data = file.read(CA_LIMIT + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        message = f"The CAFile {printable(name)} cannot be read: {reason}."
        raise failure("connector", message, parameter="CAFile") from error
    if len(data) > CA_LIMIT:
        message = f"The CAFile {printable(name)} has more than {CA_LIMIT >> 10} KiB."
        raise failure("connector", message, parameter="CAFile")
    # Beside them may stand a private key, and comments in any encoding.
    certificates = [match[0].decode() for match in _CERTIFICATE.finditer(data)]
    if not certificates:
        message = f"The CAFile {printable(name)} has no certificate in PEM form."
        raise failure("connector", message, parameter="CAFile")
    return "\n".join(certificates) + "\n"


def _collect(connector: Connector, settings: Settings, task: Mapping[str, Any]) -> dict[str, bytes]:
    head = {
        **task,
        "name": connector.name,
        "props": connector.told_props,
        "settings": settings.to_json(),
        "secrets": [*connector.secrets, *connector.sealed],
    }
    contents = {"connector": json.dumps(head).encode(), **_encode_secrets(connector)}
    ca_pem = read_ca(connector)
    if ca_pem:
        contents["ca"] = ca_pem.encode()
    # What is sealed is larger in base64 than systemd will find in it.
    total = [*contents.items(), *connector.sealed.items()]
    if sum(len(name) + len(content) for name, content in total) > TOTAL_LIMIT:
        raise failure("connector", f"The connector {printable(connector.name)} is too large for a unit.")
    return contents


def _encode_secrets(connector: Connector) -> dict[str, bytes]:
    # systemd takes an empty file for a missing one on some versions: an empty secret is only named.
    return {name: _encode(value) for name, value in connector.secrets.items() if value}


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _write(path: Path, content: bytes) -> None:
    try:
        with open(os.open(path, _NEW_FILE, 0o600), "wb") as file:
            file.write(content)
    except OSError as error:
        raise failure("internal", f"{path.parent} cannot be written to: {error.strerror}.") from error


def _remove_leftovers(folder: Path) -> None:
    """Remove what helpers that were killed left behind."""
    before = time.time() - LEFTOVER_SECONDS
    for path in folder.glob("*" + _SUFFIX):
        with suppress(FileNotFoundError):
            if path.lstat().st_mtime < before:
                path.unlink()
